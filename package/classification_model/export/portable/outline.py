"""Choose which columns the portable graph takes as input, and which it derives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from classification_model.export.derivations import gives_text
from classification_model.export.portable.matching import Checks, Split, plan_matching
from classification_model.export.portable.shapes import UntranslatableError
from classification_model.export.portable.texts import BAR, pieces_of

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from classification_model.export.convert_pipeline import Converted
    from classification_model.runtime.inference.derivations import Derivation
    from classification_model.runtime.input.schema import InputSchema

#: Derivations that read or write texts, or take a logarithm; the others are plain arithmetic.
DELICATE = frozenset({"pattern", "contains", "combine", "log"})
#: A pattern that needs a check for each answer is only translated where so few answers matter.
MOST_CHECKS = 256
#: A combination of so many pieces at most is taken apart in all ways.
MOST_BARS = 30


@dataclass(frozen=True)
class Ability:
    """What the graph can tell of a column.

    Attributes
    ----------
    is_text
        Whether it holds texts, not numbers.
    is_exact
        Whether every text is told, and not only which of the known ones it is.
    values
        All numbers that it may hold beside missing ones; None when there are many.
    """

    is_text: bool
    is_exact: bool = True
    values: tuple[float, ...] | None = None


@dataclass
class Outline:
    """What the portable graph takes and does.

    Attributes
    ----------
    inputs
        Its inputs in order: raw columns, then derived ones.
    reasons
        For each derived column that is an input, why the graph does not derive it.
    derived
        Derivations that the graph computes, in order.
    known
        For each column whose texts matter, those that are told from others; None where all are.
    abilities
        What the graph can tell of each column.
    matching
        For each column that a pattern finds, how.
    """

    inputs: list[str] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    derived: list[Derivation] = field(default_factory=list)
    known: dict[str, frozenset[str] | None] = field(default_factory=dict)
    abilities: dict[str, Ability] = field(default_factory=dict)
    matching: dict[str, Split | Checks] = field(default_factory=dict)


def draw_outline(schema: InputSchema, converted: Converted, refused: AbstractSet[str]) -> Outline:
    """Decide what the graph derives: whatever it can exactly, and only what something needs.

    Parameters
    ----------
    schema
        The raw columns.
    converted
        The pipeline, whose plan is to be translated.
    refused
        Kinds of derivations that are not to be translated.
    """
    outline = Outline()
    for raw in schema.fields:
        values = (0.0, 1.0) if raw.kind == "boolean" else None
        outline.abilities[raw.name] = Ability(raw.name in schema.texts, values=values)
    obstacles = [_look_ahead(outline, item, refused) for item in converted.plan]
    outline.known = dict.fromkeys(converted.numbers)
    outline.known |= {name: frozenset(known) for name, known in converted.categories.items()}
    derived_inputs: list[str] = []
    for item, obstacle in reversed(list(zip(converted.plan, obstacles, strict=True))):
        needed = [name for name in item.outputs if name in outline.known]
        if not needed:
            continue
        reason = obstacle or _too_much(outline, item)
        if reason:
            derived_inputs[:0] = needed
            outline.reasons |= dict.fromkeys(needed, f"{item.derive} of {', '.join(item.sources)}: {reason}")
            continue
        outline.derived.insert(0, item)
        for source in item.sources:
            _need(outline, source, item)
    outline.inputs = [*(raw.name for raw in schema.fields if raw.name in outline.known), *derived_inputs]
    return outline


def _look_ahead(outline: Outline, item: Derivation, refused: AbstractSet[str]) -> str | None:
    """Say why a derivation cannot be translated, None when it can, and note what can be told of what it gives."""
    sources = [outline.abilities[name] for name in item.sources]
    reason = None
    if item.derive in refused:
        reason = "its translation gave another result"
    elif item.derive in {"pattern", "contains"} and not sources[0].is_exact:
        reason = "its source is only known for the texts of training"
    elif item.derive == "pattern" and item.as_number:
        reason = "ONNX does not read numbers from texts exactly"
    elif item.derive == "pattern":
        try:
            outline.matching[item.outputs[0]] = plan_matching(item.pattern)
        except UntranslatableError as error:
            reason = str(error)
    ability = Ability(gives_text(item), values=(0.0, 1.0) if item.derive == "contains" else None)
    if reason is None and item.derive == "combine":
        ability = Ability(is_text=True, is_exact=all(_is_told(source) for source in sources))
    elif reason is None and item.derive == "pattern":
        matching = outline.matching[item.outputs[0]]
        ability = Ability(is_text=True, is_exact=isinstance(matching, Split) or matching.every_text is not None)
    outline.abilities |= dict.fromkeys(item.outputs, ability)
    return reason


def _is_told(ability: Ability) -> bool:
    return ability.is_exact if ability.is_text else ability.values is not None


def _too_much(outline: Outline, item: Derivation) -> str | None:
    """Say why a translation would be too large, None when it is not."""
    known = outline.known[item.outputs[0]] or frozenset()
    if item.derive == "combine" and any(text.count(BAR) > MOST_BARS for text in known):
        return f"a known combination has more than {MOST_BARS} bars"
    matching = outline.matching.get(item.outputs[0])
    if not isinstance(matching, Checks) or matching.every_text is not None:
        return None
    count = len(matching.possible(known))
    return f"it would need {count} checks" if count > MOST_CHECKS else None


def _need(outline: Outline, source: str, item: Derivation) -> None:
    """Note which texts of a source matter to a derivation."""
    wanted: frozenset[str] | None = None
    known = outline.known[item.outputs[0]]
    if item.derive == "combine" and known is not None:
        wanted = frozenset(pieces_of(known))
    before = outline.known.get(source, frozenset())
    outline.known[source] = None if wanted is None or before is None else before | wanted
