"""The association of columns of any kinds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats.contingency import association

from classification_model.profiling.association import bias_corrected_v, coarse_codes


def test_columns_that_tell_each_other_have_an_association_of_one() -> None:
    """A column and a renamed copy have the association 1."""
    codes = np.arange(300) % 3

    assert bias_corrected_v(codes, 2 - codes) == pytest.approx(1)


def test_of_many_rows_it_is_cramers_v() -> None:
    """Of many rows, the correction is small: the association is Cramer's V as scipy computes it."""
    random = np.random.default_rng(0)
    first = random.integers(0, 4, 20_000)
    second = np.where(random.random(20_000) < 0.4, first, random.integers(0, 4, 20_000))

    assert bias_corrected_v(first, second) == pytest.approx(association(pd.crosstab(first, second)), abs=0.005)


def test_chance_has_no_association() -> None:
    """Columns of many values that have nothing in common have an association near 0, unlike Cramer's V."""
    random = np.random.default_rng(0)
    found = [bias_corrected_v(random.integers(0, 10, 200), random.integers(0, 10, 200)) for _ in range(50)]

    assert np.mean(found) < 0.1


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_hardly_any_rows_have_no_association(rows: int) -> None:
    """Too few rows tell nothing."""
    assert bias_corrected_v(np.arange(rows), np.arange(rows)) == 0


def test_gaps_are_a_value_of_their_own() -> None:
    """Missing and infinite numbers, and missing categories, have codes of their own."""
    assert len(set(coarse_codes(np.array([1.0, np.nan, 1.0, np.inf])).tolist())) == 2
    assert coarse_codes(np.array(["a"] * 5 + [None], dtype=object)).tolist() == [0] * 5 + [1]


def test_rare_categories_are_one() -> None:
    """Categories of a few rows are compared as one."""
    values = np.array(["a"] * 9 + ["b"] * 9 + ["c", "d", "e"], dtype=object)

    assert coarse_codes(values).tolist() == [0] * 9 + [1] * 9 + [2] * 3


@pytest.mark.parametrize("share", [0.5, 0.92, 0.08])
def test_a_column_of_few_numbers_says_as_much_as_its_mirror_image(share: float) -> None:
    """However many rows have the greatest number, or the least one."""
    random = np.random.default_rng(0)
    flags = (random.random(2000) < share).astype(float)
    classes = np.where(flags == (share < 0.5), random.integers(0, 2, 2000), 0)
    found = bias_corrected_v(coarse_codes(flags), classes)
    assert found > 0.2
    assert found == pytest.approx(bias_corrected_v(coarse_codes(1 - flags), classes))


def test_numbers_that_are_mostly_the_greatest_one_have_a_bin_below_it() -> None:
    """A tail of small numbers is told apart."""
    random = np.random.default_rng(0)
    is_low = random.random(2000) < 0.06
    numbers = np.where(is_low, random.random(2000), 1.0)
    assert bias_corrected_v(coarse_codes(numbers), is_low.astype(np.int64)) == pytest.approx(1, abs=0.01)
