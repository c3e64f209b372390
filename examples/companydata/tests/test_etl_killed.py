"""PostgreSQL is killed during a load; after it was started again, the next run leaves the exact tables."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from companies import LABEL_DAYS, SHOP, SHOP_DAYS, as_role, empty, fill, snapshot
from crashes import kill, start_again

from data_engineering.generated_shop import Shop
from data_engineering.loading import build_features, load
from local_postgres import LocalPostgres

HERE = Path(__file__).resolve().parents[1]


def killing(blocks: Iterator[pa.Table], after: int, postgres: LocalPostgres) -> Iterator[pa.Table]:
    """Give the blocks, and kill the server in between."""
    for number, block in enumerate(blocks):
        if number == after:
            kill(postgres)
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
    start_again(own_postgres)
    with as_role("de_user") as connection:
        assert snapshot(connection) == before
        fill(connection)
        assert snapshot(connection) == clean


@pytest.mark.parametrize("locked", ["sales", "labels"])
def test_row_37_a_kill_of_the_etl_is_made_good_by_the_next_run(locked: str, own_postgres: LocalPostgres) -> None:
    """Killed in the load and in the build of new days: one line, nothing of that transaction, then the exact tables."""
    options = ["--customers", "200", "--sales-per-day", "40", "--label-days", "30"]
    command = [sys.executable, "-m", "data_engineering.etl", *options]
    subprocess.run([*command, "--days", "60"], cwd=HERE, check=True)
    with as_role("de_user") as blocker, as_role("de_user") as connection:
        before = snapshot(connection)
        blocker.execute("BEGIN")
        blocker.execute(f"LOCK TABLE {locked} IN SHARE MODE")  # its first INSERT waits, and what came before is written
        longer = [*command, "--days", "70"]
        with subprocess.Popen(longer, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as etl:
            wait_for_lock(connection, etl)
            kill(own_postgres)
            output, errors = etl.communicate()
        blocker.close()
        connection.close()
    assert (etl.returncode, errors.count("\n")) == (2, 1), errors
    assert errors.startswith("error: the ETL failed: ")
    assert errors.endswith(": run this again when the server accepts connections\n")
    assert ("400 new sales" in output) == (locked == "labels")
    start_again(own_postgres)
    with as_role("de_user") as connection:
        kept = snapshot(connection)
        same = {table for table in kept if kept[table] == before[table]}
        if locked == "sales":
            assert same == set(kept)
        else:  # the load is a transaction of its own
            assert {"feature_store", "labels"} <= same <= set(kept) - {"sales", "etl_watermarks"}
        subprocess.run(longer, cwd=HERE, check=True)
        found = snapshot(connection)
        empty(connection)
        shop = Shop(customers=200, sales_per_day=40)
        for days in (60, 70):
            load(connection, [shop.customers_until(days)], shop.sales_after(0, days))
            build_features(connection, label_days=30)
        assert snapshot(connection) | {"etl_watermarks": found["etl_watermarks"]} == found


def wait_for_lock(connection: psycopg.Connection[Any], process: subprocess.Popen[str]) -> None:
    """Return when a process waits for a lock."""
    while not connection.execute("SELECT FROM pg_locks WHERE NOT granted").rowcount:
        assert process.poll() is None
        time.sleep(0.05)


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
        wait_for_lock(connection, build)
        kill(own_postgres)
        assert "OperationalError" in build.communicate()[1]
        blocker.close()
        connection.close()
    start_again(own_postgres)
    with as_role("de_user") as connection:
        assert snapshot(connection) == before != clean
        build_features(connection, label_days=LABEL_DAYS)
        assert snapshot(connection) == clean


_BUILD = f"""
import psycopg
from data_engineering.generated_shop import Shop
from data_engineering.loading import build_features
from data_science.connections import address, database
with psycopg.connect(address(database("de_user")), autocommit=True) as connection:
    build_features(connection, label_days={LABEL_DAYS})
"""
