"""The exploratory analysis of the customers in the table feature_store: a page, and the same as PDF."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import classification_model as cm

from data_science.connections import database
from demonstration import StepError, run, step
from local_postgres import local_postgres
from serving import command


def explore(output: Path) -> None:
    """Explore the table of ``DATABASE_URL`` as ds_user; the password is in the environment, where no one reads it."""
    url = database("ds_user")
    password = {} if url.password is None else {"PGPASSWORD": str(url.password)}
    source = url.set(password=None).render_as_string(hide_password=False).replace(" ", "%20") + "#public.feature_store"
    options = ("--config", "data_science/config.yml", "--source", source, "--output", str(output), "--pdf")
    run(command("classification-model"), "eda", *options, **password)


def main() -> None:
    """Explore the database of ``DATABASE_URL``, or else one of its own with two years of sales."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="HTML file to write; the PDF is beside it")
    output: Path = parser.parse_args().output.resolve()
    with ExitStack() as stack:
        try:
            if not os.environ.get("DATABASE_URL"):
                step("DATABASE_URL is not set: a PostgreSQL of its own, until the end")
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                os.environ["DATABASE_URL"] = stack.enter_context(local_postgres(folder)).url
                run(sys.executable, "-m", "data_engineering.make_database")
                run(sys.executable, "-m", "data_engineering.etl")
            step("ds_user explores the customers in feature_store")
            explore(output)
        except (StepError, cm.errors.ClassificationModelError) as error:
            sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
