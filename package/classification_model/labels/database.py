"""Labels in a table or a query of a database, read part by part; no message repeats the database's URL or the SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql
from sqlalchemy.exc import ArgumentError, NoSuchTableError, SQLAlchemyError

from classification_model.errors import DataError, InputError, require_extra
from classification_model.tables.formats import first_sentence

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Result

_ROWS = 10_000
_CONNECT_SECONDS = 10
_SQL_TEXT = re.compile(r' at or near ".*')
#: Given the name of a table and those of its columns, complains of columns that are not there.
Check = Callable[[str, Sequence[str]], None]


def database_parts(
    source: str, key: str, label: str, *, table: str | None, query: str | None, check: Check
) -> Iterator[tuple[list[Any], list[Any]]]:
    """Yield two columns of some rows at a time.

    Parameters
    ----------
    source
        URL of the database, as SQLAlchemy writes it. One of PostgreSQL need not name a driver.
    key, label
        Names of the columns.
    table, query
        The table or view, by name or by schema, dot and name; or a query. Nothing can be changed by it where the
        database is PostgreSQL.
    check
        What complains of missing columns.

    Raises
    ------
    InputError
        If the URL is none of a database.
    DataError
        If the database cannot be read, or has no such table.
    MissingExtraError
        If the driver is not installed.
    """
    url = _read_url(source)
    name = f"the {url.get_backend_name()} database {url.database!r}"
    try:
        with require_extra("sql", f"reading from {url.get_backend_name()}"):
            engine = sql.create_engine(url, poolclass=sql.NullPool, connect_args=_arguments(url))
        with engine.connect() as connection:
            _protect(connection)
            with _asked(connection, key, label, table=table, query=query, check=check) as rows:
                for part in rows.partitions(_ROWS):
                    keys, labels = zip(*part, strict=True)
                    yield list(keys), list(labels)
    except (SQLAlchemyError, UnicodeError) as error:
        cause = getattr(error, "orig", None)
        reason = type(error).__name__ if cause is None else _SQL_TEXT.sub("", first_sentence(cause))
        if url.password:
            reason = reason.replace(str(url.password), "***")
        msg = f"{name} cannot be read: {reason}"
        raise DataError(msg) from None


def _read_url(text: str) -> URL:
    """Read the URL of a database; of PostgreSQL, by the driver that the extra installs."""
    try:
        url = sql.make_url(text)
        if url.drivername in {"postgres", "postgresql"}:
            url = url.set(drivername="postgresql+psycopg")
        is_file = url.get_dialect().name == "sqlite"
    except (SQLAlchemyError, ArgumentError, ValueError):  # whose texts hold the URL
        msg = "expected the URL of a database, such as postgresql://user:password@host/database, found something else"
        raise InputError(msg) from None
    if not is_file and (text.count("@") > 1 or "@" in (url.database or "")):  # part of a password is read as more
        msg = "the URL of the database has an @ too many: write @ as %40 and / as %2F in a name or a password"
        raise InputError(msg)
    return url


def _arguments(url: URL) -> dict[str, Any]:
    is_postgresql = url.get_backend_name() == "postgresql"
    return {"connect_timeout": _CONNECT_SECONDS} if is_postgresql and "connect_timeout" not in url.query else {}


def _protect(connection: Connection) -> None:
    """Have rows sent part by part, and nothing changed."""
    connection.execution_options(stream_results=True, max_row_buffer=_ROWS)
    if connection.dialect.name == "postgresql":
        connection.execution_options(postgresql_readonly=True)


@contextmanager
def _asked(
    connection: Connection, key: str, label: str, *, table: str | None, query: str | None, check: Check
) -> Iterator[Result[Any]]:
    """Ask for the two columns."""
    if query is not None:
        with connection.execute(sql.text(query.replace(":", "\\:"))) as rows:  # no colon of it is a parameter
            check("the query", list(rows.keys()) if rows.returns_rows else [])
            yield rows.columns(key, label)
        return
    schema, name, columns = _find_table(connection, table or "")
    check(f"the table {name!r}", columns)
    chosen = sql.table(name, sql.column(key), sql.column(label), schema=schema)
    with connection.execute(sql.select(chosen.c[key], chosen.c[label])) as rows:
        yield rows


def _find_table(connection: Connection, wanted: str) -> tuple[str | None, str, list[str]]:
    """Find a table; return its schema, its name and its columns."""
    before, dot, after = wanted.partition(".")
    inspector = sql.inspect(connection)
    for schema, name in [(None, wanted), (before, after)][: 2 if dot else 1]:
        try:
            return schema, name, [str(column["name"]) for column in inspector.get_columns(name, schema)]
        except NoSuchTableError:
            continue
    known = ", ".join(map(repr, sorted(inspector.get_table_names(before if dot else None))[:20])) or "no table at all"
    msg = f"the database has no table {wanted!r}: expected one of {known}"
    raise DataError(msg)
