"""Names in a config that must mean something elsewhere in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classification_model.config.complaints import Complaint, nearest
from classification_model.config.features import SOURCE_RULES, ColumnFeature

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classification_model.config.sections import Config


def check_references(config: Config) -> list[Complaint]:
    """Return what contradicts itself in a config whose values are all well-formed."""
    return [*_columns(config), *_sources(config), *_training(config)]


def _columns(config: Config) -> Iterator[Complaint]:
    data = config.data
    roles = set(data.roles)
    for name, feature in config.features.items():
        if isinstance(feature, ColumnFeature) and name in roles:
            yield Complaint(("features", name), "a column that is not target, index, weight, drop or leakage", name)
    for section in ("drop", "leakage"):
        for position, name in enumerate(getattr(data, section)):
            if name == data.target:
                yield Complaint(("data", section, position), "a column that is not the target", repr(name))
    renamed = list(data.rename.values())
    for old, new in data.rename.items():
        if renamed.count(new) > 1:
            yield Complaint(("data", "rename", old), "a new name for each column", repr(new))
    if len(data.classes) == 1:
        yield Complaint(("data", "classes"), "two classes or more", "one")
    labels = list(data.classes.values())
    for value, label in data.classes.items():
        if labels.count(label) > 1:
            yield Complaint(("data", "classes", value), "a label of its own", repr(label))


def _sources(config: Config) -> Iterator[Complaint]:
    above: dict[str, str] = {}
    for name, feature in config.features.items():
        if not isinstance(feature, ColumnFeature):
            least, most, kinds = SOURCE_RULES[feature.derive]
            place = ("features", name, "from")
            if not least <= len(feature.sources) <= most:
                count = f"{least}" if least == most else f"{least} or more"
                yield Complaint(place, f"{count} feature(s)", str(len(feature.sources)))
            for source in feature.sources:
                if source not in above:
                    yield Complaint(place, f"a feature that stands above: {nearest(source, above)}", repr(source))
                elif above[source] not in kinds:
                    yield Complaint(place, f"a source of kind {' or '.join(kinds)}", f"{source!r}, {above[source]}")
        above[name] = feature.kind


def _training(config: Config) -> Iterator[Complaint]:
    data, training = config.data, config.training
    for kind in ("group", "time"):
        if training.split.kind == kind and getattr(data, kind) is None:
            yield Complaint(("training", "split", "kind"), f"data.{kind} to name the column to split by", "none")
    single = [name for name in training.candidates if name != "average"]
    if "average" in training.candidates and len(single) < 2:
        yield Complaint(("training", "candidates", "average"), "two other candidates or more", str(len(single)))
    if training.estimator == "average" and "average" not in training.candidates:
        yield Complaint(("training", "estimator"), "'average' among training.candidates", "no such candidate")
    if isinstance(training.class_weights, dict) and data.classes:
        labels = list(data.classes.values())
        for label, weight in training.class_weights.items():
            place = ("training", "class_weights", label)
            if label not in labels:
                yield Complaint(place, nearest(label, labels), "an unknown label")
            elif weight <= 0:
                yield Complaint(place, "a number above 0", str(weight))
    if isinstance(training.threshold, float) and not 0 < training.threshold < 1:
        yield Complaint(("training", "threshold"), "a number between 0 and 1", str(training.threshold))
    if data.classes and len(data.classes) > 2 and training.threshold != 0.5:
        yield Complaint(("training", "threshold"), "two classes", str(len(data.classes)))
