"""What each role may do with each table, and what it may not: all of it is tried."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import psycopg
import pytest
from companies import running_postgres

from data_engineering import loading
from data_engineering.make_database import make_database
from data_science.connections import DATABASE, Role, address, database, server
from local_postgres import LocalPostgres

ROLES: tuple[Role, ...] = get_args(Role)
ACTIONS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "DROP")
#: A row for each table, and a column that an UPDATE sets.
ROWS = {
    "customers": ("(2, 'Ann', 'north', '2024-01-01')", "name = 'Bob'"),
    "sales": ("(2, 1, '2024-02-01', 'tea', 1.5)", "amount = 2"),
    "feature_store": ("(1, '2024-03-01', 3, 1, 2.5, 60, 1, DEFAULT)", "bought = 0"),
    "labels": ("(1, '2024-03-01', 'buys', DEFAULT)", "label = 'lapses'"),
    "predictions": (
        "('019abcde-0000-7000-8000-000000000001', now(), 'm', '1', '1', 'buys', '{}', '{}')",
        "prediction = 'lapses'",
    ),
    "predictions_labels": ("('019abcde-0000-7000-8000-000000000001', now(), 'buys', 's')", "label = 'lapses'"),
    "predictions_shipped": ("('f', 1)", "shipped = 2"),
    "etl_watermarks": ("('s', 1)", "sale_id = 2"),
}
EVERYTHING, ROWS_ONLY, NOTHING = set(ACTIONS), {"SELECT", "INSERT", "UPDATE", "DELETE"}, set[str]()
MAY: dict[Role, dict[str, set[str]]] = {
    "de_user": dict.fromkeys(ROWS, EVERYTHING),
    "ds_user": {table: {"SELECT"} for table in ROWS},
    "analyst": dict.fromkeys(ROWS, ROWS_ONLY)
    | {"predictions_labels": {"SELECT"}, "predictions_shipped": NOTHING, "etl_watermarks": NOTHING},
    "app_user": dict.fromkeys(ROWS, NOTHING)
    | {
        "labels": {"SELECT"},
        "predictions": {"INSERT"},
        "predictions_labels": {"INSERT"},
        "predictions_shipped": {"SELECT", "INSERT", "UPDATE"},
    },
}


@pytest.fixture(scope="module")
def company() -> Iterator[LocalPostgres]:
    """Start a PostgreSQL with the database, in which there is a customer; every test undoes what it did."""
    with pytest.MonkeyPatch.context() as patch, running_postgres() as postgres:
        patch.setenv("DATABASE_URL", postgres.url)
        make_database(server(), {})
        with psycopg.connect(address(database("de_user"))) as connection:
            connection.execute("INSERT INTO customers VALUES (1, 'Ann', 'north', '2024-01-01')")
        yield postgres


@pytest.fixture(autouse=True)
def url(company: LocalPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", company.url)


def statement(action: str, table: str) -> str:
    """Return a statement that does something to a table."""
    row, change = ROWS[table]
    return {
        "SELECT": f"SELECT * FROM {table}",  # noqa: S608 - a table of ours
        "INSERT": f"INSERT INTO {table} VALUES {row}",  # noqa: S608
        "UPDATE": f"UPDATE {table} SET {change}",  # noqa: S608
        "DELETE": f"DELETE FROM {table} WHERE false",  # noqa: S608
        "TRUNCATE": f"TRUNCATE {table} CASCADE",
        "DROP": f"DROP TABLE {table} CASCADE",
    }[action]


def is_done(role: Role, text: str) -> bool:
    """Tell whether a role may do something; what was done is undone."""
    with psycopg.connect(address(database(role))) as connection:
        try:
            connection.execute(text)
        except psycopg.errors.InsufficientPrivilege:
            return False
        finally:
            connection.rollback()
        return True


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("table", ROWS)
@pytest.mark.parametrize("role", ROLES)
def test_row_38_a_role_may_do_what_is_its_task_and_nothing_else(role: Role, table: str, action: str) -> None:
    """The statement succeeds exactly where the table of privileges has it, and is refused everywhere else."""
    assert is_done(role, statement(action, table)) == (action in MAY[role][table])


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE public.mine (n integer)",
        "CREATE VIEW public.mine AS SELECT 1",
        "CREATE TEMPORARY TABLE mine (n integer)",
        "CREATE SCHEMA mine",
        "ALTER TABLE customers ADD COLUMN mine integer",
        "CREATE INDEX mine ON customers (name)",
        "GRANT SELECT ON sales TO app_user",
        "ALTER TABLE sales DISABLE TRIGGER USER",
    ],
)
@pytest.mark.parametrize("role", ROLES)
def test_row_38_only_de_user_makes_and_changes_tables(role: Role, text: str) -> None:
    """Nobody but the owner makes a table, not even a temporary one, changes one or grants anything on it."""
    if text.startswith("GRANT"):  # to who may grant nothing, PostgreSQL gives a warning where it may read the table
        with psycopg.connect(address(database(role))) as connection:
            try:
                connection.execute(text)
                row = connection.execute("SELECT has_table_privilege('app_user', 'sales', 'SELECT')").fetchone()
                is_granted = row == (True,)
            except psycopg.errors.InsufficientPrivilege:
                is_granted = False
            connection.rollback()
        assert is_granted == (role == "de_user")
    else:
        assert is_done(role, text) == (role == "de_user")


@pytest.mark.parametrize(
    ("role", "action", "is_allowed"),
    [
        ("ds_user", "SELECT", True),
        ("ds_user", "INSERT", False),
        ("ds_user", "TRUNCATE", False),
        ("analyst", "SELECT", False),
        ("analyst", "INSERT", False),
        ("app_user", "SELECT", False),
        ("app_user", "INSERT", False),
    ],
)
def test_a_later_table_of_de_user_is_read_by_ds_user(role: Role, action: str, is_allowed: bool) -> None:
    """What de_user makes later is readable for ds_user without another GRANT, and for nobody else."""
    text = {
        "SELECT": "SELECT * FROM later",
        "INSERT": "INSERT INTO later VALUES (1)",
        "TRUNCATE": "TRUNCATE later",
    }[action]
    with psycopg.connect(address(database("de_user")), autocommit=True) as owner:
        owner.execute("CREATE TABLE later (n integer)")
        try:
            assert is_done(role, text) == is_allowed
        finally:
            owner.execute("DROP TABLE later")


@pytest.mark.parametrize("role", ["ds_user", "analyst", "app_user"])
def test_no_other_role_can_hold_the_lock_of_the_etl(role: Role) -> None:
    """So nobody but de_user and the administrator keeps the ETL from running."""
    statement = (Path(loading.__file__).parent / "sql" / "lock.sql").read_text(encoding="utf-8")
    assert not is_done(role, statement)
    assert is_done("de_user", statement)


def test_nobody_else_may_enter(company: LocalPostgres) -> None:
    """A role of the server that is none of the four cannot connect to the database."""
    with psycopg.connect(company.url, autocommit=True) as administrator:
        administrator.execute("CREATE ROLE stranger LOGIN")
    place = address(server().set(username="stranger", database=DATABASE))
    with pytest.raises(psycopg.OperationalError, match='permission denied for database "companydata"'):
        psycopg.connect(place)


@pytest.mark.parametrize("role", ROLES)
def test_no_role_has_powers_over_the_server(role: Role) -> None:
    """None of the four is a superuser, makes roles or databases, or becomes another role."""
    for text in ("CREATE ROLE mine", "ALTER ROLE postgres RENAME TO mine", "SET ROLE postgres"):
        assert not is_done(role, text)
    for other in set(ROLES) - {role}:
        assert not is_done(role, f"SET ROLE {other}")
