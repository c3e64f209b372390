"""Customers and sales of a shop that does not exist, day after day, always the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The first day of sales.
START = date(2024, 1, 1)
REGIONS = ("north", "east", "south", "west")
#: Names as they are: nothing in a value is SQL, or a mark of the file format that it is loaded in.
PRODUCTS = (
    "tea",
    'coffee, "dark roast"',
    "O'Neil's jam",
    "mug; 100 % clay",
    "tab\tand back\\slash",
    "x'); DROP TABLE sales; --",
)


@dataclass(frozen=True)
class Shop:
    """A shop whose customers come back until they lapse.

    Each buys at a rate of its own, from the day when it joined to the day when it lapses. So recency and frequency say
    something about whether it comes back. The sales of a day depend on nothing but the parameters and the day: more
    days do not change the days before.

    Parameters
    ----------
    customers
        Number of customers. They join over four years, of which the first is before the first day of sales.
    sales_per_day
        Number of sales on each day.
    seed
        Another seed makes another shop.
    """

    customers: int = 5_000
    sales_per_day: int = 50
    seed: int = 0

    def customers_until(self, days: int) -> pa.Table:
        """Return the customers who had joined by the end of so many days."""
        numbers = np.flatnonzero(self._joined < days)
        return pa.table(
            {
                "customer_id": numbers + 1,
                "name": [f"Customer {number}" for number in (numbers + 1).tolist()],
                "region": np.array(REGIONS)[numbers % len(REGIONS)],
                "joined_on": pa.array(_dates(self._joined[numbers]), pa.date32()),
            }
        )

    def sales_after(self, sale_id: int, days: int) -> Iterator[pa.Table]:
        """Yield the sales of so many days, a day at a time and in the order of their numbers, but for those up to one.

        Parameters
        ----------
        sale_id
            Number of the last sale that is known already; 0 for all sales.
        days
            Number of days from the first one.
        """
        for day in range(sale_id // self.sales_per_day, days):
            sales = self._sales_of(day)
            yield sales.slice(max(0, sale_id - day * self.sales_per_day))

    def _sales_of(self, day: int) -> pa.Table:
        draw = np.random.default_rng([self.seed, 1, day])
        is_active = (self._joined <= day) & (day < self._lapsed)
        shares = np.cumsum(self._rates * is_active)
        buyers = np.searchsorted(shares, draw.random(self.sales_per_day) * shares[-1], side="right")
        amounts = np.maximum(draw.lognormal(3.0, 0.8, self.sales_per_day), 0.01).round(2)
        products = draw.integers(len(PRODUCTS), size=self.sales_per_day)
        return pa.table(
            {
                "sale_id": np.arange(self.sales_per_day) + day * self.sales_per_day + 1,
                "customer_id": np.minimum(buyers, self.customers - 1) + 1,
                "sold_on": pa.array(_dates(np.full(self.sales_per_day, day)), pa.date32()),
                "product": np.array(PRODUCTS, dtype=object)[products],
                "amount": amounts,
            }
        )

    @cached_property
    def _draws(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        draw = np.random.default_rng([self.seed, 0])
        joined = draw.integers(-365, 3 * 365, self.customers)
        lapsed = joined + 30 + draw.exponential(500.0, self.customers)
        rates = draw.gamma(0.7, 1.0, self.customers) + 0.01
        joined[0], lapsed[0] = -365, np.inf  # there is always somebody to sell to
        return joined, lapsed, rates

    @property
    def _joined(self) -> NDArray[np.int64]:
        return self._draws[0]

    @property
    def _lapsed(self) -> NDArray[np.float64]:
        return self._draws[1]

    @property
    def _rates(self) -> NDArray[np.float64]:
        return self._draws[2]


def _dates(days: NDArray[np.int64]) -> NDArray[np.datetime64]:
    return np.datetime64(START) + days.astype("timedelta64[D]")
