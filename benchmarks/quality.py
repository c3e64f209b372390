"""How good the Titanic model is, by cross-validation of the whole training: ``make bench-quality``.

In every fold the problem is trained from the fold's rows alone, as ``classification-model train`` would: candidates
compared and tuned by inner folds, the winner refitted. The fold's other rows are a validation table that nothing
learns from. Printed for several seeds of StratifiedKFold(5, shuffle=True), so that fitting one seed's folds would
show, and with folds that keep each ticket's passengers together, which is stricter: nobody's companions are known.
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from classification_model.config.core import Config, load_config
from classification_model.evaluation.metrics import score
from classification_model.processing.data_manager import DataLoader
from classification_model.training.fit_winner import fit_pipeline, predict_holdout
from classification_model.training.model_selection import select_model

FOLDS = 5
GOAL = {"roc_auc": 0.885, "log_loss": 0.395}


@dataclass(frozen=True)
class Fold:
    """What training on one fold gave: the metrics on its other rows, the estimator, the seconds it took."""

    roc_auc: float
    log_loss: float
    estimator: str
    seconds: float


def run_fold(config: Config, train: pd.DataFrame, test: pd.DataFrame, folder: Path) -> Fold:
    """Train on some rows of the table, as they stand in its file, and judge on others."""
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    sources = {"source": "train.csv", "validation_source": "test.csv"}
    here = config.model_copy(update={"data": config.data.model_copy(update=sources)}).at(folder)
    started = time.perf_counter()
    data = DataLoader(here).load()
    winner = select_model(data).winner
    pipeline = fit_pipeline(data, winner.candidate, winner.setting)
    metrics = score(predict_holdout(pipeline, data, 0.5))
    return Fold(metrics["roc_auc"], metrics["log_loss"], winner.candidate, time.perf_counter() - started)


def run_seed(config: Config, table: pd.DataFrame, seed: int, *, grouped: bool) -> list[Fold]:
    """Train and judge on every fold of one seed."""
    with tempfile.TemporaryDirectory() as folder:
        return [
            run_fold(config, table.iloc[train], table.iloc[test], Path(folder))
            for train, test in split(config, table, seed, grouped=grouped)
        ]


def split(
    config: Config, table: pd.DataFrame, seed: int, *, grouped: bool
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Draw the folds of one seed, stratified by class; optionally no group stands in two of them."""
    kind = StratifiedGroupKFold if grouped else StratifiedKFold
    groups = table[config.data.group] if grouped else None
    yield from kind(FOLDS, shuffle=True, random_state=seed).split(table, table[config.data.target], groups)


def print_row(name: str, folds: list[Fold]) -> None:
    """Print the means over folds of one seed."""
    roc_auc, log_loss, seconds = np.mean([(fold.roc_auc, fold.log_loss, fold.seconds) for fold in folds], axis=0)
    counts = Counter(fold.estimator for fold in folds).most_common()
    chosen = ", ".join(f"{count} {estimator}" for estimator, count in counts)
    print(f"{name:<12} {roc_auc:>8.4f} {log_loss:>9.4f} {seconds:>11.1f}   {chosen}", flush=True)


def main() -> None:
    """Print a table: one line a seed, their mean, and the stricter figure."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="seeds of random folds, from 0 (default 3)")
    parser.add_argument("--grouped-seeds", type=int, default=1, help="seeds of folds grouped by ticket (default 1)")
    arguments = parser.parse_args()
    config = load_config()
    table = pd.read_csv(config.folder / config.data.source, dtype=str, keep_default_na=False)
    print(f"{'folds':<12} {'ROC AUC':>8} {'log loss':>9} {'s a fold':>11}   chosen")
    every: list[Fold] = []
    for seed in range(arguments.seeds):
        folds = run_seed(config, table, seed, grouped=False)
        print_row(f"seed {seed}", folds)
        every += folds
    print_row("mean", every)
    strict = [fold for seed in range(arguments.grouped_seeds) for fold in run_seed(config, table, seed, grouped=True)]
    print_row("by ticket", strict)
    print(f"{'goal':<12} {GOAL['roc_auc']:>8} {GOAL['log_loss']:>9} {10:>11}   mean over the random folds")


if __name__ == "__main__":
    main()
