"""Wait for the features, train, and put the model into the store."""

from __future__ import annotations

import logging
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import classification_model as cm
import typer

from data_science.model import RepeatPurchaseModel, digest_of, made_at, new_version
from data_science.programs import run_program
from data_science.training_lock import only_training
from data_science.waiting import GaveUpError, wait_for_features

if TYPE_CHECKING:
    import pandas as pd

#: Exit code when the deadline has passed.
EXIT_GAVE_UP = 3

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def train(
    store: Annotated[Path, typer.Option(envvar="MODEL_STORE", help="Model store to put the model into.")],
    wait: Annotated[
        float,
        typer.Option(
            envvar="WAIT_SECONDS", min=0, max=7 * 24 * 3600, help="Seconds within which feature_store must have rows."
        ),
    ] = 600,
) -> None:
    """Train on the table feature_store of DATABASE_URL, as ds_user, and make the model the store's current version.

    Exit code 0 when the model is in the store, 3 when the table was not there in time, 2 for any other error.
    """
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)
    table = wait_for_features(wait)
    typer.echo(f"{len(table)} customers in feature_store")
    typer.echo(train_and_store(table, cm.ModelStore(store)))


def train_and_store(table: pd.DataFrame, store: cm.ModelStore) -> str:
    """Train on a table, and promote the model; one that was trained on the same table before is not trained again.

    Returns
    -------
    str
        What was done, in a line or two.
    """
    digest = digest_of(table)
    with only_training(store):
        trained = [version for version in store.versions() if version.endswith(f".{digest}")]
        if trained:
            return _promote_if_interrupted(trained[-1], store)
        version = new_version(digest, datetime.now(UTC))
        model = RepeatPurchaseModel(version=version).fit_table(table)
        with tempfile.TemporaryDirectory() as folder:
            model.save(Path(folder) / version)
            store.add(Path(folder) / version, schema_change=False)
        store.promote(version)
    cm.set_champion(store)  # in MLflow, where MLFLOW_TRACKING_URI is set
    metrics = ", ".join(f"{name} {model.manifest.metrics[name].value:.3f}" for name in ("roc_auc", "accuracy"))
    return f"{model.manifest.estimator}: {metrics} on customers that it was not trained on\n{version} is current"


def _promote_if_interrupted(version: str, store: cm.ModelStore) -> str:
    """Promote a version that was added and never promoted, because the program was killed between the two.

    Such a version was made after the last promotion. One that was rolled back was made before the rollback, and stays
    as it is.
    """
    current = store.read_current()
    if current is None or (version != current.version and made_at(version) >= datetime.fromisoformat(current.promoted)):
        store.promote(version)
        cm.set_champion(store)
        return f"{version} was trained on the same table, and not promoted\n{version} is current"
    return f"nothing new: {version} was trained on the same table; current is {current.version}"


def run() -> None:
    """Run the program; an error is one line on standard error."""
    run_program(app, {GaveUpError: EXIT_GAVE_UP})


if __name__ == "__main__":
    run()
