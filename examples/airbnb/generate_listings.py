"""Write a table of made-up listings with the columns, and the mess, of Inside Airbnb's listings.csv.

    python generate_listings.py data/listings.csv --rows 4000 --seed 0

Prices are texts such as $1,250.00, and some are missing. Beds and bedrooms have gaps. Amenities are lists in JSON or in
braces, in upper and lower case. Texts have commas, quotes and line breaks. The same seed gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: Columns of the file, in its order. Those that no value is made for are empty, as many are in a real file.
COLUMNS = (
    *("id", "listing_url", "scrape_id", "last_scraped", "source", "name", "description", "neighborhood_overview"),
    *("picture_url", "host_id", "host_url", "host_name", "host_since", "host_location", "host_about"),
    *("host_response_time", "host_response_rate", "host_acceptance_rate", "host_is_superhost", "host_thumbnail_url"),
    *("host_picture_url", "host_neighbourhood", "host_listings_count", "host_total_listings_count"),
    *("host_verifications", "host_has_profile_pic", "host_identity_verified", "neighbourhood"),
    *("neighbourhood_cleansed", "neighbourhood_group_cleansed", "latitude", "longitude", "property_type", "room_type"),
    *("accommodates", "bathrooms", "bathrooms_text", "bedrooms", "beds", "amenities", "price", "minimum_nights"),
    *("maximum_nights", "minimum_minimum_nights", "maximum_minimum_nights", "minimum_maximum_nights"),
    *("maximum_maximum_nights", "minimum_nights_avg_ntm", "maximum_nights_avg_ntm", "calendar_updated"),
    *("has_availability", "availability_30", "availability_60", "availability_90", "availability_365"),
    *("calendar_last_scraped", "number_of_reviews", "number_of_reviews_ltm", "number_of_reviews_l30d"),
    *("first_review", "last_review", "review_scores_rating", "review_scores_accuracy", "review_scores_cleanliness"),
    *("review_scores_checkin", "review_scores_communication", "review_scores_location", "review_scores_value"),
    *("license", "instant_bookable", "calculated_host_listings_count", "calculated_host_listings_count_entire_homes"),
    *("calculated_host_listings_count_private_rooms", "calculated_host_listings_count_shared_rooms"),
    "reviews_per_month",
)

#: Neighbourhood groups: share of the listings, logarithm of the price above the city's.
GROUPS = {
    "Manhattan": (0.40, 0.45),
    "Brooklyn": (0.36, 0.05),
    "Queens": (0.17, -0.25),
    "Bronx": (0.04, -0.45),
    "Staten Island": (0.03, -0.40),
}
#: Room types: share, logarithm of the price, property types.
ROOMS = {
    "Entire home/apt": (0.56, 0.55, ("Entire rental unit", "Entire condo", "Entire home", "Entire loft", "Tiny home")),
    "Private room": (0.40, -0.30, ("Private room in rental unit", "Private room in home", "Private room in townhouse")),
    "Hotel room": (0.02, 0.50, ("Room in boutique hotel", "Room in hotel")),
    "Shared room": (0.02, -0.80, ("Shared room in rental unit", "Shared room in hostel")),
}
#: Amenities: share of the listings, logarithm of the price.
AMENITIES = {
    "TV": (0.70, 0.06),
    "Internet": (0.30, 0.0),
    "Air conditioning": (0.75, 0.08),
    "Kitchen": (0.85, 0.02),
    "Heating": (0.85, 0.03),
    "Wifi": (0.95, 0.02),
    "Elevator": (0.25, 0.15),
    "Breakfast": (0.08, 0.05),
}
#: Amenities that only look like one of those above, and others, among them one with a quote.
OTHER_AMENITIES = (
    *("Kitchenette", "Smoke alarm", "Essentials", "Hangers", "Hair dryer", "Iron", "Shampoo", "Washer", "Dryer"),
    *(
        "Free parking on premises",
        "Luggage dropoff allowed",
        "Self check-in",
        'The host\u2019s 12" pan, lids',
        "Bathtub",
    ),
    *("Coffee maker: Nespresso", "Pets allowed", "Long term stays allowed", "First aid kit", "Fire extinguisher"),
)


def make_listings(rows: int, seed: int = 0) -> pd.DataFrame:
    """Make a table of listings.

    Parameters
    ----------
    rows
        Number of listings, at least 1.
    seed
        Seed of all draws.

    Returns
    -------
    pandas.DataFrame
        Texts as in the file, ready for ``to_csv``; the columns are `COLUMNS`.
    """
    draw = np.random.default_rng(seed)
    groups = draw.choice(list(GROUPS), rows, p=[share for share, _ in GROUPS.values()])
    rooms = draw.choice(list(ROOMS), rows, p=[share for share, _, _ in ROOMS.values()])
    is_shared = (rooms != "Entire home/apt") & (draw.random(rows) < 0.7)
    bedrooms = np.where(rooms == "Entire home/apt", 1 + draw.poisson(0.6, rows), 1)
    accommodates = np.minimum(bedrooms + draw.integers(1, 4, rows), 16)
    baths = 1 + draw.binomial(2 * bedrooms, 0.15) / 2
    has = {name: draw.random(rows) < share for name, (share, _) in AMENITIES.items()}
    logarithm = (
        4.6
        + np.array([GROUPS[name][1] for name in groups])
        + np.array([ROOMS[name][1] for name in rooms])
        + 0.22 * np.log2(accommodates)
        + 0.18 * (baths - 1)
        - 0.12 * is_shared
        + sum(effect * has[name] for name, (_, effect) in AMENITIES.items())
        + draw.normal(0, 0.35, rows)
    )
    price = np.exp(logarithm).round()
    ids = np.sort(draw.choice(10**9, rows, replace=False)) + 10_000
    nights = draw.choice([1, 2, 3, 5, 30], rows, p=[0.25, 0.2, 0.2, 0.1, 0.25])
    reviews = draw.poisson(20, rows) * (draw.random(rows) > 0.2)
    ratings = draw.beta(20, 1, rows) * 5
    parts = draw.choice(["Heights", "Park", "Center", "Hill", "Village"], rows)
    columns: dict[str, Sequence[str] | NDArray[np.str_]] = {
        "id": ids.astype(str),
        "listing_url": [f"https://www.airbnb.com/rooms/{number}" for number in ids],
        "scrape_id": ["20261101000000"] * rows,
        "last_scraped": ["2026-11-01"] * rows,
        "source": draw.choice(["city scrape", "previous scrape"], rows, p=[0.7, 0.3]),
        "name": [_title(draw, group, room) for group, room in zip(groups, rooms, strict=True)],
        "description": [_description(draw, group) for group in groups],
        "host_id": draw.integers(1000, 10**9, rows).astype(str),
        "host_since": _dates(draw, rows),
        "host_response_rate": draw.choice(["100%", "90%", "N/A", ""], rows),
        "host_is_superhost": draw.choice(["t", "f", ""], rows, p=[0.3, 0.65, 0.05]),
        "host_listings_count": draw.integers(1, 20, rows).astype(str),
        "host_verifications": ["['email', 'phone']"] * rows,
        "neighbourhood_cleansed": [f"{group} {part}" for group, part in zip(groups, parts, strict=True)],
        "neighbourhood_group_cleansed": groups,
        "latitude": draw.uniform(40.5, 40.91, rows).round(5).astype(str),
        "longitude": draw.uniform(-74.24, -73.71, rows).round(5).astype(str),
        "property_type": [draw.choice(ROOMS[name][2]) for name in rooms],
        "room_type": rooms,
        "accommodates": accommodates.astype(str),
        "bathrooms_text": [_bathrooms(draw, *pair) for pair in zip(baths, is_shared, strict=True)],
        "bedrooms": _with_gaps(draw, bedrooms, 0.10),
        "beds": _with_gaps(draw, np.maximum(bedrooms, accommodates - 1), 0.25),
        "amenities": [_amenities(draw, [name for name in AMENITIES if has[name][row]]) for row in range(rows)],
        "price": ["" if gap else f"${value:,.2f}" for gap, value in zip(draw.random(rows) < 0.08, price, strict=True)],
        "minimum_nights": nights.astype(str),
        "maximum_nights": draw.choice(["30", "365", "1125"], rows),
        "has_availability": draw.choice(["t", ""], rows, p=[0.95, 0.05]),
        "availability_365": draw.integers(0, 366, rows).astype(str),
        "number_of_reviews": reviews.astype(str),
        "review_scores_rating": [
            f"{rating:.2f}" if count else "" for rating, count in zip(ratings, reviews, strict=True)
        ],
        "instant_bookable": draw.choice(["t", "f"], rows),
    }
    return pd.DataFrame({name: columns.get(name, [""] * rows) for name in COLUMNS})


def _with_gaps(draw: np.random.Generator, values: NDArray[np.int64], share: float) -> list[str]:
    """Write whole numbers, without some of them, as the file has them: 2.0 in one release, 2 in another."""
    is_missing, is_decimal = draw.random(len(values)) < share, draw.random(len(values)) < 0.5
    texts = zip(values, is_missing, is_decimal, strict=True)
    return ["" if missing else f"{value}.0" if decimal else str(value) for value, missing, decimal in texts]


def _dates(draw: np.random.Generator, rows: int) -> list[str]:
    days = pd.Timestamp("2010-01-01") + pd.to_timedelta(draw.integers(0, 5000, rows), unit="D")
    return [day.date().isoformat() for day in days]


def _title(draw: np.random.Generator, group: str, room: str) -> str:
    adjective = draw.choice(["Sunny", "COZY", "Spacious", "quiet", '"Artist\'s"', "Modern,"])
    return f"{adjective} {room.lower()} in {group}!"


def _description(draw: np.random.Generator, group: str) -> str:
    lines = ["The space", f"A home in {group}, close to the train.", 'Guests call it "lovely", <br />and come again.']
    return "\n".join(lines[: draw.integers(1, 4)])


def _bathrooms(draw: np.random.Generator, baths: float, is_shared: bool) -> str:
    chance = draw.random()
    if chance < 0.01:
        return ""
    if chance < 0.03:
        return "Shared half-bath" if is_shared else "Half-bath"
    noun = "bath" if baths == 1 else "baths"
    return f"{baths:g} {'shared ' if is_shared else ''}{noun if chance < 0.95 else noun.capitalize()}"


def _amenities(draw: np.random.Generator, names: Sequence[str]) -> str:
    """Write a list of amenities as JSON, or in braces, as older files have them."""
    others = draw.choice(OTHER_AMENITIES, draw.integers(0, len(OTHER_AMENITIES)), replace=False).tolist()
    found = [str(name) for name in draw.permutation([*names, *others])]
    case = draw.random()
    if case < 0.1:
        found = [name.lower() for name in found]
    elif case < 0.15:
        found = [name.upper() for name in found]
    if draw.random() < 0.8:
        return json.dumps(found)
    quoted = (json.dumps(name, ensure_ascii=False) if set(name) & set(' ",') else name for name in found)
    return "{" + ",".join(quoted) + "}"


def main() -> None:
    """Write the table of listings that the arguments ask for."""
    parser = argparse.ArgumentParser(
        description="Write made-up listings with the columns of Inside Airbnb's listings.csv."
    )
    parser.add_argument("path", type=Path, help="CSV file to write; its folder is made")
    parser.add_argument("--rows", type=int, default=4000, help="number of listings (default: 4000)")
    parser.add_argument("--seed", type=int, default=0, help="seed of all draws (default: 0)")
    arguments = parser.parse_args()
    if arguments.rows < 1:
        parser.error(f"--rows: expected 1 or more, found {arguments.rows}")
    arguments.path.parent.mkdir(parents=True, exist_ok=True)
    make_listings(arguments.rows, arguments.seed).to_csv(arguments.path, index=False)
    print(f"{arguments.rows} listings in {arguments.path}")


if __name__ == "__main__":
    main()
