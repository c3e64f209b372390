"""Add the latest label to each prediction, and count all labels that are not used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_NAMED = 5


@dataclass(frozen=True)
class Counted:
    """How often something was found.

    Attributes
    ----------
    count
        How often.
    first
        The first five that it was found in, by name.
    """

    count: int = 0
    first: tuple[str, ...] = ()

    def add(self, names: Sequence[str]) -> Counted:
        """Return the count with some more."""
        first = dict.fromkeys([*self.first, *names[:1000]])
        return Counted(self.count + len(names), tuple(first)[:_MOST_NAMED])


NOTHING = Counted()


@dataclass(frozen=True)
class LabelledLog:
    """Predictions with their labels.

    Attributes
    ----------
    frame
        The log with two more columns: ``label`` (text, or None if unknown) and ``labelled_at`` (UTC).
    unknown_ids
        Labels of predictions that are not in the log. These and the following are counted, with the first five values
        of ``prediction_id``.
    unknown_classes
        Labels that are not a class; they are not used.
    duplicates
        Labels that repeat an earlier one.
    conflicts
        Labels that contradict an earlier one; the latest is used.
    early
        Labels older than their prediction, as clocks differ.
    """

    frame: pd.DataFrame
    unknown_ids: Counted
    unknown_classes: Counted
    duplicates: Counted
    conflicts: Counted
    early: Counted

    def describe(self) -> list[str]:
        """Return a line for each kind of label that is not used, repeated or contradictory."""
        texts = {
            "unknown_ids": "labels of predictions that are not in the log",
            "unknown_classes": "labels that are not a class of the model, which are not used",
            "duplicates": "labels that repeat an earlier one",
            "conflicts": "labels that contradict an earlier one, of which the latest is used",
            "early": "labels older than their prediction, as clocks differ",
        }
        found = {text: getattr(self, name) for name, text in texts.items()}
        return [f"{item.count} {text}: {', '.join(item.first)}" for text, item in found.items() if item.count]


def with_labels(frame: pd.DataFrame, labels: pd.DataFrame, classes: Sequence[str]) -> LabelledLog:
    """Add the latest true label to each prediction.

    Parameters
    ----------
    frame
        The predictions, as `read_log` returns them.
    labels
        The labels, as `read_labels` returns them.
    classes
        The classes of the model. Other labels are not used.

    Returns
    -------
    LabelledLog
        The predictions with their labels, and the numbers of unusual labels, such as repeated ones.

    Examples
    --------
    >>> import tempfile
    >>> import classification_model as cm
    >>> passenger = {"name": "Kelly, Mr. James", "sex": "male", "pclass": 3, "ticket": "330911"}
    >>> passenger |= {"sibsp": 0, "parch": 0}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with cm.PredictionLog(folder) as log:
    ...         answer = cm.ServedModel(log).load().predict_with_logging([passenger], index=["892"])
    ...     with cm.LabelLog(folder) as labels:
    ...         labels.add([(name, "died") for name in answer["prediction_ids"]], source="registry")
    ...     labelled = cm.with_labels(cm.read_log(folder), cm.read_labels(folder), ("died", "survived"))
    >>> labelled.frame[["prediction", "label"]].values.tolist(), labelled.describe()
    ([['died', 'died']], [])
    """
    labels = labels.sort_values("timestamp", kind="stable", ignore_index=True)
    names = labels["prediction_id"].to_numpy(dtype=object)
    places = pd.Index(frame["prediction_id"]).get_indexer(pd.Index(labels["prediction_id"]))
    codes = pd.Index(list(classes), dtype=object).get_indexer(pd.Index(labels["label"], dtype=object))
    is_known, is_class = places >= 0, codes >= 0
    chosen = np.flatnonzero(is_known & is_class)
    places, codes, moments = places[chosen], codes[chosen], labels["timestamp"].iloc[chosen]
    found = repetitions(places, codes)
    is_early = moments.to_numpy() < frame["timestamp"].iloc[places].to_numpy()

    label = np.full(len(frame), None, dtype=object)
    label[places[found.last]] = np.array(classes, dtype=object)[codes[found.last]]
    labelled_at = pd.Series(pd.NaT, index=range(len(frame)), dtype="datetime64[us, UTC]")
    labelled_at.iloc[places[found.last]] = moments.iloc[found.last].to_numpy()
    columns = {
        "label": pd.Series(label, index=frame.index, dtype=object),
        "labelled_at": labelled_at.set_axis(frame.index),
    }
    return LabelledLog(
        frame.assign(**columns),
        unknown_ids=_counted(names[~is_known]),
        unknown_classes=_counted(names[is_known & ~is_class]),
        duplicates=_counted(names[chosen][found.same]),
        conflicts=_counted(names[chosen][found.other]),
        early=_counted(names[chosen][is_early]),
    )


def _counted(names: NDArray[np.object_]) -> Counted:
    return NOTHING.add(names.tolist())


class Repetitions(NamedTuple):
    """Which of some labels repeat or contradict one before, and which are the last.

    Attributes
    ----------
    same, other
        Positions of labels of a group whose label before is the same, and another one.
    first, last
        Positions of the first and of the last label of each group, groups in order of their numbers.
    """

    same: NDArray[np.int64]
    other: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]


def repetitions(groups: NDArray[np.int64], codes: NDArray[np.int64]) -> Repetitions:
    """Compare each label with the one before it in its group.

    Parameters
    ----------
    groups
        Group of each label, shape (n_labels,).
    codes
        The labels, by number, shape (n_labels,), in the order in which they came.
    """
    order = np.argsort(groups, kind="stable")
    is_repeated = np.diff(groups[order]) == 0
    is_same = np.diff(codes[order]) == 0
    is_first = np.append(True, ~is_repeated)[: len(order)]
    is_last = np.append(~is_repeated, True)[: len(order)]
    return Repetitions(
        same=np.sort(order[1:][is_repeated & is_same]),
        other=np.sort(order[1:][is_repeated & ~is_same]),
        first=order[is_first],
        last=order[is_last],
    )
