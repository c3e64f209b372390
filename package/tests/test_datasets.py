"""The passenger table in the package, held against the one that scikit-learn carries."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest
import sklearn
from sklearn.externals import _arff
from written import read_table

from classification_model.config.core import PACKAGED_CONFIG

TITANIC = PACKAGED_CONFIG.parent / "datasets" / "titanic.csv"
ARFF = Path(sklearn.__file__).parent / "datasets/tests/data/openml/id_40945/data-v1-dl-16826755.arff.gz"
NUMERIC = {"pclass", "age", "sibsp", "parch", "fare", "body"}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return read_table(str(TITANIC))


def test_every_cell_is_that_of_the_source(table: pd.DataFrame) -> None:
    """All 1,309 rows and 14 columns hold what the ARFF file holds, in its order, empty where it has a mark."""
    source = _arff.load(gzip.decompress(ARFF.read_bytes()).decode())
    names = [name for name, _ in source["attributes"]]
    assert table.columns.tolist() == names
    assert len(table) == len(source["data"]) == 1309
    for place, name in enumerate(names):
        found = [None if cell == "" else float(cell) if name in NUMERIC else cell for cell in table[name]]
        assert found == [row[place] for row in source["data"]], name


@pytest.mark.parametrize(
    ("column", "missing"),
    [
        *[(name, 0) for name in ("pclass", "survived", "name", "sex", "sibsp", "parch", "ticket")],
        *[("age", 263), ("fare", 1), ("cabin", 1014), ("embarked", 2), ("boat", 823), ("body", 1188)],
        ("home.dest", 564),
    ],
)
def test_gaps_are_those_of_the_table_that_was_published(table: pd.DataFrame, column: str, missing: int) -> None:
    """Each column misses as many values as OpenML's description of the table says."""
    assert (table[column] == "").sum() == missing


def test_500_of_1309_survived(table: pd.DataFrame) -> None:
    """The target is 1 for 500 passengers and 0 for all others."""
    assert table["survived"].value_counts().to_dict() == {"0": 809, "1": 500}


def test_no_cell_begins_or_ends_with_blanks(table: pd.DataFrame) -> None:
    """What a reader strips from a cell is not there in the first place."""
    assert [name for name in table.columns if (table[name] != table[name].str.strip()).any()] == []
