"""The scripts of ``database/``: run any number of times, by the program or by psql, with passwords that nobody sees."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from classification_model.errors import DataError
from companies import SHOP, SHOP_DAYS, as_role, fill, snapshot

from data_engineering.make_database import SCRIPTS, connected, make_database, run_script
from data_science import connections
from data_science.connections import DATABASE, Role, address, database, server
from data_science.waiting import NotThereYetError, check_filled
from local_postgres import LocalPostgres

PASSWORD = "s3cr3t ' \\ @/%: and long"  # noqa: S105 - of a database that lives as long as the test


def dump(postgres: LocalPostgres) -> str:
    """Return the database as pg_dump writes it, with its privileges and without its rows."""
    place = address(server().set(database=DATABASE))
    program = [str(postgres.server.bin_path / "pg_dump"), "--schema-only", "--restrict-key=none", place]
    done = subprocess.run(program, check=True, capture_output=True, text=True)
    return done.stdout


def ask_for_passwords(postgres: LocalPostgres) -> None:
    """Make the server ask the roles of the company for their passwords."""
    rules = postgres.data / "pg_hba.conf"
    roles = "de_user,ds_user,analyst,app_user"
    rules.write_text(f"local companydata {roles} scram-sha-256\n{rules.read_text()}")
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("SELECT pg_reload_conf()")


def test_a_second_run_changes_nothing(filled: LocalPostgres) -> None:
    """Tables, rows and privileges are the same after it."""
    before = dump(filled)
    with as_role("de_user") as connection:
        rows = snapshot(connection)
        make_database(server(), {})
        assert snapshot(connection) == rows
    assert rows["feature_store"]
    assert dump(filled) == before
    for privilege in ("GRANT SELECT ON TABLE public.labels TO app_user", "GRANT INSERT ON TABLE public.predictions TO"):
        assert privilege in before


def test_the_url_may_name_the_database_that_is_to_be_made(postgres: LocalPostgres) -> None:
    """An administrator who gives the URL that all others use gets the database too."""
    for database_name in (DATABASE, None):
        make_database(server().set(database=database_name), {})
        assert "CREATE TABLE public.feature_store" in dump(postgres)


#: Privileges that somebody may give or take by hand, and who does it.
BY_HAND: list[tuple[Role | None, str]] = [
    ("de_user", "GRANT ALL ON sales TO app_user, PUBLIC"),
    ("de_user", "GRANT UPDATE (name) ON customers TO ds_user"),
    ("de_user", "REVOKE SELECT ON feature_store FROM ds_user"),
    ("de_user", "GRANT SELECT ON sales TO analyst WITH GRANT OPTION"),
    ("analyst", "GRANT SELECT ON sales TO app_user"),
    ("de_user", "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO analyst"),
    (None, "GRANT CREATE ON SCHEMA public TO analyst"),
    (None, "GRANT TEMPORARY ON DATABASE companydata TO ds_user"),
    (None, "GRANT CONNECT ON DATABASE companydata TO ds_user WITH GRANT OPTION"),
    (None, "GRANT de_user TO app_user WITH ADMIN OPTION"),
    (None, "GRANT pg_write_all_data TO ds_user"),
    (None, "ALTER ROLE ds_user REPLICATION BYPASSRLS CREATEDB"),
]


def test_a_second_run_repairs_privileges(database: LocalPostgres) -> None:
    """What somebody granted by hand is taken back, and what somebody took is granted again."""
    roles = "SELECT rolname, rolreplication, rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname ~ '^(d._|an|app)'"
    members = "SELECT roleid::regrole::text, member::regrole::text FROM pg_auth_members ORDER BY 1, 2"

    def state() -> list[object]:
        with connected(server(), DATABASE) as administrator:
            return [dump(database), *(sorted(administrator.execute(text).fetchall()) for text in (roles, members))]

    before = state()
    for role, statement in BY_HAND:
        place = server().set(database=DATABASE) if role is None else connections.database(role)
        with psycopg.connect(address(place), autocommit=True) as connection:
            connection.execute(statement)
    assert all(found != expected for found, expected in zip(state(), before, strict=True))
    make_database(server(), {})
    assert state() == before


def test_training_may_start_while_the_database_is_made(postgres: LocalPostgres) -> None:
    """Whatever is there already, the reason is one to wait for; never a refusal."""

    def reason() -> str:
        with pytest.raises(NotThereYetError) as caught:
            check_filled("ds_user", 600)
        return str(caught.value)

    found = [reason()]
    with connected(server(), "postgres") as connection:
        run_script(connection, "1_roles.sql")
        found.append(reason())
        run_script(connection, "2_database.sql")
        found.append(reason())
    with connected(server(), DATABASE) as inside, inside.transaction():
        for script in ("3_schema.sql", "4_tables.sql", "5_privileges.sql"):
            run_script(inside, script)
            found.append(reason())
    assert found[0].endswith('role "ds_user" does not exist')
    assert found[1].endswith('database "companydata" does not exist')
    assert found[2:] == ["there is no table feature_store"] * 4
    assert reason() == "the table is empty"


def test_psql_runs_the_scripts_too(database: LocalPostgres) -> None:
    """As README.md shows it, twice: the result is that of the program."""
    before = dump(database)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {DATABASE}")
    for run in range(2):
        for first, (numbers, option) in enumerate(
            [("1", "--quiet"), ("2", "--quiet"), ("345", "--single-transaction")]
        ):
            place = server().set(database=DATABASE) if first == 2 else server()
            program = [str(database.server.bin_path / "psql"), "--no-psqlrc", "--set=ON_ERROR_STOP=1", option]
            files = [f"--file={next(SCRIPTS.glob(f'{number}_*.sql'))}" for number in numbers]
            done = subprocess.run([*program, address(place), *files], capture_output=True, text=True, check=False)
            is_there = run == 1 and numbers == "2"
            assert (done.returncode, "already exists" in done.stderr) == (
                (3, True) if is_there else (0, "NOTICE" in done.stderr)
            )
    assert dump(database) == before


def test_a_role_logs_in_with_its_password_alone(own_postgres: LocalPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords come from the environment, and are in no statement, message or log of the server."""
    ask_for_passwords(own_postgres)
    with psycopg.connect(own_postgres.url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET log_statement = 'all'")
        connection.execute("SELECT pg_reload_conf()")
    command = [sys.executable, "-m", "data_engineering.make_database"]
    done = subprocess.run(
        command,
        cwd=SCRIPTS.parent,
        env=os.environ | {"DS_USER_PASSWORD": PASSWORD},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("; passwords set for ds_user\n")
    log = (own_postgres.data / "log").read_text(encoding="utf-8")
    assert 'ALTER ROLE "ds_user" PASSWORD \'SCRAM-SHA-256$' in log
    assert "s3cr3t" not in log + done.stdout + done.stderr
    monkeypatch.setenv("DS_USER_PASSWORD", PASSWORD)
    with as_role("ds_user") as connection:
        assert connection.execute("SELECT count(*) FROM sales").fetchone() == (0,)
    monkeypatch.setenv("DS_USER_PASSWORD", "another")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(address(database("ds_user")))


def test_an_administrator_need_not_be_a_superuser(own_postgres: LocalPostgres) -> None:
    """A role that may make roles and databases, as managed servers give one, makes the same database, twice."""
    before = dump(own_postgres)
    with psycopg.connect(own_postgres.url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {DATABASE}")
        for role in ("de_user", "ds_user", "analyst", "app_user"):
            connection.execute(f"DROP ROLE {role}")
        connection.execute("CREATE ROLE manager LOGIN CREATEROLE CREATEDB")
    for _ in range(2):
        make_database(server().set(username="manager"), {})
    assert dump(own_postgres) == before


def test_a_superuser_of_such_a_name_is_refused(postgres: LocalPostgres) -> None:
    """A role that may do everything anyway is none of the four."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE ROLE ds_user SUPERUSER")
    with pytest.raises(DataError, match=r"role ds_user exists and is a superuser: .*: rename that role$"):
        make_database(server(), {})


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """The program ends with exit code 2 and says what failed, without the password."""
    url = f"postgresql://admin:s3cr3t@/postgres?host={tmp_path}"
    command = [sys.executable, "-m", "data_engineering.make_database"]
    done = subprocess.run(
        command, cwd=SCRIPTS.parent, env=os.environ | {"DATABASE_URL": url}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: the setup of the database failed: connection")
    assert done.stderr.endswith(": run this again when the server accepts connections\n")
    assert done.stderr.count("\n") == 1
    assert "s3cr3t" not in done.stderr


def test_a_run_after_one_that_was_cut_off_completes_it(postgres: LocalPostgres) -> None:
    """Whichever script was the last, the next run makes what is missing."""
    make_database(server(), {})
    whole = dump(postgres)
    with psycopg.connect(address(server().set(database=DATABASE)), autocommit=True) as connection:
        connection.execute("DROP TABLE public.predictions, public.labels")
    make_database(server(), {})
    assert dump(postgres) == whole
    with as_role("de_user") as connection:
        assert fill(connection, SHOP, SHOP_DAYS).changed > 0
