"""The example from end to end: listings made, processed, trained on, and served by the API, as its README says."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

import classification_model as cm
from generate_listings import AMENITIES, COLUMNS, make_listings

EXAMPLE = Path(__file__).parents[1]
ROOT = EXAMPLE.parents[1]
BIN = Path(sys.executable).parent
LISTING = {
    "accommodates": 4,
    "bedrooms": 2,
    "beds": None,
    "room_type": "Entire home/apt",
    "property_type": "Entire condo",
    "neighbourhood_group_cleansed": "Manhattan",
    "bathrooms_text": "1.5 baths",
    "amenities": '["Wifi", "Kitchen", "Elevator"]',
}


def run(*arguments: str, folder: Path) -> str:
    """Run a command of the environment; give what it printed."""
    command = [str(BIN / arguments[0]), *arguments[1:]]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with the config, listings, their processed table and a model."""
    folder = tmp_path_factory.mktemp("airbnb")
    (folder / "config.yml").write_bytes((EXAMPLE / "config.yml").read_bytes())
    run("python", str(EXAMPLE / "generate_listings.py"), "data/listings.csv", "--rows", "2000", folder=folder)
    process = ["process", "--config", "config.yml", "--drop-bad-rows", "--output", "data/processed.parquet"]
    printed = run("classification-model", *process, folder=folder)
    assert "price: the target is missing" in printed
    train = ["train", "--config", "config.yml", "--source", "data/processed.parquet", "--output", "models"]
    run("classification-model", *train, folder=folder)
    return folder


@pytest.fixture(scope="module")
def model(example: Path) -> Path:
    """Return the model folder."""
    (found,) = (example / "models").iterdir()
    return found


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    """Listings differ by their seed alone."""
    texts = []
    for name, seed in (("one.csv", "3"), ("two.csv", "3"), ("three.csv", "4")):
        run("python", str(EXAMPLE / "generate_listings.py"), name, "--rows", "50", "--seed", seed, folder=tmp_path)
        texts.append((tmp_path / name).read_bytes())
    assert texts[0] == texts[1] != texts[2]


def test_listings_have_the_columns_and_the_mess_of_a_real_file() -> None:
    """Prices with signs and commas, gaps, amenities as JSON and in braces and in any case, line breaks in texts."""
    listings = make_listings(3000, seed=1)
    assert tuple(listings) == COLUMNS
    assert len(COLUMNS) == 75
    prices = listings["price"]
    assert prices[prices != ""].str.fullmatch(r"\$\d{1,3}(,\d{3})*\.\d\d").all()
    assert prices.str.contains(",").any()
    for column in ("price", "beds", "bedrooms", "bathrooms_text"):
        assert (listings[column] == "").any(), column
    amenities = listings["amenities"]
    assert amenities.str.startswith("[").any() & amenities.str.startswith("{").any()
    assert amenities.str.contains("KITCHEN").any() & amenities.str.contains("kitchen").any()
    assert listings["bathrooms_text"].isin(["Half-bath", "Shared half-bath"]).any()
    assert listings["description"].str.contains("\n").any()
    assert listings["id"].is_unique


def test_the_classes_are_quarters_of_the_training_rows(example: Path, model: Path) -> None:
    """Their names are in order of the price, and the edges between them are in the manifest."""
    manifest = cm.read_manifest(model)
    assert manifest.classes == ("low", "mid", "high", "lux")
    assert list(manifest.target_edges) == sorted(manifest.target_edges)
    prices = pd.read_parquet(example / "data" / "processed.parquet")["price"].to_numpy()
    counts = np.bincount(np.searchsorted(manifest.target_edges, prices), minlength=4)
    assert (abs(counts / len(prices) - 0.25) < 0.03).all()
    assert manifest.compiled is not None


def test_raw_texts_become_the_features_that_the_readme_lists(example: Path) -> None:
    """Amenities are whole words in any case, and bathrooms are numbers, compared with how the file was made."""
    raw = pd.read_csv(example / "data" / "listings.csv", dtype=str, keep_default_na=False)
    raw = raw[raw["price"] != ""].reset_index(drop=True)
    table = pd.read_parquet(example / "data" / "processed.parquet")
    for name in AMENITIES:
        listed = [
            name.lower() in [item.strip('" ').lower() for item in text.strip("[]{}").split(",")]
            for text in raw["amenities"]
        ]
        assert table[name.lower().replace(" ", "_")].astype(bool).tolist() == listed, name
    texts = raw["bathrooms_text"]
    assert table["bathrooms"].fillna(-1).tolist() == [
        float(text.split()[0]) if text[:1].isdigit() else -1 for text in texts
    ]
    assert table["shared_bath"].fillna(0).astype(bool).tolist() == texts.str.lower().str.contains("shared").tolist()
    assert table["half_bath"].fillna(0).astype(bool).tolist() == texts.str.lower().str.contains("half-bath").tolist()
    assert table["price"].tolist() == [float(text.strip("$").replace(",", "")) for text in raw["price"]]


