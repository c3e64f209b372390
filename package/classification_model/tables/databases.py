"""How a database is reached: its URL, its driver, its file and its errors; no message repeats a password or the SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from classification_model.errors import (
    ClassificationModelError,
    DataError,
    InputError,
    MissingExtraError,
    require_extra,
)
from classification_model.tables.formats import first_sentence
from classification_model.tables.locations import hide

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

_CONNECT_SECONDS = 10
_SQL_TEXT = re.compile(r' at or near ".*')
#: What psycopg says before the server's own words.
_TOLD = re.compile(r"^connection failed: [^\n]*?(?:FATAL|ERROR):\s*")
#: What the driver of a database is installed by, where it is no dependency.
_EXTRAS = {"bigquery": "bigquery"}


@contextmanager
def failing(place: URL, name: str, doing: str) -> Iterator[None]:
    """Turn an error of SQLAlchemy into one of ours, without the SQL and the password."""
    try:
        yield
    except ClassificationModelError:
        raise
    except (SQLAlchemyError, UnicodeError, OverflowError) as error:  # the last of SQLite's driver, of large integers
        raise DataError(f"{name} cannot be {doing}: {_reason(place, error)}") from None


def _reason(place: URL, error: Exception) -> str:
    """Return what a library says of an error, without the SQL and the password."""
    cause = getattr(error, "orig", None)
    if isinstance(error, UnicodeError):  # whose text may hold a part of what cannot be read
        reason = f"a text in it or in its URL cannot be read: {getattr(error, 'reason', error)}"
    elif cause is None and isinstance(error, SQLAlchemyError):  # whose text holds the SQL
        reason = type(error).__name__
    else:
        told = _TOLD.sub("", str(cause or error).strip())  # what stands before it names the place, at length
        reason = _SQL_TEXT.sub("", first_sentence(Exception(told))) or type(error).__name__
    secrets = (place.password, place.query.get("password"))
    return hide(reason, [str(secret) for secret in secrets if secret])


def name_of(place: URL) -> str:
    """Return what a database is called."""
    return f"the {place.get_backend_name()} database {place.database!r}"


def engine_of(place: URL) -> Engine:
    """Return what connects to a database.

    Raises
    ------
    MissingExtraError
        If its driver is not installed.
    """
    backend = place.get_backend_name()
    try:
        engine = sql.create_engine(place, poolclass=sql.NullPool, connect_args=_arguments(place))
    except ModuleNotFoundError as error:
        with require_extra(_EXTRAS.get(backend, "sql"), f"a database of {backend}"):
            if backend in {"postgresql", "sqlite", *_EXTRAS}:
                raise
        msg = f"a database of {backend} needs its driver {error.name}, which is not installed: install it"
        raise MissingExtraError(msg) from error
    if backend == "sqlite":  # whose driver would commit a new table at once
        sql.event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
        sql.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def connect(place: URL) -> Connection:
    """Connect to a database; of SQLite, to read alone.

    Raises
    ------
    InputError
        If the driver does not take a parameter of the URL.
    DataError
        If it cannot be reached.
    MissingExtraError
        If its driver is not installed.
    """
    try:
        connection = engine_of(place).connect()
    except (ClassificationModelError, SQLAlchemyError, UnicodeError):
        raise
    except (TypeError, ValueError):  # whose texts may hold a value
        msg = (
            f"{name_of(place)}: expected parameters in its URL that the driver takes, found one that it does not take "
            f"or cannot read among {', '.join(map(repr, place.query)) or 'none'}"
        )
        raise InputError(msg) from None
    except Exception as error:  # noqa: BLE001 - each driver has errors of its own, such as of missing credentials
        raise DataError(f"{name_of(place)} cannot be reached: {_reason(place, error)}") from None
    if place.get_backend_name() == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only = ON")
    return connection


def read_url(text: str) -> URL:
    """Read the URL of a database; one of PostgreSQL stands for the driver that the extra installs."""
    try:
        url = sql.make_url(text)
        url = url.set(drivername=re.sub(r"^postgres(?=$|\+)", "postgresql", url.drivername.lower()))
        kind = url.get_dialect().name
        if kind == "postgresql":  # whatever its driver is elsewhere
            url = url.set(drivername="postgresql+psycopg")
    except (SQLAlchemyError, ArgumentError, ValueError):  # whose texts hold the URL
        msg = (
            "expected the URL of a database, such as postgresql://user:password@host/database or sqlite:///file.db, "
            "found something else"
        )
        raise InputError(msg) from None
    if kind != "sqlite" and (text.count("@") > 1 or "@" in (url.database or "")):  # part of a password is read as more
        msg = "expected one @ in the URL of the database, found more: write @ as %40 and / as %2F in a name or password"
        raise InputError(msg)
    return url


def check_file(place: URL) -> None:
    """Refuse a database in a file that is not there, which SQLite would make."""
    path = place.database if place.get_backend_name() == "sqlite" else None
    if path and path != ":memory:" and not path.startswith("file:") and not Path(path).is_file():
        msg = f"{name_of(place)} does not exist: expected a SQLite file"
        raise DataError(msg)


def _arguments(place: URL) -> dict[str, Any]:
    is_postgresql = place.get_backend_name() == "postgresql"
    return {"connect_timeout": _CONNECT_SECONDS} if is_postgresql and "connect_timeout" not in place.query else {}
