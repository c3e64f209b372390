"""Errors of the server as one line, with what to do about each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import classification_model as cm
import psycopg

from data_science.connections import Role, reason_of

if TYPE_CHECKING:
    from sqlalchemy import URL

#: Refusals of a login. libpq gives no code for them; a server whose messages are not English is not recognized.
_IS_REFUSED = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry|is not permitted to log in|permission denied"
)
#: Those that make_database repairs.
_IS_SHUT_OUT = re.compile(r"is not permitted to log in|permission denied")
_IS_MISSING = re.compile(r"(role|database) .* does not exist")
_MAKE_DATABASE = "run `python -m data_engineering.make_database` as an administrator"


@contextmanager
def one_line_errors(url: URL, action: str, role: Role | None = None) -> Iterator[None]:
    """Turn an error of the database into one line that ends with a remedy, without the password.

    Parameters
    ----------
    url
        The database.
    action
        What fails, such as ``the ETL``.
    role
        Who is connected. The default is the administrator of ``DATABASE_URL``.

    Raises
    ------
    DataError
        For any error of psycopg in the block.
    """
    try:
        yield
    except psycopg.Error as error:
        reason = reason_of(error, url)
        msg = f"{action} failed: {reason}: {remedy_of(error, reason, role)}"
        raise cm.errors.DataError(msg) from None


def is_login_refused(error: psycopg.Error, reason: str) -> bool:
    """Tell whether the server refuses the role or its password, which no waiting changes.

    Parameters
    ----------
    error
        Error of a connection.
    reason
        Its first line; see `reason_of`.
    """
    if not isinstance(error, psycopg.OperationalError) or error.sqlstate is not None:
        return False
    needs_password = error.pgconn is not None and error.pgconn.needs_password
    return needs_password or _IS_REFUSED.search(reason) is not None


def login_remedy(reason: str, role: Role | None) -> str:
    """Return what to do when the server refuses a role; None is the administrator."""
    if role is None:
        return "check the user and the password in DATABASE_URL"
    if _IS_SHUT_OUT.search(reason):
        return _MAKE_DATABASE
    return f"check DATABASE_URL and {role.upper()}_PASSWORD"


def remedy_of(error: psycopg.Error, reason: str, role: Role | None) -> str:
    """Return what to do about an error; see `one_line_errors`."""
    if is_login_refused(error, reason):
        return login_remedy(reason, role)
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return "connect as an administrator" if role is None else _MAKE_DATABASE
    is_missing = isinstance(error, (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn))
    if is_missing or (error.sqlstate is None and _IS_MISSING.search(reason)):
        return _MAKE_DATABASE
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return "another program holds the lock: run this again when it has ended"
    if isinstance(error, (psycopg.IntegrityError, psycopg.DataError)):
        return "correct the row; nothing was loaded"
    if isinstance(error, psycopg.OperationalError):  # down, starting, full, killed, out of connections
        return "run this again when the server accepts connections"
    if isinstance(error, psycopg.errors.RaiseException):  # of database/1_roles.sql
        return "rename that role"
    return "correct that, then run this again"