@pytest.mark.parametrize("text", ["TV", "tv", "{TV,Wifi}", '["32 inch TV"]'])
def test_a_word_is_found_whatever_surrounds_it(model: Path, text: str) -> None:
    """A television counts however the list is written; what only looks like a word does not."""
    model_ = cm.ServedModel().load(model)
    with_, without = (
        model_.predict([LISTING | {"amenities": each}])["probabilities"]
        for each in (text, "Kitchenette, TVs, Heatings")
    )
    none = model_.predict([LISTING | {"amenities": "nothing"}])["probabilities"]
    assert with_ != none
    assert without == none


@pytest.fixture(scope="module")
def address(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the model by the API's command; give its address."""
    folder = tmp_path_factory.mktemp("served")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(BIN / "classification-api"), "serve", str(model), "--port", str(port)]
    with (folder / "output").open("wb") as output:
        environment = os.environ | {"LOG_FOLDER": str(folder / "log")}
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            wait_until_ready(f"http://127.0.0.1:{port}", server, folder / "output")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(60) == 0


def wait_until_ready(address: str, server: subprocess.Popen[bytes], output: Path) -> None:
    """Wait until the server has a model, for as long as it lives."""
    for _ in range(1200):
        assert server.poll() is None, output.read_text(encoding="utf-8")
        with suppress(httpx.TransportError):
            if httpx.get(f"{address}/health/ready").is_success:
                return
        time.sleep(0.1)
    pytest.fail(output.read_text(encoding="utf-8"))


def post(address: str, **body: Any) -> dict[str, Any]:
    """Send a request for predictions."""
    reply = httpx.post(f"{address}/predict", **body)
    assert reply.is_success, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


def test_the_api_answers_with_the_names_of_the_classes(address: str) -> None:
    """A large flat in Manhattan is dear, a shared room in the Bronx is cheap, and missing beds are no error."""
    cheap = LISTING | {
        "accommodates": 1,
        "bedrooms": 1,
        "room_type": "Shared room",
        "property_type": "Shared room in hostel",
        "neighbourhood_group_cleansed": "Bronx",
        "bathrooms_text": "1 shared bath",
        "amenities": "{}",
    }
    dear = LISTING | {"accommodates": 12, "bedrooms": 5, "bathrooms_text": "3 baths"}
    answer = post(address, json={"inputs": [cheap, dear]})
    assert answer["predictions"] == ["low", "lux"]
    assert list(answer["probabilities"][0]) == ["low", "mid", "high", "lux"]


def test_a_row_of_the_file_is_predicted_as_it_is(example: Path, address: str) -> None:
    """All 75 columns, the price among them, are accepted; what the model does not use is ignored."""
    rows = pd.read_csv(example / "data" / "listings.csv", dtype=str, keep_default_na=False)[:20]
    answer = post(address, json={"inputs": rows.to_dict("records")})
    assert set(answer["predictions"]) <= {"low", "mid", "high", "lux"}
    assert len(answer["predictions"]) == 20


def test_the_call_that_make_prints_is_answered(address: str) -> None:
    """What a new user is told to type gets a prediction."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (call,) = re.findall(r"^ *curl localhost:8003/predict (.+?\}')$", makefile, re.DOTALL | re.MULTILINE)
    _, header, _, body = shlex.split(call)
    name, _, value = header.partition(": ")
    assert post(address, headers={name: value}, content=body)["predictions"][0] in {"high", "lux"}


def test_neither_package_nor_api_knows_about_the_example() -> None:
    """The problem is its config: no line of the runtime, the workshop or the API names it."""
    words = re.compile(r"airbnb|amenities|listing\b", re.IGNORECASE)
    for folder in (ROOT / "package" / "classification_model", ROOT / "classification_api" / "app"):
        for path in folder.rglob("*.py"):
            assert not words.search(path.read_text(encoding="utf-8")), path
