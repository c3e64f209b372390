"""A first config for a table that nobody has described yet."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from typing import TYPE_CHECKING

from classification_model.config.complaints import nearest
from classification_model.errors import DataError
from classification_model.processing.inference import Inferred, infer_classes, infer_columns
from classification_model.processing.sources import format_of, parse_table, read_bytes, sniff_delimiter
from classification_model.schema import DEFAULT_MISSING_VALUES
from classification_model.values import read_category

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from classification_model.config.features import ColumnFeature

MOST_CLASSES = 50
_PLAIN = re.compile(r"[A-Za-z_][\w./+-]*(?: [\w./+-]+)*|\d+(?:\.\d+)?", re.ASCII)


def draft_config(source: str, target: str, folder: Path) -> str:
    """Draft a commented ``config.yml`` from a table.

    Parameters
    ----------
    source
        CSV, Parquet or JSON file.
    target
        Column to predict.
    folder
        Folder the config is meant for; a source that is a file is named relative to it.

    Raises
    ------
    DataError
        If the table cannot be read, lacks the target, or the target has too many values for classes.
    """
    content = read_bytes(source)
    delimiter = sniff_delimiter(content) if format_of(source) == "csv" else ","
    table = parse_table(content, source, delimiter=delimiter)
    if table.empty:
        msg = f"{source} has a header and no rows"
        raise DataError(msg)
    columns = [str(name) for name in table.columns]
    if target not in columns:
        msg = f"{source} has no column {target!r}, which --target names: expected {nearest(target, columns)}"
        raise DataError(msg)
    classes = infer_classes(table[target])
    if not 2 <= len(classes) <= MOST_CLASSES:
        msg = f"{source}: the target {target!r} has {len(classes)} distinct values, classes are 2 to {MOST_CLASSES}"
        raise DataError(msg)
    inferred = infer_columns(table[[name for name in columns if name != target]])
    named = source if "://" in source else os.path.relpath(source, folder)
    return "\n".join(
        [
            f"# Drafted from {len(table)} rows of {len(columns)} columns: read it, correct it, then train.",
            "",
            "app:",
            f"  name: {_scalar(target)}",
            "",
            *_data_section(named, target, delimiter, classes, inferred),
            "",
            *_features_section(inferred),
            "",
            *_training_section(table[target]),
            "",
            "# What the hold-out must reach for the model to be saved, such as",
            "# gates:",
            "#   roc_auc: 0.70",
            "",
        ]
    )


def _data_section(
    source: str, target: str, delimiter: str, classes: dict[str, str], inferred: list[Inferred]
) -> list[str]:
    lines = ["data:", f"  source: {_scalar(source)}"]
    if delimiter != ",":
        lines.append(f"  delimiter: {_scalar(delimiter)}")
    lines += [f"  target: {_scalar(target)}"]
    lines.append("  # Label of each value; of two classes the second is the positive one.")
    lines.append("  classes:")
    lines += [f"    {_scalar(value)}: {_scalar(label)}" for value, label in classes.items()]
    identifying = [column.name for column in inferred if column.identifies]
    if identifying:
        lines += ["  # Different in every row: it names rows, and tells the model nothing.", "  index: "]
        lines[-1] += _scalar(identifying[0])
    unused = [column for column in inferred if column.feature is None and column.name not in identifying[:1]]
    if unused:
        lines.append("  drop:")
        lines += [line for column in unused for line in (f"    # {column.reason}", f"    - {_scalar(column.name)}")]
    lines += [
        "  # Columns that are known only after the outcome belong here, or the model cheats:",
        "  # leakage:",
        "  #   - name",
    ]
    return lines


def _features_section(inferred: list[Inferred]) -> list[str]:
    lines = ["features:"]
    for column in inferred:
        if column.feature is not None:
            lines += [f"  # {_comment(column.reason)}", *_feature(column.name, column.feature)]
    if len(lines) == 1:
        msg = "no column can be learned from: every one is empty, the same in every row, or different in every row"
        raise DataError(msg)
    lines += [
        "  # Features may be derived from those above: pattern, contains, combine, sum, ratio, log, date_parts, as in",
        "  # title:",
        "  #   derive: pattern",
        "  #   from: name",
        r"  #   pattern: ',\s*([^.]+)\.'",
    ]
    return lines


def _feature(name: str, feature: ColumnFeature) -> list[str]:
    options = feature.model_dump(exclude_unset=True, exclude={"kind"})
    if not options:
        return [f"  {_scalar(name)}: {feature.kind}"]
    lines = [f"  {_scalar(name)}:", f"    kind: {feature.kind}"]
    for option, value in options.items():
        if isinstance(value, (list, tuple)):
            lines += [f"    {option}:", *(f"      - {_scalar(item)}" for item in value)]
        else:
            lines.append(f"    {option}: {_scalar(str(value))}")
    return lines


def _training_section(target: pd.Series) -> list[str]:
    marks = frozenset(DEFAULT_MISSING_VALUES)
    values = (read_category(value, marks) for value in target.tolist())
    smallest = min(Counter(value for value in values if value is not None).values())
    folds = max(2, min(5, smallest // 2))
    return [
        "training:",
        "  random_state: 0",
        "  # Candidates are compared by this: log_loss, roc_auc, average_precision, brier, accuracy or f1.",
        "  metric: log_loss",
        f"  folds: {folds}",
        "  split:",
        "    # random, or group or time with data.group or data.time",
        "    kind: random",
        "    holdout: 0.2",
        "  # No further setting is tried after this long.",
        "  budget_seconds: 60",
    ]


def _comment(text: str) -> str:
    return " ".join(text.split())


def _scalar(text: str) -> str:
    """Write a text as YAML: plain where that is safe, else between double quotes."""
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
