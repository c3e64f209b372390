"""The texts that are searched for patterns and words, and their maximum lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from classification_model.config.features import (
    ColumnFeature,
    CombineFeature,
    ContainsFeature,
    PatternFeature,
    used_features,
)
from classification_model.runtime.inference.derivations import Derivation
from classification_model.runtime.input.values import LONGEST_TEXT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from classification_model.config.features import Feature
    from classification_model.config.sections import Config

#: Characters of a number that is spelled as a category, such as -2.2250738585072014e-308.
LONGEST_NUMBER = 24


class Search(NamedTuple):
    """A pattern, and the texts in which it is sought.

    Attributes
    ----------
    place
        Where it stands, for errors.
    pattern
        A regular expression as in `re`.
    longest
        Most characters of a text in which it is sought.
    """

    place: str
    pattern: str
    longest: int


def text_derivations(features: Mapping[str, Feature]) -> list[Derivation]:
    """Return what the features that enter the model, or feed one that does, derive from texts, in order."""
    plan = []
    for name, feature in used_features(features).items():
        match feature:
            case PatternFeature():
                parameters = {"pattern": feature.pattern, "as_number": feature.kind == "numeric"}
            case ContainsFeature():
                parameters = {"words": feature.words}
            case CombineFeature():
                parameters = {}
            case _:
                continue
        plan.append(Derivation(derive=feature.derive, sources=feature.sources, outputs=(name,), **parameters))
    return plan


def searched_columns(plan: Iterable[Derivation]) -> frozenset[str]:
    """Return the columns in whose texts patterns or words are sought, directly or through combinations."""
    searched: set[str] = set()
    for item in reversed(tuple(plan)):
        is_searched = item.derive == "combine" and not searched.isdisjoint(item.outputs)
        if is_searched or item.derive in {"pattern", "contains"}:
            searched.update(item.sources)
    return frozenset(searched)


def longest_texts(config: Config) -> dict[str, int]:
    """Return for each column the most characters of its texts; see `SchemaField.longest_text`."""
    searched = searched_columns(text_derivations(config.features))
    return {
        name: LONGEST_TEXT if feature.kind == "categorical" and name not in searched else config.data.longest_text
        for name, feature in config.features.items()
        if isinstance(feature, ColumnFeature)
    }


def searches_of(config: Config) -> list[Search]:
    """Return the patterns of a problem."""
    texts = {
        name: longest
        for name, longest in longest_texts(config).items()
        if config.features[name].kind in {"categorical", "text"}
    }
    return searches(text_derivations(config.features), texts, "features.{}.pattern")


def searches(plan: Iterable[Derivation], texts: Mapping[str, int], place: str) -> list[Search]:
    """Return each pattern of a plan with the length of the longest text that a row can make it read.

    Parameters
    ----------
    plan
        What is derived, in order.
    texts
        Raw columns of texts, with the most characters that one may have.
    place
        Where a pattern stands, with ``{}`` for the column that comes of it.
    """
    longest = dict(texts)
    found = []
    for item in plan:
        lengths = [longest.get(name, LONGEST_NUMBER) for name in item.sources]
        if item.derive == "combine":
            longest.update(dict.fromkeys(item.outputs, sum(lengths) + len(lengths) - 1))
        elif item.derive == "pattern":
            # With several columns, each has an output of its own.
            for output, length in zip(item.outputs, lengths, strict=True):
                found.append(Search(place.format(output), item.pattern, length))
                if not item.as_number:
                    longest[output] = length
    return found
