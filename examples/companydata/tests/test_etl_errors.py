"""The ETL's errors: one line, the reason, and what to do."""

from __future__ import annotations

import pytest
from classification_model.errors import DataError
from companies import LABEL_DAYS, as_role
from test_database import ask_for_passwords
from test_etl import etl

from data_engineering.loading import build_features, load
from data_engineering.make_database import connected, make_database
from data_science.connections import DATABASE, server
from data_science.server_errors import one_line_errors
from local_postgres import LocalPostgres


def test_a_lock_that_is_never_released_is_an_error(database: LocalPostgres) -> None:
    """Another load that hangs: the next one gives up with a reason and a remedy."""
    with as_role("de_user") as blocker, as_role("de_user") as connection:
        blocker.execute("BEGIN")
        blocker.execute("LOCK TABLE etl_watermarks IN ROW EXCLUSIVE MODE")
        remedy = (
            r"^the ETL failed: canceling statement due to lock timeout: another program holds the lock: run this again"
        )
        for work in (
            lambda: load(connection, [], [], lock_seconds=0.1),
            lambda: build_features(connection, label_days=LABEL_DAYS, lock_seconds=0.1),
        ):
            with pytest.raises(DataError, match=remedy), one_line_errors(server(), "the ETL", "de_user"):
                work()


@pytest.mark.parametrize(
    ("statement", "remedy"),
    [
        ("REVOKE INSERT ON customers FROM de_user", "permission denied for table customers: run `python -m data_engin"),
        ("DROP TABLE etl_watermarks", "does not exist: run `python -m data_engineering.make_database` as an administ"),
        ("ALTER ROLE de_user NOLOGIN", "not permitted to log in: run `python -m data_engineering.make_database`"),
        (
            "ALTER DATABASE companydata RENAME TO other",
            "does not exist: run `python -m data_engineering.make_database`",
        ),
        ("ALTER TABLE sales ADD CHECK (amount > 1e6)", 'violates check constraint "sales_amount_check1": correct the'),
        ("ALTER ROLE de_user CONNECTION LIMIT 0", 'too many connections for role "de_user": run this again when'),
    ],
)
def test_an_error_of_the_etl_names_what_to_do(statement: str, remedy: str, database: LocalPostgres) -> None:
    """One line, exit code 2, and a remedy that fits the reason."""
    is_of_server = statement.startswith(("ALTER ROLE", "ALTER DATABASE"))
    with connected(server(), "postgres" if is_of_server else DATABASE) as administrator:
        administrator.execute(statement)
        done = etl("--customers", "9", "--sales-per-day", "1", "--days", "120")
        if "RENAME" in statement:
            administrator.execute("ALTER DATABASE other RENAME TO companydata")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("error: the ETL failed: ")
    assert remedy in done.stderr


def test_a_missing_password_is_named(own_postgres: LocalPostgres) -> None:
    """The variable of the role's password is in the message; a wrong password is not."""
    make_database(server(), {"de_user": "r1ght-and-long"})
    ask_for_passwords(own_postgres)
    for password in ("", "wr0ng-and-long"):
        done = etl(DE_USER_PASSWORD=password)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert done.stderr.endswith(": check DATABASE_URL and DE_USER_PASSWORD\n")
        assert "-and-long" not in done.stderr
