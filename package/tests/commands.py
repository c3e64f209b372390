"""The command line, run as if it were typed, and a small table for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from classification_model.runtime.model_folder.packaged import package_version

CONFIG = """app:
  name: Colours
data:
  source: table.csv
  target: y
training:
  folds: 3
  estimator: logistic_regression
  candidates:
    logistic_regression:
"""
#: How a line of progress begins.
STEP = "step: "
VERSION = package_version()
MODEL = f"models/classification_model_output_v{VERSION}"


@dataclass(frozen=True)
class Done:
    """How a command ended: its exit code, what it printed, and the steps that it named on standard error."""

    code: int
    out: str
    err: str
    steps: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, code: int, out: str, err: str) -> Done:
        """Tell the steps from the rest of standard error."""
        steps: list[str] = []
        rest: list[str] = []
        for line in err.splitlines(keepends=True):
            (steps if line.startswith(STEP) else rest).append(line)
        return cls(code, out, "".join(rest), tuple(line.removeprefix(STEP).rstrip() for line in steps))


Command = Callable[..., Done]


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which $MODEL stands for the real command."""
    return subprocess.run(
        ["bash", "-c", line],  # noqa: S607 - the shell that is there
        cwd=folder,
        env=os.environ | {"MODEL": f"{sys.executable} -m classification_model"},
        capture_output=True,
        text=True,
        check=False,
    )


def colours(rows: int = 120) -> pd.DataFrame:
    """Make a table that a linear model learns: a size, a shape, an order that is no feature, and a colour."""
    random = np.random.default_rng(5)
    colour = random.integers(2, size=rows)
    return pd.DataFrame(
        {
            "order": random.permutation(rows),
            "size": (random.normal(size=rows) + 2 * colour).round(3),
            "shape": random.choice(["disc", "cube"], rows),
            "y": np.where(colour, "red", "blue"),
        }
    )


def everything_below(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, hidden ones and all, by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def csv_with(**columns: Any) -> bytes:
    """Write the table with some columns replaced or added; None removes one."""
    table = colours().drop(columns="order")
    for name, values in columns.items():
        table = table.drop(columns=name) if values is None else table.assign(**{name: values})
    return table.to_csv(index=False).encode()
