"""The company's tables as data frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import classification_model as cm

from data_science.connections import Role, table_url

if TYPE_CHECKING:
    import pandas as pd


def fetch_feature_store(role: Role = "ds_user") -> pd.DataFrame:
    """Fetch the four features and the target of each customer, in the order of the customers.

    Parameters
    ----------
    role
        Who reads.

    Raises
    ------
    DataError
        If the database cannot be reached, or the table is not there or may not be read.
    InputError
        If ``DATABASE_URL`` is missing or wrong.
    """
    return cm.read_table(table_url(role, "feature_store"))


def fetch_sales(role: Role = "ds_user") -> pd.DataFrame:
    """Fetch all sales, in the order of their numbers; see `fetch_feature_store`."""
    return cm.read_table(table_url(role, "sales"))


def fetch_customers(role: Role = "ds_user") -> pd.DataFrame:
    """Fetch all customers, in the order of their numbers; see `fetch_feature_store`."""
    return cm.read_table(table_url(role, "customers"))
