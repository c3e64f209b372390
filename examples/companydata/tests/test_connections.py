"""Where the database is, and as whom it is reached; no message has a password."""

from __future__ import annotations

import pytest
from classification_model.errors import DataError, InputError
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import make_url
from test_database import ask_for_passwords

from data_engineering.make_database import connected, make_database
from data_science.connections import address, database, reason_of, server, table_url
from data_science.fetch_data import fetch_customers, fetch_feature_store, fetch_sales
from local_postgres import LocalPostgres


def test_a_role_takes_the_place_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Host, port and parameters are those of DATABASE_URL; the user's password is not the role's."""
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://admin:s3cr3t@db:6543/postgres?sslmode=require")
    monkeypatch.setenv("APP_USER_PASSWORD", "a b/@%:'\\")
    expected = {"host": "db", "port": "6543", "dbname": "companydata", "sslmode": "require", "connect_timeout": "10"}
    assert conninfo_to_dict(address(database("ds_user"))) == expected | {"user": "ds_user"}
    monkeypatch.setenv(
        "DATABASE_URL", "postgresql://db:6543/?user=admin&password=s3cr3t&dbname=postgres&sslmode=require"
    )
    assert conninfo_to_dict(address(database("ds_user"))) == expected | {"user": "ds_user"}
    mine = expected | {"user": "app_user", "password": "a b/@%:'\\"}
    assert conninfo_to_dict(address(database("app_user"))) == mine
    url = table_url("app_user", "labels")
    assert url == "postgresql://app_user:a%20b%2F%40%25%3A%27%5C@db:6543/companydata?sslmode=require#public.labels"


@pytest.mark.parametrize(
    ("url", "found"),
    [
        (None, "not set"),
        ("", "not set"),
        ("s3cr3t", "something else"),
        ("postgresql://u:s3cr3t@host:port/x", "something else"),
        ("mysql://u:s3cr3t@host/x", "a URL of mysql"),
        ("postgresql://u:s3c@r3t@host/x", "more than one @"),
        ("postgresql://u:s3cr3t@/x?host=a:5432&host=b:5432", "several hosts: name the one that accepts writes"),
        ("postgresql://u:s3cr3t@a,b/x", "several hosts"),
        ("postgresql://u:s3cr3t@/x?host=a,b", "several hosts"),
        ("postgresql://u:s3cr3t@/x?host=a:5432", "a port in its parameter host"),
        ("postgresql://u:s3cr3t@h/x?sslmode=require&sslmode=disable", "its parameter sslmode more than once"),
    ],
)
def test_a_wrong_url_is_told_without_it(url: str | None, found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has what was expected, and nothing of the URL."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    if url is not None:
        monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(InputError, match=rf"^expected DATABASE_URL such as \S+, found .*{found}") as caught:
        server()
    assert "s3c" not in str(caught.value)


def test_a_password_is_taken_out_of_a_reason() -> None:
    """Whatever an error says, the password of the URL is not in it, nor more than a line."""
    error = RuntimeError("connection failed: FATAL:  no s3cr3t here\nDETAIL: s3cr3t")
    assert reason_of(error, make_url("postgresql://u:s3cr3t@host/x")) == "no *** here"


def test_the_tables_are_fetched_as_frames(filled: LocalPostgres) -> None:
    """Rows come in the order of their keys, with numbers as numbers and dates as dates."""
    features, sales, customers = fetch_feature_store(), fetch_sales(), fetch_customers()
    assert list(features.columns) == [
        "customer_id", "cut_off", "recency_days", "frequency", "monetary", "tenure_days", "bought",
        "prediction_key",
    ]  # fmt: skip
    assert (features["customer_id"].is_monotonic_increasing, features["monetary"].dtype.kind) == (True, "f")
    assert len(sales) == sales["sale_id"].max() == 3600
    assert sales["amount"].min() >= 0.01
    assert set(features["customer_id"]) <= set(customers["customer_id"])
    assert "x'); DROP TABLE sales; --" in set(sales["product"])


def test_a_role_fetches_only_what_it_may(filled: LocalPostgres) -> None:
    """The application may not read the features."""
    with pytest.raises(DataError, match="permission denied for table feature_store"):
        fetch_feature_store("app_user")


def test_a_password_of_any_characters_opens_the_database(
    own_postgres: LocalPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written into no URL by hand, and comes out of it as it was."""
    password = "a b/@%:'\\#?&é"  # noqa: S105 - of a database that lives as long as the test
    make_database(server(), {"ds_user": password})
    ask_for_passwords(own_postgres)
    monkeypatch.setenv("DS_USER_PASSWORD", password)
    assert len(fetch_feature_store()) == 0
    with connected(database("ds_user"), "companydata") as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("ds_user",)
    monkeypatch.setenv("DS_USER_PASSWORD", "wr0ng and long")
    with pytest.raises(DataError, match="password authentication failed") as caught:
        fetch_feature_store()
    assert "wr0ng" not in str(caught.value)
