"""Wait for the features, train, and put the model into the store."""

from __future__ import annotations

import logging
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import classification_model as cm
import typer

from data_science.model import RepeatPurchaseModel, digest_of, new_version
from data_science.waiting import GaveUpError, wait_for_features

if TYPE_CHECKING:
    import pandas as pd

#: Exit codes: an error, and a deadline that has passed.
EXIT_ERROR, EXIT_GAVE_UP = 2, 3

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
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # what it warns of is the reason of a wait
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
    known = store.versions() if (store.folder / "versions").exists() else []  # the first model makes the store
    same = next((version for version in known if version.endswith(f".{digest}")), None)
    if same is not None:
        if store.current() is None:  # the program was killed between the two
            store.promote(same)
        return f"nothing new: {same} was trained on the same table; current is {store.current()}"
    version = new_version(digest, datetime.now(UTC))
    model = RepeatPurchaseModel(version=version).fit_table(table)
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / version)
        store.add(Path(folder) / version, schema_change=False)
    store.promote(version)
    metrics = ", ".join(f"{name} {model.manifest.metrics[name].value:.3f}" for name in ("roc_auc", "accuracy"))
    return f"{model.manifest.estimator}: {metrics} on customers that it was not trained on\n{version} is current"


def run() -> None:
    """Run the program: an error is one line on standard error."""
    try:
        app()
    except GaveUpError as error:
        _end(error, EXIT_GAVE_UP)
    except cm.errors.ClassificationModelError as error:
        _end(error, EXIT_ERROR)


def _end(error: Exception, code: int) -> None:
    for line in str(error).splitlines():
        typer.echo(f"error: {line}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    run()
