"""What several test files share: a PostgreSQL, and the database on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import hypothesis
import psutil
import psycopg
import pytest
from companies import SHOP, SHOP_DAYS, as_role, fill, patiently, running_postgres
from crashes import kill

from data_engineering.make_database import make_database
from data_science.connections import DATABASE, server
from local_postgres import LocalPostgres

# How long an example takes says something of the machine's load, not of the code.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings of whoever runs the tests out of them."""
    for name in ("PGUSER", "PGPASSWORD", "PGHOST", "PGDATABASE", "MODEL_STORE", "WAIT_SECONDS", "LOG_FOLDER"):
        monkeypatch.delenv(name, raising=False)
    for role in ("DE_USER", "DS_USER", "ANALYST", "APP_USER"):
        monkeypatch.delenv(f"{role}_PASSWORD", raising=False)


@pytest.fixture(scope="session")
def shared_postgres() -> Iterator[LocalPostgres]:
    """Start a PostgreSQL that no test kills."""
    with running_postgres() as postgres:
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # databases are made and dropped all the time
            connection.execute("SELECT pg_reload_conf()")
        yield postgres


@pytest.fixture
def postgres(shared_postgres: LocalPostgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalPostgres]:
    """Give a PostgreSQL with neither the database nor its roles, named by ``DATABASE_URL``."""
    monkeypatch.setenv("DATABASE_URL", patiently(shared_postgres))
    yield shared_postgres
    with psycopg.connect(shared_postgres.url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        for role in ("de_user", "ds_user", "analyst", "app_user"):
            connection.execute(f"DROP ROLE IF EXISTS {role}")


@pytest.fixture
def database(postgres: LocalPostgres) -> LocalPostgres:
    """Make the database, with empty tables."""
    make_database(server(), {})
    return postgres


@pytest.fixture
def filled(database: LocalPostgres) -> LocalPostgres:
    """Load a small shop, and build its features."""
    with as_role("de_user") as connection:
        fill(connection, SHOP, SHOP_DAYS)
    return database


@pytest.fixture
def own_postgres(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalPostgres]:
    """Start a PostgreSQL that a test may kill and freeze, with the database and empty tables."""
    with running_postgres() as postgres:
        monkeypatch.setenv("DATABASE_URL", patiently(postgres))
        make_database(server(), {})
        yield postgres
        with suppress(FileNotFoundError, psutil.NoSuchProcess):  # it may be dead already
            kill(postgres)  # the library does not know of one that was started again, and would delete what it writes
