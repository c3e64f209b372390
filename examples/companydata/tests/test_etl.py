"""The ETL: what it loads is exact, however often and in which parts it comes, and features look back only."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from classification_model.errors import DataError
from companies import LABEL_DAYS, SHOP, SHOP_DAYS, as_role, customers, empty, fill, sales, snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from data_engineering.generated_shop import START, Shop
from data_engineering.loading import build_features, load, read_watermark
from local_postgres import LocalPostgres

HERE = Path(__file__).resolve().parents[1]
ANN = (1, "Ann", "north", date(2024, 1, 1))
#: Texts that are SQL, marks of CSV and COPY, or odd in another way.
ODD = [
    "x'); DROP TABLE sales; --",
    '"',
    '""',
    "a,b",
    "a\nb\r\n",
    "\\.",
    "\\N",
    "NULL",
    "a\tb\\",
    "%s %(x)s",
    "é\u2028😀",
    " ",
]


def etl(*options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the program."""
    command = [sys.executable, "-m", "data_engineering.etl", *options]
    return subprocess.run(command, cwd=HERE, env=os.environ | variables, capture_output=True, text=True, check=False)


def test_a_second_run_changes_nothing(database: LocalPostgres) -> None:
    """The program says that nothing was new, and every table is as before; more days are added to it."""
    options = ["--customers", "400", "--sales-per-day", "10"]
    first = etl(*options, "--days", "200")
    assert (first.returncode, first.stderr) == (0, "")
    with as_role("de_user") as connection:
        before = snapshot(connection)
        assert len(before["sales"]) == 2000
        again = etl(*options, "--days", "200")
        assert again.stdout.startswith("loaded 0 new customers and 0 new sales")
        assert ": 0 rows added or changed, 0 removed" in again.stdout
        assert snapshot(connection) == before
        more = etl(*options, "--days", "230")
        assert " and 300 new sales in " in more.stdout
        grown = snapshot(connection)
        assert set(before["labels"]) < set(grown["labels"])  # those of the former cut-off date stay
        empty(connection)
        etl(*options, "--days", "230")
        found = snapshot(connection)
        assert {**found, "labels": 0} == {**grown, "labels": 0} != {**before, "labels": 0}
        assert set(found["labels"]) == set(grown["labels"]) - set(before["labels"])


def test_sales_come_in_any_parts_and_any_order(database: LocalPostgres) -> None:
    """After random splits of the sales, with some sent twice, the tables are those of one load of all."""
    shop, days = Shop(60, 3), 80
    with as_role("de_user") as connection:
        fill(connection, shop, days)
        whole = snapshot(connection)
        rows = pa.concat_tables(shop.sales_after(0, days))

        @settings(max_examples=20)
        @given(st.integers(1, 6), st.randoms(use_true_random=False), st.booleans())
        def check(parts: int, draw: random.Random, is_built_each_time: bool) -> None:
            empty(connection)
            part_of = [draw.randrange(parts) for _ in range(rows.num_rows)]
            for part in range(parts):
                numbers = [row for row, its in enumerate(part_of) if its == part or draw.random() < 0.1]
                draw.shuffle(numbers)
                blocks = [rows.take(numbers[:7]), rows.take(numbers[7:])] if numbers else []
                load(connection, [shop.customers_until(days)], blocks)
                if is_built_each_time and numbers:
                    build_features(connection, label_days=LABEL_DAYS)
            build_features(connection, label_days=LABEL_DAYS)
            found = snapshot(connection)
            labels = [row for row in found["labels"] if row[1] == whole["labels"][0][1]]  # of earlier builds, others
            assert found | {"etl_watermarks": [], "labels": labels} == whole | {"etl_watermarks": []}

        check()


def test_the_watermark_is_that_of_its_source(database: LocalPostgres) -> None:
    """Only a source without gaps moves it, and each source has its own; so no sale is taken for loaded that is not."""
    shop = Shop(20, 5)
    with as_role("de_user") as connection:
        load(connection, [shop.customers_until(30)], [next(shop.sales_after(100, 30))])
        assert read_watermark(connection, "a") == 0
        load(connection, [], shop.sales_after(0, 30), source="a")
        assert read_watermark(connection, "a") == 150
        assert read_watermark(connection, "b") == 0
        load(connection, [], shop.sales_after(0, 10), source="a")
        assert read_watermark(connection, "a") == 150
        assert connection.execute("SELECT count(*), sum(sale_id) FROM sales").fetchone() == (150, 11325)
    assert [block.num_rows for block in shop.sales_after(142, 30)] == [3, 5]


