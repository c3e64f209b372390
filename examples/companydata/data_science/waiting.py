"""Wait until ``feature_store`` is there and filled, and read it."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTimeError
from typing import TYPE_CHECKING, TypeVar

import classification_model as cm
import psycopg
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_exponential, wait_random

from data_science.connections import Role, address, database, reason_of
from data_science.fetch_data import fetch_feature_store

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

#: Most seconds for an answer to whether the table is filled.
ASK_SECONDS = 10.0
#: Most seconds to read the table, once it was found filled.
READ_SECONDS = 600.0
#: Longest pause before the next question.
LONGEST_PAUSE = 30.0
_IS_FILLED = "SELECT EXISTS (SELECT FROM public.feature_store)"
#: What a server says of a refusal that no waiting changes. libpq gives no code for it, and a server that speaks another
#: language than English is asked until the deadline.
_REFUSED = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry|role .* does not exist"
    r"|is not permitted to log in|permission denied"
)

Result = TypeVar("Result")


class NotThereYetError(cm.errors.DataError):
    """The table cannot be read now, and may be soon."""


class GaveUpError(cm.errors.DataError):
    """The deadline has passed."""


def wait_for_features(
    seconds: float,
    *,
    role: Role = "ds_user",
    fetch: Callable[[], pd.DataFrame] | None = None,
    ask_seconds: float = ASK_SECONDS,
    read_seconds: float = READ_SECONDS,
) -> pd.DataFrame:
    """Read the feature store as soon as it has rows.

    It is asked for again, after pauses that double up to half a minute, while the server is down, starting, out of
    connections or silent, or the table is missing or empty. Each wait is logged. The table is read in the same attempt
    in which it was found filled, so one that is dropped between the two is waited for again.

    Parameters
    ----------
    seconds
        Time after which the table is not asked for again; 0 to ask once.
    role
        Who reads.
    fetch
        What reads the table. The default is `fetch_feature_store`.
    ask_seconds, read_seconds
        Time for an answer to whether the table is filled, and for reading it then.

    Returns
    -------
    pandas.DataFrame
        The table, with one row or more.

    Raises
    ------
    GaveUpError
        If the time is over.
    DataError
        If the server refuses the role or its password, or the role may not read the table. That is not waited for.
    InputError
        If ``DATABASE_URL`` is missing or wrong.
    """
    end = time.monotonic() + seconds
    read = fetch or (lambda: fetch_feature_store(role))
    database(role)  # a wrong URL is no matter of time
    attempts = Retrying(
        retry=retry_if_exception_type(NotThereYetError),
        wait=lambda state: max(0.0, min(_pause(state), end - time.monotonic())),
        stop=stop_after_delay(seconds),
        before_sleep=_tell,
        reraise=True,
    )
    try:
        return attempts(_read_if_filled, role, read, ask_seconds, read_seconds)
    except NotThereYetError as error:
        msg = f"gave up after {seconds:g} s: expected rows in feature_store, found that {error}"
        raise GaveUpError(msg) from None


_pause = wait_exponential(multiplier=0.5, max=LONGEST_PAUSE) + wait_random(0, 0.5)


def _tell(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome is not None else None
    pause = state.next_action.sleep if state.next_action is not None else 0.0
    logger.warning("waiting for feature_store: %s; asking again in %.1f s", error, pause)


def _read_if_filled(
    role: Role, read: Callable[[], pd.DataFrame], ask_seconds: float, read_seconds: float
) -> pd.DataFrame:
    in_time(lambda: check_filled(role), ask_seconds)
    try:
        table = in_time(read, read_seconds)
    except cm.errors.DataError as error:  # it was there a moment ago: the next attempt sees why it is not
        raise NotThereYetError(str(error)) from None
    if table.empty:
        msg = "the table was emptied"
        raise NotThereYetError(msg)
    return table


def check_filled(role: Role) -> None:
    """Check that the table has a row.

    Raises
    ------
    NotThereYetError
        If it has none, is not there, or cannot be asked now.
    DataError
        If the role is refused.
    """
    url = database(role)
    try:
        with psycopg.connect(address(url)) as connection:
            connection.execute("SELECT set_config('statement_timeout', %s, true)", [f"{ASK_SECONDS:g}s"])
            row = connection.execute(_IS_FILLED).fetchone()
    except psycopg.errors.UndefinedTable:
        msg = "there is no table feature_store"
        raise NotThereYetError(msg) from None
    except psycopg.errors.InsufficientPrivilege as error:
        msg = f"{role} may not read feature_store: {reason_of(error, url)}: an administrator grants it"
        raise cm.errors.DataError(msg) from None
    except psycopg.OperationalError as error:
        reason = reason_of(error, url)
        if error.sqlstate is None and (_needs_password(error) or _REFUSED.search(reason)):
            variable = f"{role.upper()}_PASSWORD"
            msg = f"the server refuses {role}: {reason}: check DATABASE_URL and {variable}"
            raise cm.errors.DataError(msg) from None
        msg = f"the database cannot be asked: {reason}"
        raise NotThereYetError(msg) from None
    except psycopg.Error as error:
        msg = f"feature_store cannot be asked for: {reason_of(error, url)}"
        raise cm.errors.DataError(msg) from None
    if row is None or not row[0]:
        msg = "the table is empty"
        raise NotThereYetError(msg)


def _needs_password(error: psycopg.OperationalError) -> bool:
    return error.pgconn is not None and error.pgconn.needs_password


def in_time(work: Callable[[], Result], seconds: float) -> Result:
    """Do something that a silent server may keep from ending, and leave it alone after some seconds.

    The drivers wait for an answer without a limit. So each attempt has a thread of its own, which does not keep the
    program from ending.

    Raises
    ------
    NotThereYetError
        If it has not ended.
    """
    done: Future[Result] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - is raised where it is waited for
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return done.result(seconds)
    except NotInTimeError:
        msg = f"the database does not answer within {seconds:.0f} s"
        raise NotThereYetError(msg) from None
