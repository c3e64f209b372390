"""PostgreSQL is killed during a load; after it was started again, the next run leaves the exact tables."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from companies import LABEL_DAYS, SHOP, SHOP_DAYS, as_role, empty, fill, snapshot

from data_engineering.loading import build_features, load
from local_postgres import LocalPostgres

HERE = Path(__file__).resolve().parents[1]
KILLS = 4


def killing(blocks: Iterator[pa.Table], after: int, postgres: LocalPostgres) -> Iterator[pa.Table]:
    """Give the blocks, and kill the server in between."""
    for number, block in enumerate(blocks):
        if number == after:
            postgres.kill()
        yield block


@pytest.mark.parametrize("after", [0, SHOP_DAYS // 2, SHOP_DAYS - 1])
def test_row_37_a_load_that_was_cut_off_leaves_nothing_and_the_next_one_is_exact(
    after: int, own_postgres: LocalPostgres
) -> None:
    """At the first, a middle and the last block: nothing of the load is there, and then all of it."""
    people = [SHOP.customers_until(SHOP_DAYS)]
    with as_role("de_user") as connection:
        fill(connection)
        clean = snapshot(connection)
        empty(connection)
        half = SHOP_DAYS // 3
        load(connection, people, SHOP.sales_after(0, half), source="test")
        before = snapshot(connection)
        with pytest.raises(psycopg.OperationalError):
            load(connection, people, killing(SHOP.sales_after(0, SHOP_DAYS), after, own_postgres), source="test")
    own_postgres.start_again()
    with as_role("de_user") as connection:
        assert snapshot(connection) == before
        fill(connection)
        assert snapshot(connection) == clean


def test_row_37_kills_at_any_moment_of_the_etl_are_made_good_by_the_next_run(own_postgres: LocalPostgres) -> None:
    """Killed at random moments, in loads and in builds: after one whole run the tables are the exact ones."""
    draw = random.Random(4)  # noqa: S311 - moments are no secret
    options = ["--customers", "2000", "--sales-per-day", "400", "--days", "120", "--label-days", "30"]
    command = [sys.executable, "-m", "data_engineering.etl", *options]
    told = []
    for kill in range(KILLS):
        with subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as etl:
            assert etl.stdout is not None
            if kill % 2:
                etl.stdout.readline()  # the load is committed: the kill is in the build, or after it
            while not kill % 2 and not is_at_work() and etl.poll() is None:
                time.sleep(0.01)
            time.sleep(draw.random() * 0.5)
            own_postgres.kill()
            told.append((etl.communicate()[1], etl.returncode))
        own_postgres.start_again()
    for errors, code in told:
        assert (code, errors.count("\n")) in {(2, 1), (0, 0)}, errors
        assert errors.startswith("error: the ETL failed: ") or not errors
    subprocess.run(command, cwd=HERE, check=True)
    with as_role("de_user") as connection:
        found = snapshot(connection)
        empty(connection)
        subprocess.run(command, cwd=HERE, check=True)
        assert found == snapshot(connection)
        assert len(found["sales"]) == 48_000


def is_at_work() -> bool:
    """Tell whether the ETL copies or writes rows now."""
    with as_role("de_user") as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query ~ '^(COPY|INSERT)'"
        ).fetchone()
    return row is not None and row[0] > 0


def test_row_37_a_build_that_was_cut_off_leaves_the_former_features(own_postgres: LocalPostgres) -> None:
    """The build waits for a lock when the server is killed; the former table stays, and the next build is exact."""
    with as_role("de_user") as connection:
        fill(connection)
        clean = snapshot(connection)
        connection.execute("UPDATE feature_store SET bought = 1 - bought")
        before = snapshot(connection)
    with as_role("de_user") as blocker, as_role("de_user") as connection:
        blocker.execute("BEGIN")
        blocker.execute("LOCK TABLE labels IN SHARE MODE")  # the features are written then, and not committed
        build = subprocess.Popen(
            [sys.executable, "-c", _BUILD], cwd=HERE, stderr=subprocess.PIPE, text=True, env=os.environ
        )
        while not connection.execute("SELECT FROM pg_locks WHERE NOT granted").rowcount:
            assert build.poll() is None
            time.sleep(0.05)
        own_postgres.kill()
        assert "OperationalError" in build.communicate()[1]
        blocker.close()
        connection.close()
    own_postgres.start_again()
    with as_role("de_user") as connection:
        assert snapshot(connection) == before != clean
        build_features(connection, label_days=LABEL_DAYS)
        assert snapshot(connection) == clean


_BUILD = f"""
import psycopg
from data_engineering.loading import build_features
from data_science.connections import address, database
with psycopg.connect(address(database("de_user")), autocommit=True) as connection:
    build_features(connection, label_days={LABEL_DAYS})
"""
