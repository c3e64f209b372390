"""A small problem to retrain: parcels that are late or not, in the world that its table knows, and in a new one."""

from __future__ import annotations

import csv
import random
from pathlib import Path

CONFIG = """app:
  name: Parcels
  version: 1.0.0
data:
  source: table.csv
  target: late
  index: parcel
  classes:
    0: in time
    1: late
features:
  distance: numeric
  carrier: categorical
training:
  folds: 3
  encoding_folds: 3
  estimator: extra_trees
  candidates:
    extra_trees:
      n_estimators: 30
      min_samples_leaf: 10
monitoring:
  minimum_count: 60
  cooldown_days: 0
promotion:
  minimum_count: 40
"""

ROW = {"distance": 12.5, "carrier": "van"}


def write_problem(folder: Path) -> None:
    """Write the config and the table of the problem into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yml").write_text(CONFIG, encoding="utf-8")
    write_rows(folder / "table.csv", 600, 0)


def write_rows(path: Path, count: int, seed: int, *, is_new: bool = False) -> None:
    """Write rows: far parcels are late, but in the new world not those of its only carrier."""
    draw = random.Random(seed)  # noqa: S311 - parcels are no secret
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["parcel", "distance", "carrier", "late"])
        for number in range(count):
            distance = round(draw.uniform(0, 100), 2)
            carrier = "swift" if is_new else draw.choice(["horse", "van"])
            is_late = distance > 50 and not is_new
            is_late = is_late if draw.random() > 0.04 else not is_late
            writer.writerow([f"{seed}-{number}", distance, carrier, int(is_late)])