def test_a_database_has_the_sales_of_one_shop(database: LocalPostgres) -> None:
    """Other options than those of the first run are refused with both, and no row is changed."""
    first = {"--customers": "80", "--label-days": "90", "--sales-per-day": "10", "--seed": "0"}
    assert etl("--customers", "80", "--sales-per-day", "10", "--days", "120").returncode == 0
    with as_role("de_user") as connection:
        before = snapshot(connection)
        for changed in ({"--sales-per-day": "20"}, {"--seed": "5"}, {"--customers": "90"}, {"--label-days": "30"}):
            other = first | changed
            done = etl("--days", "130", *(text for pair in other.items() for text in pair))
            expected, found = (" ".join(f"{name} {value}" for name, value in given.items()) for given in (first, other))
            assert done.returncode == 2
            assert done.stderr == (
                f"error: expected the options of the first load, {expected}, found {found}: use the first options, or "
                "drop the database and make it again\n"
            )
        assert snapshot(connection) == before


def test_a_sale_that_conflicts_with_a_known_one_stops_the_load(database: LocalPostgres) -> None:
    """The same number with another amount: the error names the sale, and the watermark stays."""
    with as_role("de_user") as connection:
        load(connection, [customers(ANN)], [sales((1, 1, START, "tea", 1.0))], source="s")
        before = snapshot(connection)
        other = sales((1, 1, START, "tea", 2.0), (2, 1, START, "tea", 1.0))
        with pytest.raises(DataError, match=r"found 1 with other contents, the first is sale 1: correct it"):
            load(connection, [], [other], source="s")
        assert snapshot(connection) == before


def test_a_sale_in_the_future_does_not_move_the_cut_off(filled: LocalPostgres) -> None:
    """Nor does any other sale after the day of the watermark; without a watermark, the last sale up to today counts."""
    after, future = 10**9, 10**9 + 1
    last = START + timedelta(days=SHOP_DAYS - 1)
    strays = sales((after, 1, last + timedelta(days=9), "tea", 1.0), (future, 1, date(2099, 1, 1), "tea", 1.0))
    with as_role("de_user") as connection:
        before = snapshot(connection)["feature_store"]
        load(connection, [], [strays])
        build_features(connection, label_days=LABEL_DAYS)
        assert snapshot(connection)["feature_store"] == before
        connection.execute("DELETE FROM etl_watermarks")
        connection.execute("DELETE FROM sales WHERE sale_id = %s", [after])
        build_features(connection, label_days=LABEL_DAYS)
        assert snapshot(connection)["feature_store"] == before


def test_features_are_what_they_are_called(database: LocalPostgres) -> None:
    """By hand: recency, frequency, value and tenure of four customers at a cut-off date, and who bought after it."""
    joined = date(2024, 1, 1)
    cut_off = date(2024, 3, 1)
    people = customers(
        (1, "Ann", "north", joined),
        (2, "Bob", "east", joined),
        (3, "Cy", "west", date(2024, 2, 29)),
        (4, "Di", "south", cut_off),
    )
    bought = sales(
        (1, 1, date(2024, 1, 10), "tea", 10.25),
        (2, 1, date(2024, 2, 29), "tea", 0.5),
        (3, 1, cut_off, "tea", 99.0),  # the first day of the label is no day of the features
        (4, 2, date(2024, 2, 1), "tea", 7.0),
        (5, 2, date(2024, 3, 11), "tea", 5.0),  # a day after the label's ten
        (6, 3, date(2024, 3, 10), "tea", 5.0),  # its last day
        (7, 4, date(2024, 3, 5), "tea", 5.0),
    )
    with as_role("de_user") as connection:
        load(connection, [people], [bought])
        built = build_features(connection, label_days=10, cut_off=cut_off)
        assert built == (cut_off, 3, 0)
        assert snapshot(connection)["feature_store"] == [
            (1, cut_off, 1, 2, Decimal("10.75"), 60, 1, "1@2024-03-01"),
            (2, cut_off, 29, 1, Decimal("7.00"), 60, 0, "2@2024-03-01"),
            (3, cut_off, None, 0, Decimal("0.00"), 1, 1, "3@2024-03-01"),
        ]
        labels = [(1, "buys"), (2, "lapses"), (3, "buys")]
        at_cut_off = [(number, cut_off, label, f"{number}@2024-03-01") for number, label in labels]
        assert snapshot(connection)["labels"] == at_cut_off
        day_before = date(2024, 2, 29)
        assert build_features(connection, label_days=10, cut_off=day_before) == (day_before, 2, 1)
        earlier = [
            (number, day_before, label, f"{number}@2024-02-29") for number, label in ((1, "buys"), (2, "lapses"))
        ]
        assert snapshot(connection)["labels"] == sorted(at_cut_off + earlier)  # those of another date stay


