"""Check a config across its keys: names that must exist elsewhere in it, and options that must fit each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classification_model.config.complaints import Complaint, nearest
from classification_model.config.features import OPTION_KINDS, SOURCE_RULES, ColumnFeature, DatePartsFeature
from classification_model.runtime.input.values import NO_MARKS, UnreadableValue, read_number, without_fraction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classification_model.config.sections import Config

#: Metrics that are a share or an area, and cannot be above 1.
_SHARES = {"roc_auc", "average_precision", "accuracy", "f1"}


def bin_names(count: int) -> dict[str, str]:
    """Return the labels of the bins of a target that ``data.classes`` leaves out, by their numbers as its keys."""
    return {str(number): f"bin {number}" for number in range(1, count + 1)}


def check_references(config: Config) -> list[Complaint]:
    """Return the contradictions in a config whose values are all well-formed."""
    return [*_columns(config), *_classes(config), *_options(config), *_sources(config), *_training(config)]


def _columns(config: Config) -> Iterator[Complaint]:
    data = config.data
    for name, feature in config.features.items():
        if isinstance(feature, ColumnFeature) and name in data.roles:
            expected = "a column that is not target, index, weight, drop or leakage"
            yield Complaint(("features", name), expected, repr(name))
    for role in ("index", "group", "time", "weight"):
        if getattr(data, role) == data.target:
            yield Complaint(("data", role), "a column that is not the target", repr(data.target))
    for section in ("drop", "leakage"):
        for position, name in enumerate(getattr(data, section)):
            if name == data.target:
                yield Complaint(("data", section, position), "a column that is not the target", repr(name))
    renamed = list(data.rename.values())
    for old, new in data.rename.items():
        if renamed.count(new) > 1:
            yield Complaint(("data", "rename", old), "a new name for each column", repr(new))


def _classes(config: Config) -> Iterator[Complaint]:
    classes, bins = config.data.classes, config.data.target_bins
    if classes and bins is not None and list(classes) != list(bin_names(bins)):
        expected = f"a label for each of the bins 1 to {bins}, the lowest first"
        yield Complaint(("data", "classes"), expected, ", ".join(classes))
    elif classes and len(config.data.labels) == 1:
        yield Complaint(("data", "classes"), "two classes or more", "one")
    labels = list(classes.values())
    alike: dict[str, tuple[str, str]] = {}
    for value, label in classes.items():
        if bins is not None and _is_number(label):
            expected = "a label that cannot be read as a number, as a number in a table of labels is one of the target"
            yield Complaint(("data", "classes", value), expected, repr(label))
        if bins is not None and labels.count(label) > 1:
            yield Complaint(("data", "classes", value), "a label of its own", repr(label))
        first = alike.setdefault(without_fraction(value.strip()), (value, label))
        if first[1] != label:
            expected = f"the label {first[1]!r}, as {first[0]} and {value} are one value"
            yield Complaint(("data", "classes", value), expected, repr(label))
        if bins is None and classes.get(label, label) != label:
            expected = "a label that is not another value of the target, as a value in a table of labels is one, too"
            yield Complaint(("data", "classes", value), expected, repr(label))
    if config.data.other_classes == "drop" and (bins is not None or not classes):
        found = "data.target_bins" if bins is not None else "no data.classes"
        yield Complaint(("data", "other_classes"), "data.classes, which lists the values whose rows stay", found)


def _is_number(label: str) -> bool:
    try:
        return read_number(label, NO_MARKS) is not None
    except UnreadableValue:
        return False


def _signs_are_one(decimal: str | None, thousands: str | None) -> bool:
    return (decimal or ".") == thousands


def _options(config: Config) -> Iterator[Complaint]:
    if _signs_are_one(config.data.decimal, config.data.thousands):
        yield Complaint(("data", "thousands"), "another sign than the decimal one", "the same")
    for name, feature in config.features.items():
        if not isinstance(feature, ColumnFeature):
            continue
        for option, kind in OPTION_KINDS.items():
            for_all = option == "encode" and feature.encode == "none"
            if option in feature.model_fields_set and feature.kind != kind and not for_all:
                yield Complaint(("features", name, option), f"this key under kind {kind} only", f"kind {feature.kind}")
        if _signs_are_one(feature.decimal or config.data.decimal, feature.thousands):
            yield Complaint(("features", name, "thousands"), "another sign than the decimal one", "the same")


def _sources(config: Config) -> Iterator[Complaint]:
    above: dict[str, str] = {}
    for name, feature in config.features.items():
        if not isinstance(feature, ColumnFeature):
            least, most, kinds = SOURCE_RULES[feature.derive]
            place = ("features", name, "from")
            if not least <= len(feature.sources) <= most:
                count = f"{least}" if least == most else f"{least} to {most}"
                yield Complaint(place, f"{count} feature(s)", str(len(feature.sources)))
            for source in feature.sources:
                if source not in above:
                    expected = "a feature above this one" + (f", {nearest(source, above)}" if above else "")
                    below = ", which is below" if source in config.features and source != name else ""
                    yield Complaint(place, expected, f"{source!r}{below}")
                elif isinstance(config.features[source], DatePartsFeature):
                    yield Complaint(
                        place, "a column, or a feature of one value", f"{source!r}, which has a value for each part"
                    )
                elif above[source] not in kinds:
                    found = f"{source!r} of kind {above[source]}"
                    yield Complaint(place, f"a source of kind {' or '.join(kinds)}", found)
        above[name] = feature.kind


def _training(config: Config) -> Iterator[Complaint]:
    data, training = config.data, config.training
    for kind in ("group", "time"):
        if training.split.kind == kind and getattr(data, kind) is None:
            yield Complaint(("training", "split", "kind"), f"data.{kind}, the column to split by", "no such key")
    single = [name for name in training.candidates if name != "average"]
    if "average" in training.candidates and len(single) < 2:
        yield Complaint(("training", "candidates", "average"), "two other candidates or more", str(len(single)))
    for parameter in training.candidates.get("average", {}):
        yield Complaint(("training", "candidates", "average", parameter), "no parameters for average", "one")
    if training.estimator == "average" and training.candidates and "average" not in training.candidates:
        yield Complaint(("training", "estimator"), "'average' in training.candidates", "no such candidate")
    if isinstance(training.class_weights, dict):
        yield from _class_weights(training.class_weights, list(data.labels))
    if isinstance(training.threshold, float) and not 0 < training.threshold < 1:
        yield Complaint(("training", "threshold"), "a number between 0 and 1", f"{training.threshold:g}")
    if len(data.labels) > 2 and training.threshold != 0.5:
        found = f"{len(data.labels)} classes"
        yield Complaint(("training", "threshold"), "this key for two classes only", found)
    for metric, limit in config.gates.items():
        if metric in _SHARES and limit > 1:
            yield Complaint(("gates", metric), "a number at most 1", f"{limit:g}")


def _class_weights(weights: dict[str, float], labels: list[str]) -> Iterator[Complaint]:
    for label, weight in weights.items():
        place = ("training", "class_weights", label)
        if labels and label not in labels:
            yield Complaint(place, nearest(label, labels), "an unknown label")
        elif weight <= 0:
            yield Complaint(place, "a number above 0", f"{weight:g}")
