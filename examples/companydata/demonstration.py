"""The whole example, step by step: database, ETL, training, serving, labels, predictions in the database."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import classification_model as cm
import pandas as pd

from data_science.connections import table_url
from data_science.fetch_data import fetch_feature_store
from local_postgres import local_postgres
from serving import ask, command, served

HERE = Path(__file__).resolve().parent
FEATURES = ("recency_days", "frequency", "monetary", "tenure_days")


class StepError(Exception):
    """A step failed, and printed its reason."""


def step(title: str) -> None:
    """Begin a step."""
    print(f"\n== {title}", flush=True)


def run(*program: str, **variables: str) -> None:
    """Run a program and show what it prints.

    Raises
    ------
    StepError
        If it fails.
    """
    print(f"$ {shlex.join([Path(program[0]).name, *program[1:]])}", flush=True)
    done = subprocess.run(program, cwd=HERE, env=os.environ | variables, check=False)
    if done.returncode:
        msg = f"exit code {done.returncode} of {Path(program[0]).name}"
        raise StepError(msg)


def inputs_of(customers: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of customers as the API takes them."""
    rows = customers[list(FEATURES)].astype(object)
    return [dict(zip(FEATURES, row, strict=True)) for row in rows.where(rows.notna(), None).itertuples(index=False)]


def demonstrate(folder: Path) -> None:
    """Run all steps on the PostgreSQL of ``DATABASE_URL``; store and log are in a folder."""
    store, log = folder / "store", folder / "log"
    step("the database: four roles, their tables and privileges (twice: the second run changes nothing)")
    for _ in range(2):
        run(sys.executable, "-m", "data_engineering.make_database")
    step("de_user loads two years of sales and builds the features; ten days later, only what is new")
    run(sys.executable, "-m", "data_engineering.etl")
    run(sys.executable, "-m", "data_engineering.etl", "--days", "740")
    step("ds_user waits for feature_store, trains, and puts the model into the store")
    run(sys.executable, "-m", "data_science.main", "--store", str(store), "--wait", "60")
    step("the API serves the store's current version")
    customer = fetch_feature_store().dropna().sample(1, random_state=0)
    key = str(customer["prediction_key"].iloc[0])
    with served(store, log) as port:
        body = {"inputs": inputs_of(customer), "index": [key]}
        print(f"POST /predict {body}")
        status, answer = ask(port, "POST", "/predict", body)
        if status != 200:
            msg = f"the API answered {status}: {answer}"
            raise StepError(msg)
        print(f"customer {key} {answer['predictions'][0]}: {answer['probabilities'][0]}")
    step("app_user joins what became of the customer since that day, and a check decides about retraining")
    options = ("--log", str(log), "--store", str(store), "--key", "prediction_key", "--label", "label")
    run(command("classification-model"), "labels", "join", *options, LABELS_URL=table_url("app_user", "labels"))
    run(command("classification-model"), "retrain-check", *options[:4])
    step("app_user ships the log to the table predictions")
    run(
        command("classification-model"),
        "log",
        "ship",
        "--log",
        str(log),
        LOG_SHIP_TO=table_url("app_user", "predictions"),
    )
    shipped = cm.read_table(table_url("ds_user", "predictions")).tail(1)
    print(shipped[["index", "prediction", "probabilities", "version"]].to_string(index=False))


def main() -> None:
    """Run the example; what it started is stopped, and what it wrote to files is removed."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if not os.environ.get("DATABASE_URL"):
            step("DATABASE_URL is not set: a PostgreSQL of its own, until the end")
            os.environ["DATABASE_URL"] = stack.enter_context(local_postgres(folder)).url
        try:
            demonstrate(folder)
        except (StepError, cm.errors.ClassificationModelError) as error:
            sys.exit(f"error: {error}")
        step("done: everything that was started is stopped")


if __name__ == "__main__":
    main()