def test_features_know_nothing_of_the_days_after_the_cut_off(filled: LocalPostgres) -> None:
    """Without the later sales, and with others, every feature is the same; only labels change."""
    with as_role("de_user") as connection:
        before = snapshot(connection)["feature_store"]
        cut_off = before[0][1]
        assert cut_off == START + timedelta(days=SHOP_DAYS - LABEL_DAYS)
        connection.execute("DELETE FROM sales WHERE sold_on >= %s", [cut_off])
        last = cut_off + timedelta(days=LABEL_DAYS - 1)
        load(connection, [], [sales((10**9, 1, last, "tea", 1e6))])
        assert build_features(connection, label_days=LABEL_DAYS).cut_off == cut_off
        after = snapshot(connection)["feature_store"]
    assert [row[:6] for row in after] == [row[:6] for row in before]
    assert [row[0] for row in after if row[6]] == [1]
    assert sum(row[6] for row in before) > 1


@settings(max_examples=30)
@given(
    st.lists(
        st.sampled_from(ODD) | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
    )
)
def check_texts(connection: psycopg.Connection[Any], texts: list[str]) -> None:
    empty(connection)
    people = [(number, text, "north", START) for number, text in enumerate(texts, 1)]
    things = [(number, number, START, text, 1.0) for number, text in enumerate(texts, 1)]
    load(connection, [customers(*people)], [sales(*things)])
    for column in ("name FROM customers", "product FROM sales"):
        found = connection.execute(f"SELECT {column} ORDER BY customer_id").fetchall()
        assert [text for (text,) in found] == texts


def test_row_38_texts_are_stored_literally(database: LocalPostgres) -> None:
    """Whatever a name holds, it comes back as it is: quotes, SQL, marks of CSV and of COPY."""
    with as_role("de_user") as connection:
        check_texts(connection)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ((2, 7, START, "tea", 1.0), "sales_customer_id_fkey"),
        ((2, 1, START, "tea", 0.0), "sales_amount_check"),
        ((2, 1, START, "tea", float("nan")), "sales_amount_check"),
        ((2, 1, START, "tea", 1e11), "numeric field overflow"),
        ((2, 1, START, "", 1.0), "sales_product_check"),
        ((2, 1, START, None, 1.0), 'null value in column "product"'),
        ((2, 1, START, "a\0b", 1.0), "invalid byte sequence"),
        ((0, 1, START, "tea", 1.0), "sales_sale_id_check"),
    ],
)
def test_a_row_that_breaks_a_rule_stops_the_whole_load(row: Any, reason: str, database: LocalPostgres) -> None:
    """The error names the rule, and not a row of the load is in the tables."""
    with as_role("de_user") as connection:
        with pytest.raises(psycopg.Error, match=reason):
            load(connection, [customers(ANN)], [sales((1, 1, START, "tea", 1.0)), sales(row)], source="s")
        assert not any(snapshot(connection).values())


def test_no_features_without_sales_or_before_their_label(database: LocalPostgres) -> None:
    """The program says so in one line and ends with 2; what was loaded stays."""
    with as_role("de_user") as connection, pytest.raises(DataError, match="expected sales to build features from"):
        build_features(connection, label_days=10)
    done = etl("--customers", "9", "--sales-per-day", "1", "--days", "30", "--cut-off", "2024-01-20")
    assert (done.returncode, done.stderr) == (
        2,
        "error: expected a cut-off date up to 2023-11-02, so that 90 days from it are known, found 2024-01-20\n",
    )
    with as_role("ds_user") as connection:
        assert connection.execute("SELECT count(*) FROM sales").fetchone() == (30,)


def test_two_at_once_are_one_after_the_other(database: LocalPostgres) -> None:
    """Both succeed, and the tables are those of one."""
    command = [
        sys.executable,
        "-m",
        "data_engineering.etl",
        "--customers",
        "300",
        "--sales-per-day",
        "9",
        "--days",
        "150",
    ]
    both = [subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted("and 1350 new sales" in text for text in outputs) == [False, True]
    with as_role("de_user") as connection:
        found = snapshot(connection)
        empty(connection)
        etl(*command[3:])
        assert snapshot(connection) == found


def test_the_shop_of_the_tests_can_be_trained_on(filled: LocalPostgres) -> None:
    """Both labels occur often enough, and some customers never bought."""
    with as_role("ds_user") as connection:
        counts = connection.execute(
            "SELECT count(*), sum(bought), count(*) FILTER (WHERE recency_days IS NULL) FROM feature_store"
        ).fetchone()
    assert counts is not None
    assert min(counts[1], counts[0] - counts[1], counts[2]) >= 50
    assert SHOP.customers_until(SHOP_DAYS).num_rows >= counts[0]


@pytest.mark.parametrize("role", ["ds_user", "app_user"])
def test_another_role_cannot_load(role: Any, database: LocalPostgres) -> None:
    """The server refuses it; nothing is loaded."""
    with as_role(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        load(connection, [customers(ANN)], [])
    with as_role("de_user") as connection:
        assert not any(snapshot(connection).values())
