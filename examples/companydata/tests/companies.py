"""Small companies, and what is in their tables."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa

from data_engineering.generated_shop import Shop
from data_engineering.loading import Built, build_features, load
from data_science.connections import Role, address, database
from local_postgres import LocalPostgres, local_postgres

#: A shop that is quick to load and can be trained on, and its number of days.
SHOP, SHOP_DAYS = Shop(customers=900, sales_per_day=12), 300
LABEL_DAYS = 60
TABLES = {
    "customers": "customer_id",
    "sales": "sale_id",
    "feature_store": "customer_id",
    "labels": "customer_id, cut_off",
    "etl_watermarks": "source",
}


def patiently(postgres: LocalPostgres) -> str:
    """Return the URL of a server with a time to connect that no busy machine exceeds."""
    return f"{postgres.url}&connect_timeout=600"


@contextmanager
def as_role(role: Role) -> Iterator[psycopg.Connection[Any]]:
    """Connect as a role."""
    with psycopg.connect(address(database(role)), autocommit=True) as connection:
        yield connection


def fill(connection: psycopg.Connection[Any], shop: Shop = SHOP, days: int = SHOP_DAYS) -> Built:
    """Load a shop, and build its features."""
    load(connection, [shop.customers_until(days)], shop.sales_after(0, days), source="test")
    return build_features(connection, label_days=LABEL_DAYS)


def snapshot(connection: psycopg.Connection[Any]) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of each table, in the order of their keys."""
    return {
        table: connection.execute(f"SELECT * FROM {table} ORDER BY {key}").fetchall()  # noqa: S608
        for table, key in TABLES.items()
    }


def empty(connection: psycopg.Connection[Any]) -> None:
    """Empty the tables of the ETL."""
    connection.execute("TRUNCATE customers, sales, feature_store, labels, etl_watermarks")


def customers(*rows: tuple[int, str, str, date]) -> pa.Table:
    """Return a block of customers."""
    return _block(rows, customer_id=pa.int64(), name=pa.string(), region=pa.string(), joined_on=pa.date32())


def sales(*rows: tuple[int, int, date, str | None, float]) -> pa.Table:
    """Return a block of sales."""
    kinds = {"sale_id": pa.int64(), "customer_id": pa.int64(), "sold_on": pa.date32()}
    return _block(rows, **kinds, product=pa.string(), amount=pa.float64())


def _block(rows: tuple[tuple[Any, ...], ...], **kinds: pa.DataType) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ((),) * len(kinds)
    return pa.table({name: pa.array(values, kind) for (name, kind), values in zip(kinds.items(), columns, strict=True)})


class Reactions(logging.Handler):
    """Does something each time when a wait is logged, in the thread that waits.

    Parameters
    ----------
    actions
        What to do at the first wait, the second one and so on; nothing after the last.

    Attributes
    ----------
    messages
        The messages.
    """

    def __init__(self, *actions: Callable[[], object]) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []
        self._actions = list(actions)

    def emit(self, record: logging.LogRecord) -> None:
        """Do the next thing."""
        self.messages.append(record.getMessage())
        if self._actions:
            self._actions.pop(0)()


@contextmanager
def reacting(*actions: Callable[[], object]) -> Iterator[Reactions]:
    """React to waits within the block; see `Reactions`."""
    handler = Reactions(*actions)
    logger = logging.getLogger("data_science.waiting")
    logger.addHandler(handler)
    try:
        yield handler
    finally:
        logger.removeHandler(handler)


@contextmanager
def running_postgres() -> Iterator[LocalPostgres]:
    """Start a PostgreSQL; not in a folder of pytest, as another run of it closes those to the user of the server."""
    with tempfile.TemporaryDirectory() as folder, local_postgres(Path(folder)) as postgres:
        yield postgres
