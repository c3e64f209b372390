"""Drift: changes of distributions since training, by the PSI and a chi-square test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy.stats import chi2_contingency
from statsmodels.stats.multitest import multipletests

from classification_model.training.reference import category_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classification_model.config.sections import MonitoringConfig

#: Cells of which fewer rows are expected, in the smaller of both samples, are put together (Cochran, 1954).
LEAST_EXPECTED = 5
#: Categories with fewer rows of training are put together with those that training did not see: the most frequent of
#: many rare ones were so by chance. With fewer, the test finds drift in samples of one distribution too often.
LEAST_SEEN = 20


class FeatureDrift(BaseModel):
    """How the distribution of a feature, or of a probability, differs from that of the training rows.

    Attributes
    ----------
    feature, kind
        Name of the feature, or of the class, and kind of its values; texts are compared by their length.
    reference_count, count
        Rows of training, and of the log, that are compared; unreadable values are left out.
    psi
        Population stability index over the cells of the table, missing values being a cell of their own; None
        where there are no rows.
    test
        ``chi2``: Pearson's test of homogeneity of the same table.
    statistic, p_value, adjusted_p_value
        Of the test; the last after the correction of Benjamini and Hochberg for the number of features. None where
        there is nothing to test.
    missing_before, missing_now
        Share of missing values.
    drifted
        Whether the change is both sure and large enough, by the limits of the model, in enough rows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    feature: str
    kind: str
    reference_count: int
    count: int
    psi: float | None
    test: Literal["chi2"] = "chi2"
    statistic: float | None
    p_value: float | None
    adjusted_p_value: float | None
    missing_before: float
    missing_now: float | None
    drifted: bool


@dataclass(frozen=True)
class Sample:
    """Values of a feature in the log.

    Attributes
    ----------
    feature, kind
        Name and kind.
    reference
        Distribution of the training rows, as `reference.describe_distribution` describes one.
    reference_count
        Number of training rows.
    values, counts
        Numbers, categories or texts, and in how many rows each is.
    missing
        Number of rows without a value.
    """

    feature: str
    kind: str
    reference: dict[str, Any]
    reference_count: int
    values: NDArray[np.float64] | Sequence[str]
    counts: NDArray[np.int64]
    missing: int = 0


def measure_drift(samples: Sequence[Sample], limits: MonitoringConfig) -> tuple[FeatureDrift, ...]:
    """Compare the values of features with those of training, and judge which drifted.

    Both the training rows and the log are samples, so the test is one of homogeneity of two samples; one of goodness
    of fit would take the training sample for the truth, and find drift in any log that is large enough. A table of
    counts in the bins of the reference is what a manifest can give; its edges are quantiles of the training sample,
    and with these the shares of the other sample vary as much as if the edges were fixed and both were counted.
    The test and the population stability index are computed over the same cells: the second is close to the
    statistic of the first divided by the size of the samples, and says how large a change is where the first says
    how sure it is.

    Parameters
    ----------
    samples
        The features.
    limits
        How sure, how large, and in how many rows a change must be to count as drift.

    References
    ----------
    Yurdakul, Statistical Properties of Population Stability Index, Western Michigan University, 2018. Gibbons and
    Chakraborti, Nonparametric Statistical Inference, 2003, chapter 6 (control quantile tests). Cochran, Some Methods
    for Strengthening the Common Chi-Squared Tests, Biometrics 10, 1954. Benjamini and Hochberg, Controlling the False
    Discovery Rate, Journal of the Royal Statistical Society B 57, 1995.
    """
    tables = [_put_together(_table(sample)) for sample in samples]
    tests = [_test(table) for table in tables]
    tested = [p_value for _, p_value in tests if p_value is not None]
    corrected = iter(multipletests(tested, method="fdr_bh")[1].tolist() if tested else [])
    found = []
    for sample, table, (statistic, p_value) in zip(samples, tables, tests, strict=True):
        adjusted = None if p_value is None else next(corrected)
        count = int(sample.counts.sum()) + sample.missing
        psi = population_stability(*table) if count else None
        is_sure = adjusted is not None and adjusted < limits.drift.p_value
        is_large = psi is not None and psi >= limits.drift.psi
        found.append(
            FeatureDrift(
                feature=sample.feature,
                kind=sample.kind,
                reference_count=sample.reference_count,
                count=count,
                psi=psi,
                statistic=statistic,
                p_value=p_value,
                adjusted_p_value=adjusted,
                missing_before=sample.reference.get("missing", 0.0),
                missing_now=sample.missing / count if count else None,
                drifted=is_sure and is_large and count >= limits.minimum_count,
            )
        )
    return tuple(found)


