"""The steps of a pipeline that append derived features, one for each feature of the config."""

from __future__ import annotations

import re
from typing import Any

from sklearn.base import TransformerMixin

from classification_model.config.features import (
    ColumnFeature,
    CombineFeature,
    ContainsFeature,
    DatePartsFeature,
    LogFeature,
    PatternFeature,
    RatioFeature,
    SumFeature,
)
from classification_model.config.sections import Config
from classification_model.processing.features.dates import DateParts
from classification_model.processing.features.numbers import LogOnePlus, Ratio, Sum
from classification_model.processing.features.text import Combine, TextContains, TextPattern

Steps = list[tuple[str, TransformerMixin]]


def build_derivations(config: Config) -> Steps:
    """Build the steps that append derived features and parts of dates to the raw features."""
    parts = date_parts(config)
    derived = [(name, item) for name, item in config.features.items() if name in parts or item.sources]
    derived.sort(key=lambda pair: isinstance(pair[1], ColumnFeature))
    return [
        (re.sub("_+", "_", f"derive_{number}_{name}"), _derivation(name, item, parts.get(name, (name, []))[0]))
        for number, (name, item) in enumerate(derived)
    ]


def _derivation(name: str, feature: Any, beginning: str) -> TransformerMixin:
    sources = list(feature.sources)
    match feature:
        case PatternFeature():
            return TextPattern(sources, name, pattern=feature.pattern, as_number=feature.kind == "numeric")
        case ContainsFeature():
            return TextContains(sources, name, words=list(feature.words))
        case CombineFeature():
            return Combine(sources, name)
        case SumFeature():
            return Sum(sources, name, plus=feature.plus)
        case RatioFeature():
            return Ratio(sources, name)
        case LogFeature():
            return LogOnePlus(sources, name)
        case _:
            return DateParts(sources or [name], beginning, parts=list(feature.parts))


def date_parts(config: Config) -> dict[str, tuple[str, list[str]]]:
    """Give for each date what the names of its parts begin with, its own name where that is free, and the names."""
    taken = set(config.features)
    parts = {}
    for name, feature in config.features.items():
        if isinstance(feature, DatePartsFeature) or (isinstance(feature, ColumnFeature) and feature.kind == "datetime"):
            beginning = name
            while taken & {f"{beginning}_{part}" for part in feature.parts}:
                beginning += "_"
            parts[name] = beginning, [f"{beginning}_{part}" for part in feature.parts]
            taken |= set(parts[name][1])
    return parts
