"""Load customers and sales, and build the features from them: one transaction each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import classification_model as cm
import pyarrow as pa
import pyarrow.csv
from psycopg import sql
from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from psycopg import Connection

_STATEMENTS = Path(__file__).with_name("sql")
#: Most seconds to wait for another load or build, or for any other lock.
LOCK_SECONDS = 300.0
CUSTOMERS = ("customer_id", "name", "region", "joined_on")
SALES = ("sale_id", "customer_id", "sold_on", "product", "amount")


class Loaded(NamedTuple):
    """Numbers of rows of a load that were new.

    Attributes
    ----------
    customers, sales
    """

    customers: int
    sales: int


class Built(NamedTuple):
    """What became of the feature store.

    Attributes
    ----------
    cut_off
        The date that the features look back from.
    changed, removed
        Numbers of its rows that were added or changed, and removed.
    """

    cut_off: date
    changed: int
    removed: int


def read_watermark(connection: Connection[Any], source: str) -> int:
    """Return the number of the sale up to which everything of a source was loaded; 0 for nothing."""
    row = connection.execute(_statement("read_watermark"), {"source": source}).fetchone()
    return int(row[0]) if row else 0


def load(
    connection: Connection[Any],
    customers: Iterable[pa.Table],
    sales: Iterable[pa.Table],
    *,
    source: str | None = None,
    options: Mapping[str, object] | None = None,
    lock_seconds: float = LOCK_SECONDS,
) -> Loaded:
    """Add the rows that are new, all of them or none.

    The rows are streamed by COPY to temporary tables. From there those whose number is not known yet are added, so that
    loading the same rows again adds nothing, and in which parts and which order they come does not matter.

    Parameters
    ----------
    connection
        Connection as ``de_user``.
    customers, sales
        Blocks of rows, with the columns of the tables.
    source
        A source that sends its sales in the order of their numbers, without gaps: its watermark moves to the last one.
    options
        What the rows of the source depend on. The first load keeps them, and later ones must have the same.
    lock_seconds
        Most seconds to wait for a lock.

    Returns
    -------
    Loaded
        Numbers of new rows.

    Raises
    ------
    DataError
        If the source was loaded with other options, or a known sale comes with other contents. Nothing is loaded then.
    psycopg.Error
        If a row breaks a rule of its table, or the server fails. Nothing is loaded then.
    """
    with _alone(connection, lock_seconds):
        if source is not None:
            _check_options(connection, source, options or {})
        connection.execute(_statement("stage"))
        copy(connection, "staged_customers", CUSTOMERS, customers)
        copy(connection, "staged_sales", SALES, sales)
        _check_conflicts(connection)
        new = Loaded(
            connection.execute(_statement("add_customers")).rowcount,
            connection.execute(_statement("add_sales")).rowcount,
        )
        if source is not None:
            connection.execute(_statement("move_watermark"), {"source": source})
        connection.execute("ANALYZE public.customers, public.sales")
    return new


@contextmanager
def _alone(connection: Connection[Any], lock_seconds: float) -> Iterator[None]:
    """Begin a transaction that no other load or build runs beside."""
    with connection.transaction():
        connection.execute("SELECT set_config('lock_timeout', %s, true)", [f"{lock_seconds * 1000:.0f}ms"])
        connection.execute(_statement("lock"))
        yield


def _check_options(connection: Connection[Any], source: str, options: Mapping[str, object]) -> None:
    connection.execute(_statement("add_source"), {"source": source, "options": Jsonb(dict(options))})
    row = connection.execute(_statement("read_options"), {"source": source}).fetchone()
    first = row[0] if row else {}
    if first != options:
        msg = (
            f"expected the options of the first load, {_spell(first)}, found {_spell(options)}: use the first options, "
            "or drop the database and make it again"
        )
        raise cm.errors.DataError(msg)


def _spell(options: Mapping[str, object]) -> str:
    return " ".join(f"{name} {value}" for name, value in sorted(options.items())) or "none"


def _check_conflicts(connection: Connection[Any]) -> None:
    row = connection.execute(_statement("find_conflicts")).fetchone()
    if row and row[0]:
        msg = (
            f"expected known sales to come as they are in the table sales, found {row[0]} with other contents, the "
            f"first is sale {row[1]}: correct it in one of the two places; nothing was loaded"
        )
        raise cm.errors.DataError(msg)


def copy(connection: Connection[Any], table: str, columns: Sequence[str], blocks: Iterable[pa.Table]) -> None:
    """Stream blocks into a table, as CSV whose texts are quoted."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    order = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(sql.Identifier(table), names)
    options = pa.csv.WriteOptions(include_header=False)
    with connection.cursor() as cursor, cursor.copy(order) as stream:
        for block in blocks:
            sink = pa.BufferOutputStream()
            pa.csv.write_csv(block.select(columns), sink, options)
            stream.write(memoryview(sink.getvalue()))


def build_features(
    connection: Connection[Any],
    *,
    label_days: int,
    cut_off: date | None = None,
    lock_seconds: float = LOCK_SECONDS,
) -> Built:
    """Build the feature store and the labels from all customers and sales, all of it or nothing.

    Parameters
    ----------
    connection
        Connection as ``de_user``.
    label_days
        Number of days, from the cut-off date on, in which a purchase makes the label 1.
    cut_off
        The cut-off date. The default is the latest one for which all these days are known.
    lock_seconds
        Most seconds to wait for a lock.

    Returns
    -------
    Built
        What was done.

    Raises
    ------
    DataError
        If there are no sales, or some of the days are not known yet.
    psycopg.Error
        If the server fails. Nothing is changed then.
    """
    with _alone(connection, lock_seconds):
        row = connection.execute(_statement("last_day")).fetchone()
        last: date | None = row[0] if row else None
        if last is None:
            msg = "expected sales to build features from, found none: load some first"
            raise cm.errors.DataError(msg)
        latest = last - timedelta(days=label_days - 1)
        if cut_off is not None and cut_off > latest:
            msg = (
                f"expected a cut-off date up to {latest}, so that {label_days} days from it are known, found {cut_off}"
            )
            raise cm.errors.DataError(msg)
        chosen = cut_off or latest
        values = {"cut_off": chosen, "label_days": label_days}
        changed = connection.execute(_statement("build_features"), values).rowcount
        removed = connection.execute(_statement("remove_features"), values).rowcount
        connection.execute(_statement("build_labels"))
        connection.execute(_statement("remove_labels"), values)
        connection.execute("ANALYZE public.feature_store, public.labels")
    return Built(chosen, changed, removed)


def _statement(name: str) -> str:
    """Read a statement of ours; values are given beside it, never put into it."""
    return (_STATEMENTS / f"{name}.sql").read_text(encoding="utf-8")