def population_stability(before: NDArray[Any], now: NDArray[Any]) -> float:
    """Compute the population stability index of two histograms over the same cells.

    It is the sum over cells of ``(now - before) * log(now / before)``, where both are shares. An empty cell counts as
    half a row, one that is empty in both is left out.

    Parameters
    ----------
    before, now
        Number of rows in each cell, shape (n_cells,); at least one row in each.
    """
    used = (before > 0) | (now > 0)
    shares = [np.where(rows > 0, rows, 0.5)[used] / rows.sum() for rows in (before, now)]
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


def _test(table: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """Return statistic and p-value of Pearson's test of homogeneity; None of a table of one cell or one sample."""
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return None, None
    result = chi2_contingency(table, correction=False)
    return float(result.statistic), float(result.pvalue)


def _put_together(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Put cells of few expected rows together; only the sums over both samples say which, so the test holds."""
    sizes = table.sum(axis=1)
    sums = table.sum(axis=0)
    table, sums = table[:, sums > 0], sums[sums > 0]
    expected = sums * sizes.min() / sizes.sum()
    order = np.argsort(-expected, kind="stable")
    kept = int((expected >= LEAST_EXPECTED).sum())
    if kept == len(order):
        return table[:, order]
    rest = order[kept:]
    if expected[rest].sum() < LEAST_EXPECTED and kept:
        kept -= 1
        rest = order[kept:]
    return np.column_stack([table[:, order[:kept]], table[:, rest].sum(axis=1)])


def _table(sample: Sample) -> NDArray[np.float64]:
    """Count the rows of training and of the log in each cell, shape (2, n_cells); missing values come last."""
    reference = sample.reference
    missing = round(reference.get("missing", 0.0) * sample.reference_count)
    present = sample.reference_count - missing
    if sample.kind in {"categorical", "boolean"}:
        before, now = _category_cells(sample, present)
    else:
        lengths = [len(value) for value in sample.values] if sample.kind == "text" else sample.values
        before, now = _number_cells(reference, np.asarray(lengths, dtype=np.float64), sample.counts)
        before = before * present
    return np.array([np.append(np.rint(before), missing), np.append(now, sample.missing)], dtype=np.float64)


def _category_cells(sample: Sample, present: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    shares = {name: share for name, share in sample.reference["shares"].items() if share * present >= LEAST_SEEN}
    places = {name: place for place, name in enumerate(shares)}
    rest = len(places)
    names = [category_name(value) for value in sample.values]
    cells = np.array([places.get(name, rest) for name in names], dtype=np.int64)
    now = _count(cells, sample.counts, rest + 1)
    known = np.array(list(shares.values()))
    return np.append(known, max(0.0, 1.0 - known.sum())) * present, now


def _number_cells(
    reference: dict[str, Any], numbers: NDArray[np.float64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the shares of the reference, and the rows of the log, in the bins of the reference, open at both ends."""
    edges = np.array(reference["edges"])
    if len(edges) > 2:
        cells = np.searchsorted(edges[1:-1], numbers, side="right")
        return np.array(reference["shares"]), _count(cells, counts, len(edges) - 1)
    low, high = edges
    if low == high:
        cells = (numbers != low).astype(np.int64)
        return np.array([1.0, 0.0]), _count(cells, counts, 2)
    now = _count((numbers >= low + (high - low) / 2).astype(np.int64), counts, 2)
    least, most = _upper_half(low, high, reference["mean"], reference["std"])
    upper = float(np.clip(now[1] / max(now.sum(), 1.0), least, most))
    return np.array([1 - upper, upper]), now


def _count(cells: NDArray[np.int64], counts: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Return the number of rows in each cell, shape (size,)."""
    return np.asarray(np.bincount(cells, weights=counts, minlength=size), dtype=np.float64)


def _upper_half(low: float, high: float, mean: float, std: float) -> tuple[float, float]:
    """Bound the share of the upper half of a range whose deciles are all at its ends, by mean and deviation.

    With f the place of a value in the range, from 0 to 1, the share differs from the mean of f by no more than the
    mean of ``min(f, 1 - f)``, which is at most twice that of ``f * (1 - f)``: nothing, where there are two values.
    """
    middle = (mean - low) / (high - low)
    between = max(0.0, middle * (1 - middle) - (std / (high - low)) ** 2)
    return max(0.0, middle - 2 * between), min(1.0, middle + 2 * between)
