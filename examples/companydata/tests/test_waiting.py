"""Training waits for the features through whatever may pass, and for nothing that does not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import pandas as pd
import psycopg
import pytest
from classification_model.errors import DataError, InputError
from companies import Reactions, as_role, fill, reacting
from crashes import freeze, kill, start_again
from test_database import ask_for_passwords

from data_engineering.make_database import make_database
from data_science.connections import DATABASE, server
from data_science.fetch_data import fetch_feature_store
from data_science.waiting import GaveUpError, wait_for_features
from local_postgres import LocalPostgres

#: Seconds that no test waits for.
LONG = 600.0


def run_as_owner(*statements: str) -> Callable[[], None]:
    """Return what runs statements as de_user."""

    def run() -> None:
        with as_role("de_user") as connection:
            for statement in statements:
                connection.execute(statement)

    return run


def make_and_fill() -> None:
    """Make what is missing, and fill it."""
    make_database(server(), {})
    with as_role("de_user") as connection:
        fill(connection)


def gives_up(seconds: float = 0.0, reason: str = "", ask_seconds: float = LONG) -> Reactions:
    """Check that the wait ends at its deadline with one line; return the waits before."""
    with reacting() as waits, pytest.raises(GaveUpError, match=reason) as caught:
        wait_for_features(seconds, ask_seconds=ask_seconds)
    assert str(caught.value).startswith(f"gave up after {seconds:g} s: expected rows in feature_store, found: ")
    assert "\n" not in str(caught.value)
    return waits


def refused(reason: str) -> str:
    """Check that there is no wait at all, and that the message is one line; return it."""
    with reacting() as waits, pytest.raises(DataError, match=reason) as caught:
        wait_for_features(LONG, ask_seconds=LONG)
    assert not isinstance(caught.value, GaveUpError)
    assert waits.messages == []
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_row_36_a_filled_table_is_read_at_once(filled: LocalPostgres) -> None:
    """Nothing is waited for, and the frame is the table."""
    with reacting() as waits:
        table = wait_for_features(0, ask_seconds=LONG)
    assert waits.messages == []
    assert len(table) > 100
    pd.testing.assert_frame_equal(table, fetch_feature_store())


def test_row_36_it_waits_until_the_table_is_there_and_filled(database: LocalPostgres) -> None:
    """Missing, then empty, then filled: each wait is logged with its reason, and then the table is read."""
    run_as_owner("ALTER TABLE feature_store RENAME TO other")()
    with reacting(run_as_owner("ALTER TABLE other RENAME TO feature_store"), make_and_fill) as waits:
        assert len(wait_for_features(LONG, ask_seconds=LONG)) > 100
    assert [text.partition("; ")[0] for text in waits.messages] == [
        "waiting for feature_store: there is no table feature_store",
        "waiting for feature_store: the table is empty",
    ]
    assert waits.messages[0].partition("; ")[2].startswith("asking again in ")


def test_row_36_it_waits_on_when_the_table_is_dropped_meanwhile(database: LocalPostgres) -> None:
    """Empty, then dropped, then made again and filled."""
    with reacting(run_as_owner("DROP TABLE feature_store"), make_and_fill) as waits:
        assert len(wait_for_features(LONG, ask_seconds=LONG)) > 100
    assert ["empty" in waits.messages[0], "no table" in waits.messages[1], len(waits.messages)] == [True, True, 2]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [("DROP TABLE feature_store", "has no table"), ("TRUNCATE feature_store", "the table was emptied")],
)
def test_row_36_it_waits_on_when_the_table_goes_between_the_look_and_the_read(
    statement: str, reason: str, filled: LocalPostgres
) -> None:
    """The table was found filled, and is dropped or emptied before it is read: that is one more wait."""
    todo = [run_as_owner(statement)]

    def fetch() -> pd.DataFrame:
        if todo:
            todo.pop()()
        return fetch_feature_store()

    with reacting(make_and_fill) as waits:
        assert len(wait_for_features(LONG, fetch=fetch, ask_seconds=LONG)) > 100
    assert len(waits.messages) == 1
    assert reason in waits.messages[0]


def test_row_36_it_waits_for_a_database_that_is_not_made_yet(filled: LocalPostgres) -> None:
    """The server runs, and has the roles only."""
    with psycopg.connect(filled.url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {DATABASE}")
    with reacting(make_and_fill) as waits:
        assert len(wait_for_features(LONG, ask_seconds=LONG)) > 100
    assert 'database "companydata" does not exist' in waits.messages[0]


def test_row_37_it_waits_for_a_server_that_is_down(own_postgres: LocalPostgres) -> None:
    """The server was killed; it is started, and then has nothing yet."""
    kill(own_postgres)
    gives_up(reason="the database cannot be asked: connection")
    with reacting(lambda: start_again(own_postgres), make_and_fill) as waits:
        assert len(wait_for_features(LONG, ask_seconds=LONG)) > 100
    assert "the database cannot be asked" in waits.messages[0]
    assert "empty" in waits.messages[-1]


def test_row_37_it_waits_for_a_free_connection(filled: LocalPostgres) -> None:
    """The role has no connection left: it gives up at the deadline, or goes on when one is free."""
    with psycopg.connect(filled.url, autocommit=True) as administrator, ExitStack() as held:
        administrator.execute("ALTER ROLE ds_user CONNECTION LIMIT 1")
        held.enter_context(as_role("ds_user"))
        gives_up(reason='too many connections for role "ds_user"')
        with reacting(held.close) as waits:
            assert len(wait_for_features(LONG, ask_seconds=LONG)) > 100
        assert 'too many connections for role "ds_user"' in waits.messages[0]


def test_row_37_it_gives_up_on_a_server_without_connections(own_postgres: LocalPostgres) -> None:
    """Others hold all connections of the server."""
    make_and_fill()
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(as_role("analyst"))
            except psycopg.OperationalError:
                break
        gives_up(reason="remaining connection slots are reserved|too many clients")
    assert len(wait_for_features(LONG, ask_seconds=LONG)) > 100


def test_row_37_it_gives_up_on_a_frozen_server(own_postgres: LocalPostgres) -> None:
    """The server accepts connections and says nothing: the deadline counts; when it goes on, so does the wait."""
    make_and_fill()
    go_on = freeze(own_postgres)
    try:
        gives_up(0.5, "does not answer within 2 s", ask_seconds=2)
        with reacting(go_on) as waits:
            assert len(wait_for_features(LONG, ask_seconds=2)) > 100
        assert len(waits.messages) >= 1
    finally:
        go_on()


def test_row_37_it_gives_up_on_a_server_that_freezes_before_the_read(own_postgres: LocalPostgres) -> None:
    """The table was found filled, and then nothing comes: the time to read it is limited too."""
    make_and_fill()
    frozen: list[Callable[[], None]] = []

    def fetch() -> pd.DataFrame:
        frozen.append(freeze(own_postgres))
        return fetch_feature_store()

    try:
        with pytest.raises(GaveUpError, match="the database does not answer within 1 s"):
            wait_for_features(0, fetch=fetch, ask_seconds=LONG, read_seconds=1)
    finally:
        frozen[0]()


@pytest.mark.parametrize("given", ["wr0ng-and-long", None])
def test_row_36_a_wrong_password_is_not_waited_for(
    given: str | None, own_postgres: LocalPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails at once, wrong or missing, and no message has it."""
    make_and_fill()
    make_database(server(), {"ds_user": "r1ght-and-long"})
    ask_for_passwords(own_postgres)
    if given:
        monkeypatch.setenv("DS_USER_PASSWORD", given)
    text = refused("the server refuses ds_user: .*: check DATABASE_URL and DS_USER_PASSWORD$")
    assert "-and-long" not in text


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (
            "REVOKE SELECT ON feature_store FROM ds_user",
            "may not read .*: permission denied for table feature_store: run `python -m data_engineering",
        ),
        ("REVOKE USAGE ON SCHEMA public FROM ds_user", "may not read .*: permission denied for schema public"),
        ("REVOKE CONNECT ON DATABASE companydata FROM ds_user", 'refuses .*: permission denied for database "compan'),
    ],
)
def test_row_36_a_missing_privilege_is_not_waited_for(statement: str, reason: str, filled: LocalPostgres) -> None:
    """It fails at once and says which."""
    run_as_owner(statement)()
    refused(reason)


