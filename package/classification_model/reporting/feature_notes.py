"""Describe the features of a config: kinds, gaps, and what stands in for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from classification_model.config.features import ColumnFeature, used_features
from classification_model.pipeline import MISSING_CATEGORY, RARE_CATEGORY

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from classification_model.config.features import DerivedFeature, Feature


@dataclass(frozen=True)
class FeatureNote:
    """A row of the report's table of features: kind, share of missing values, and their handling."""

    name: str
    kind: str
    missing: str
    handling: str


def feature_notes(features: Mapping[str, Feature], frame: pd.DataFrame) -> list[FeatureNote]:
    """Describe each feature: its kind, its share of missing values, and their handling.

    Parameters
    ----------
    features
        The features of a config that names them all, such as ``config`` of `TrainingData`.
    frame
        Rows, as `processing.rows.Rows.features`, in which missing values are counted.
    """
    used = used_features(features)
    notes = []
    for name, feature in features.items():
        gaps = f"{frame[name].isna().mean():.1%}" if name in frame.columns else "derived" if feature.sources else ""
        notes.append(FeatureNote(name, _kind(feature), gaps, _handling(feature, used) if name in used else "not used"))
    return notes


def _kind(feature: ColumnFeature | DerivedFeature) -> str:
    if isinstance(feature, ColumnFeature):
        return feature.kind
    return f"{feature.kind}, {feature.derive.replace('_', ' ')} of {', '.join(feature.sources)}"


def _handling(feature: ColumnFeature | DerivedFeature, features: dict[str, Any]) -> str:
    if getattr(feature, "encode", "") == "none" or feature.kind == "text":
        users = [name for name, other in features.items() if _feeds(feature, other, features)]
        return f"passed on to {', '.join(users)}, derived from it"
    if feature.kind != "categorical":
        fill = getattr(feature, "impute", "median")
        fill = f"the training {fill}" if isinstance(fill, str) else f"{fill:g}"
        return f"{fill}, with an indicator if values were missing in training"
    unseen = f"counts as {RARE_CATEGORY!r}"
    if feature.encode == "target":
        unseen = "gets the rate of all rows"
    return (
        f"the category {MISSING_CATEGORY!r} if values were missing in training, else like an unseen category; "
        f"an unseen category {unseen}"
    )


def _feeds(feature: Any, other: Any, features: dict[str, Any]) -> bool:
    return any(features[source] is feature for source in other.sources)
