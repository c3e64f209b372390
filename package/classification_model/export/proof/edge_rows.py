"""Generate rows of edge cases to verify a compiled model on, in addition to the training rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from classification_model.processing.fields import as_input
from classification_model.runtime.input.moments import MOMENTS
from classification_model.runtime.input.values import LARGEST_NUMBER, LONGEST_TEXT, UnreadableValue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from classification_model.runtime.input.schema import InputSchema, SchemaField

_SIGN = re.compile(r"[^\w\s]")
#: Texts that programs like to get wrong.
_TEXTS = (
    *(
        "",
        " ",
        "missing",
        "rare",
        "nan",
        "0",
        "1.0",
        "3.00",
        "-0.0",
        "1e5",
        "|",
        "1|1",
        "a|b|",
        ",",
        ".",
        ", .",
        "x, y. z",
    ),
    *(
        "\N{SNOWMAN}",
        "Ünïcödé, Ms. É",
        "\N{LATIN SMALL LETTER LONG S}ex",
        "\N{KELVIN SIGN}",
        "ﬁn",
        "İ",
        "ß",
        "日本語, 氏. 名",
    ),
    *(
        "e\N{COMBINING ACUTE ACCENT}",
        "\N{GRINNING FACE}",
        "\N{ZERO WIDTH SPACE}",
        "\N{NO-BREAK SPACE}x",
        "a\nb",
        "a\tb, c\n. d",
        "\r\n",
    ),
    *("\x01", "\x7f", "\u0661", "12 345 678", "'", '"', "\\", "A" * 1000, "é" * LONGEST_TEXT),
)


def edge_rows(
    features: pd.DataFrame,
    schema: InputSchema,
    thresholds: Mapping[str, NDArray[np.float64]],
    count: int,
    random_state: int,
) -> list[dict[str, Any]]:
    """Make rows of training values in new combinations, up to half of whose values are replaced by edges.

    The first rows have one edge each: every field is missing once, then absent where it may be; with more fields than a
    quarter of the rows, several fields at once. Edges of numbers are
    zero, the ends of the training range and of what can be read, and the thresholds where a tree turns, each with its
    neighbours in double and in single precision; edges of texts are unseen, empty, foreign, long and torn ones.

    Parameters
    ----------
    features
        Training rows, as `processing.rows.Rows.features`.
    schema
        Their schema.
    thresholds
        For fields that reach a tree as they are, where trees turn, in the field's own unit.
    count
        Number of rows.
    random_state
        Seed.

    Returns
    -------
    list of dict
        As a caller may send them: moments are written as texts, missing values are None.
    """
    draw = np.random.default_rng(random_state)
    values = {field.name: as_sent(field, features[field.name].tolist()) for field in schema.fields}
    edges = {
        field.name: _edges(field, values[field.name], thresholds.get(field.name, np.empty(0)))
        for field in schema.fields
    }
    names = list(values)
    rows: list[dict[str, Any]] = []
    together = -(-len(names) // max(count // 4, 1))
    groups = [schema.fields[start : start + together] for start in range(0, len(names), together)]
    for number in range(count):
        drawn = draw.integers(len(features), size=len(names)).tolist()
        row = {name: values[name][place] for name, place in zip(names, drawn, strict=True)}
        absent = groups[number - len(groups)] if len(groups) <= number < 2 * len(groups) else ()
        if number < len(groups):
            row |= dict.fromkeys((field.name for field in groups[number]), None)
        elif any(field.nullable for field in absent):
            for field in absent:
                if field.nullable:
                    del row[field.name]
        else:
            chosen = draw.permutation(len(names))[: draw.integers(1, len(names) // 2 + 2)].tolist()
            for place, share in zip(chosen, draw.random(len(chosen)).tolist(), strict=True):
                choices = edges[names[place]]
                row[names[place]] = choices[int(share * len(choices))]
        rows.append(row)
    return rows


def _edges(field: SchemaField, values: Sequence[Any], thresholds: NDArray[np.float64]) -> list[Any]:
    if field.kind == "boolean":
        return [None, True, False]
    if field.kind in {"categorical", "text"}:
        known = [value for value in dict.fromkeys(values) if value is not None][:500]
        torn = [part for value in known for part in _tear(value)]
        return [None, None, *(text[: field.longest_text] for text in (*_TEXTS, *torn))]
    low, high = field.minimum or 0.0, field.maximum or 0.0
    limits = MOMENTS if field.kind == "datetime" else (-LARGEST_NUMBER, LARGEST_NUMBER)
    centres = np.unique(np.concatenate([[0.0, -1.0, 1.0, low, high, (low + high) / 2, *limits], thresholds]))
    single = centres.astype(np.float32)
    around = [centres, np.nextafter(centres, -np.inf), np.nextafter(centres, np.inf)]
    around += [np.nextafter(single, np.float32(side)).astype(np.float64) for side in (-np.inf, np.inf)]
    numbers = np.unique(np.clip(np.concatenate([*around, single.astype(np.float64)]), *limits))
    return [None, *(value for value in as_sent(field, numbers.tolist()) if _can_be_read(field, value))]


def _can_be_read(field: SchemaField, value: Any) -> bool:
    """Tell whether a field's readers take a value; not every format of dates can write the first year."""
    try:
        field.reader()(value)
    except UnreadableValue:
        return False
    return True


def _tear(text: str) -> tuple[str, ...]:
    """Return texts that are nearly the same, the last of them with white space before every sign."""
    spaced = _SIGN.sub("\N{EM SPACE} \t\\g<0>", text)
    return text[1:], text[:-1], text.swapcase(), f"{text} ", f"x{text}", spaced


def as_sent(field: SchemaField, values: Sequence[Any]) -> list[Any]:
    """Turn prepared values into those a caller may send."""
    return [as_input(value, field) for value in values]