def test_row_36_a_role_that_may_not_log_in_is_not_waited_for(filled: LocalPostgres) -> None:
    """It fails at once."""
    with psycopg.connect(filled.url, autocommit=True) as connection:
        connection.execute("ALTER ROLE ds_user NOLOGIN")
    refused('role "ds_user" is not permitted to log in')


def test_row_36_it_waits_for_a_role_that_is_not_made_yet(filled: LocalPostgres) -> None:
    """Training may be started before the database is made."""
    with psycopg.connect(filled.url, autocommit=True) as connection:
        connection.execute("ALTER ROLE ds_user RENAME TO former")
        with reacting(lambda: connection.execute("ALTER ROLE former RENAME TO ds_user")) as waits:
            assert len(wait_for_features(LONG, ask_seconds=LONG)) > 100
    assert 'role "ds_user" does not exist' in waits.messages[0]


def test_row_36_it_gives_up_at_its_deadline(database: LocalPostgres) -> None:
    """The table stays empty: no wait is longer than the time until the deadline."""
    waits = gives_up(1.5, "the table is empty")
    assert all(float(text.split("asking again in ")[1].removesuffix(" s")) <= 1.5 for text in waits.messages)


def test_row_36_a_question_ends_with_the_deadline(filled: LocalPostgres) -> None:
    """On a table that somebody locks, the last answer is waited for as long as the deadline says, not for 10 s."""
    with as_role("de_user") as blocker:
        blocker.execute("BEGIN")
        blocker.execute("LOCK TABLE feature_store IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(GaveUpError, match=r"the database does not answer within 1 s$"):
            wait_for_features(0.5)


def test_settings_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing DATABASE_URL fails at once."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(
        InputError, match=r"expected DATABASE_URL such as postgresql://localhost/companydata, found it not"
    ):
        wait_for_features(LONG, ask_seconds=LONG)
