"""Where the database is, and as whom it is reached."""

from __future__ import annotations

import os
import re
from typing import Any, Literal
from urllib.parse import quote

import classification_model as cm
import sqlalchemy as sql
from psycopg.conninfo import make_conninfo
from sqlalchemy.exc import ArgumentError

DATABASE = "companydata"
#: Seconds to connect, unless the URL says otherwise.
CONNECT_SECONDS = 10

#: Parameters of a URL that say who connects, and to which database.
_OF_THE_USER = frozenset({"user", "password", "dbname"})

Role = Literal["de_user", "ds_user", "analyst", "app_user"]


def server() -> sql.URL:
    """Return the URL in ``DATABASE_URL``, as it is.

    Raises
    ------
    InputError
        If it is not set, is no URL of PostgreSQL, or has several hosts.
    """
    text = os.environ.get("DATABASE_URL", "")
    expected = f"expected DATABASE_URL such as postgresql://localhost/{DATABASE}"
    if not text:
        msg = f"{expected}, found it not set"
        raise cm.errors.InputError(msg)
    if text.count("@") > 1:  # a part of the password would be read as the host, which messages name
        msg = f"{expected}, found more than one @ in it: write @ as %40 and / as %2F in a name or password"
        raise cm.errors.InputError(msg)
    try:
        url = sql.make_url(text)
    except (ArgumentError, ValueError):  # whose texts hold the URL
        msg = f"{expected}, found something else"
        raise cm.errors.InputError(msg) from None
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        msg = f"{expected}, found a URL of {url.get_backend_name()}"
        raise cm.errors.InputError(msg)
    _check_one_host(url, expected)
    return url.set(drivername="postgresql")


def _check_one_host(url: sql.URL, expected: str) -> None:
    """Refuse a list of hosts, which the drivers below spell in different ways."""
    hosts = url.query.get("host", url.host or "")
    if not isinstance(hosts, str) or "," in hosts or "," in (url.host or ""):
        msg = f"{expected}, found several hosts: name the one that accepts writes"
        raise cm.errors.InputError(msg)
    if re.fullmatch(r"[^/:]+:\d+", hosts):
        msg = f"{expected}, found a port in its parameter host: write the port in a parameter of its own, port"
        raise cm.errors.InputError(msg)
    repeated = sorted(name for name, value in url.query.items() if not isinstance(value, str))
    if repeated:
        msg = f"{expected}, found its parameter {repeated[0]} more than once"
        raise cm.errors.InputError(msg)


def database(role: Role) -> sql.URL:
    """Return the URL of the database for a role.

    The role takes the place of the user in ``DATABASE_URL``. Its password is that of its own variable, such as
    ``DS_USER_PASSWORD``; where it is not set, libpq looks for one in ``PGPASSWORD`` and the password file.

    Parameters
    ----------
    role
        Who connects.

    Raises
    ------
    InputError
        If ``DATABASE_URL`` is missing or wrong.
    """
    url = server()
    password = os.environ.get(f"{role.upper()}_PASSWORD") or None
    parameters = {name: value for name, value in url.query.items() if name not in _OF_THE_USER}
    return sql.URL.create("postgresql", role, password, url.host, url.port, DATABASE, parameters)


def table_url(role: Role, table: str) -> str:
    """Return the URL of a table, as `classification_model.read_table` and every command take it; see `database`."""
    url = database(role).render_as_string(hide_password=False).replace(" ", "%20")
    return f"{url}#{quote(f'public.{table}')}"


def address(url: sql.URL) -> str:
    """Return a URL in the words of libpq, with its password."""
    given: dict[str, Any] = {"host": url.host, "port": url.port, "user": url.username, "password": url.password}
    given |= {"dbname": url.database, "connect_timeout": CONNECT_SECONDS, **url.query}
    return make_conninfo(**{name: value for name, value in given.items() if value is not None})


def reason_of(error: Exception, url: sql.URL) -> str:
    """Return the first line of what a database says, without the place, which is long, and without the password."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    reason = lines[0].rpartition("FATAL:")[2].strip()
    for secret in filter(None, (url.password, url.query.get("password"))):
        reason = reason.replace(str(secret), "***")
    return reason
