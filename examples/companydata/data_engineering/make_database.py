"""Make the database ``companydata``, its roles, tables and privileges; run again, it repairs what is missing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import psycopg
import typer
from psycopg import sql

from data_science.connections import DATABASE, Role, address, server
from data_science.programs import run_program
from data_science.server_errors import one_line_errors

if TYPE_CHECKING:
    from sqlalchemy import URL

SCRIPTS = Path(__file__).resolve().parents[1] / "database"
#: Most seconds to wait for another setup of a database.
LOCK_SECONDS = 300
#: One at a time, on the whole server.
_LOCK = "SELECT pg_advisory_lock(hashtext('make_database'))"


def make_database(url: URL, passwords: Mapping[Role, str]) -> None:
    """Run the scripts of ``database/`` in their order.

    Parameters
    ----------
    url
        URL of the server, for an administrator: a superuser, or a role that may make roles and databases.
    passwords
        New passwords of roles. Others keep theirs; a new role without one can log in only where the server asks for
        none.

    Raises
    ------
    DataError
        If the server refuses a statement.
    """
    first = url.database if url.database and url.database != DATABASE else "postgres"
    with one_line_errors(url, "the setup of the database"), connected(url, first) as connection:
        connection.execute("SELECT set_config('lock_timeout', %s, false)", [f"{LOCK_SECONDS}s"])
        connection.execute(_LOCK)
        with connection.transaction():  # so that no role is there without its password
            run_script(connection, "1_roles.sql")
            for role, password in passwords.items():
                set_password(connection, role, password)
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
            run_script(connection, "2_database.sql")
        with connected(url, DATABASE) as inside, inside.transaction():  # nor a table without its privileges
            for script in ("3_schema.sql", "4_tables.sql", "5_privileges.sql"):
                run_script(inside, script)


def connected(url: URL, database: str) -> psycopg.Connection[Any]:
    """Connect to a database of a server."""
    return psycopg.connect(address(url.set(database=database)), autocommit=True)


def run_script(connection: psycopg.Connection[Any], name: str) -> None:
    """Run the statements of a file."""
    connection.execute((SCRIPTS / name).read_text(encoding="utf-8"))


def set_password(connection: psycopg.Connection[Any], role: Role, password: str) -> None:
    """Set the password of a role; what is sent, and may be logged by the server, is its SCRAM verifier."""
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier)))


def passwords_in_environment() -> dict[Role, str]:
    """Return the password of each role whose variable, such as ``DS_USER_PASSWORD``, is set."""
    found = {role: os.environ.get(f"{role.upper()}_PASSWORD", "") for role in get_args(Role)}
    return {role: password for role, password in found.items() if password}


def main() -> None:
    """Make the database on the server of ``DATABASE_URL``, whose user is an administrator."""
    passwords = passwords_in_environment()
    make_database(server(), passwords)
    note = f"passwords set for {', '.join(passwords)}" if passwords else "no password set"
    typer.echo(f"database {DATABASE} with roles, tables and privileges; {note}")


if __name__ == "__main__":
    run_program(main)
