"""Wait until ``feature_store`` is there and filled, and read it."""

from __future__ import annotations

import logging
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
from data_science.server_errors import is_login_refused, login_remedy, remedy_of

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

#: Least and most seconds for an answer to whether the table is filled. Between them, it is the time until the deadline.
LEAST_ASK_SECONDS, ASK_SECONDS = 1.0, 10.0
#: Most seconds to read the table, once it was found filled.
READ_SECONDS = 600.0
#: Longest pause before the next question.
LONGEST_PAUSE = 30.0
_IS_FILLED = "SELECT EXISTS (SELECT FROM public.feature_store)"
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
    ask_seconds: float | None = None,
    read_seconds: float = READ_SECONDS,
) -> pd.DataFrame:
    """Read the feature store as soon as it has rows.

    It is asked for again, after pauses that double up to half a minute, while the server is down, starting, out of
    connections or silent, or the role, the database or the table is missing, or the table is empty. Each wait is
    logged. The table is read in the same attempt in which it was found filled, so one that is dropped between the two
    is waited for again.

    Parameters
    ----------
    seconds
        Time after which the table is not asked for again; 0 to ask once.
    role
        Who reads.
    fetch
        What reads the table. The default is `fetch_feature_store`.
    ask_seconds
        Time for an answer to whether the table is filled. The default is the time until the deadline, from 1 to 10
        seconds.
    read_seconds
        Time to read it then; the deadline does not end a read.

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
        before_sleep=_log_wait,
        reraise=True,
    )
    try:
        return attempts(_read_if_filled, role, read, lambda: ask_seconds or _ask_seconds(end), read_seconds)
    except NotThereYetError as error:
        msg = f"gave up after {seconds:g} s: expected rows in feature_store, found: {error}"
        raise GaveUpError(msg) from None


def _ask_seconds(end: float) -> float:
    return min(ASK_SECONDS, max(LEAST_ASK_SECONDS, end - time.monotonic()))


_pause = wait_exponential(multiplier=0.5, max=LONGEST_PAUSE) + wait_random(0, 0.5)


def _log_wait(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome is not None else None
    pause = state.next_action.sleep if state.next_action is not None else 0.0
    logger.warning("waiting for feature_store: %s; asking again in %.1f s", error, pause)


def _read_if_filled(
    role: Role, read: Callable[[], pd.DataFrame], ask_seconds: Callable[[], float], read_seconds: float
) -> pd.DataFrame:
    seconds = ask_seconds()
    with_time_limit(lambda: check_filled(role, seconds), seconds)
    try:
        table = with_time_limit(read, read_seconds)
    except cm.errors.DataError as error:  # it was there a moment ago: the next attempt sees why it is not
        raise NotThereYetError(str(error)) from None
    if table.empty:
        msg = "the table was emptied"
        raise NotThereYetError(msg)
    return table


def check_filled(role: Role, seconds: float = ASK_SECONDS) -> None:
    """Check that the table has a row.

    Parameters
    ----------
    role
        Who asks.
    seconds
        Time after which the server ends the query.

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
            connection.execute("SELECT set_config('statement_timeout', %s, true)", [f"{seconds * 1000:.0f}ms"])
            row = connection.execute(_IS_FILLED).fetchone()
    except psycopg.errors.UndefinedTable:
        msg = "there is no table feature_store"
        raise NotThereYetError(msg) from None
    except psycopg.errors.InsufficientPrivilege as error:
        reason = reason_of(error, url)
        msg = f"{role} may not read feature_store: {reason}: {remedy_of(error, reason, role)}"
        raise cm.errors.DataError(msg) from None
    except psycopg.errors.QueryCanceled:
        raise NotThereYetError(_silence(seconds)) from None
    except psycopg.OperationalError as error:
        reason = reason_of(error, url)
        if is_login_refused(error, reason):
            msg = f"the server refuses {role}: {reason}: {login_remedy(reason, role)}"
            raise cm.errors.DataError(msg) from None
        msg = f"the database cannot be asked: {reason}"
        raise NotThereYetError(msg) from None
    except psycopg.Error as error:
        reason = reason_of(error, url)
        msg = f"feature_store cannot be asked for: {reason}: {remedy_of(error, reason, role)}"
        raise cm.errors.DataError(msg) from None
    if row is None or not row[0]:
        msg = "the table is empty"
        raise NotThereYetError(msg)


def _silence(seconds: float) -> str:
    return f"the database does not answer within {seconds:.0f} s"


def with_time_limit(work: Callable[[], Result], seconds: float) -> Result:
    """Run a function in a thread, and stop waiting for it after some seconds.

    The drivers wait for an answer without a limit. The thread of a call that was given up goes on, and does not keep
    the program from ending.

    Parameters
    ----------
    work
        The function.
    seconds
        The limit.

    Raises
    ------
    NotThereYetError
        If the function has not returned by then.
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
        raise NotThereYetError(_silence(seconds)) from None
