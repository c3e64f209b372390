"""The command that predicts files: ``predict``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from classification_model.cli.exit_codes import EXIT_NO
from classification_model.cli.json_output import AsJson, predicted, print_json
from classification_model.cli.options import (
    Delimiter,
    ServedModel,
    ServingStore,
    Sheet,
    SkipRows,
    known_encoding,
    known_prefix,
    serving_folder,
)
from classification_model.cli.signals import ending_orderly
from classification_model.errors import DataError, InputError, MissingExtraError, require_extra
from classification_model.runtime.model_folder.file_layout import FileLayout
from classification_model.tables.formats import STANDARD_STREAM, format_of, output_format_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classification_model.batch.predict_file import Options, Outcome
    from classification_model.batch.predict_folder import PredictedFile
    from classification_model.runtime.log.prediction_log import PredictionLog
    from classification_model.runtime.predictor import Predictor


class Durability(StrEnum):
    """What a record waits for."""

    os = "os"
    disk = "disk"


def predict(
    file: Annotated[
        str,
        typer.Argument(
            help="CSV, Parquet or JSON file, a folder of Parquet files, - for CSV on standard input, or a URL of a "
            "file, a table or a query."
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            help="File to write, in the format of its suffix; - for CSV on standard output; a folder for a folder; or "
            "a URL of a file or table."
        ),
    ] = STANDARD_STREAM,
    *,
    model: ServedModel = None,
    store: ServingStore = None,
    delimiter: Delimiter = None,
    encoding: Annotated[
        str | None, typer.Option(callback=known_encoding, help="Encoding of a CSV file. Default: as in training.")
    ] = None,
    skip_rows: SkipRows = None,
    sheet: Sheet = None,
    prefix: Annotated[
        str | None,
        typer.Option(callback=known_prefix, help="Prefix of the added columns. Default: the model's, often none."),
    ] = None,
    ignore_extra: Annotated[
        bool, typer.Option("--ignore-extra", help="Accept columns that the model does not know, and ignore them.")
    ] = False,
    max_errors: Annotated[
        str | None,
        typer.Option(metavar="N|P%", help="Write nothing, and exit with 1, if more rows of a file are in error."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Add the contribution of each column to each prediction.")
    ] = False,
    log: Annotated[
        Path | None, typer.Option(help="Folder of a prediction log; each prediction is logged before it is written.")
    ] = None,
    index: Annotated[
        str | None, typer.Option(help="Column that identifies the rows; it is logged. Needs --log.")
    ] = None,
    durability: Annotated[
        Durability,
        typer.Option(help="When a prediction counts as logged: once the system has it, or once the disk has it."),
    ] = Durability.os,
    as_json: AsJson = False,
) -> None:
    """Predict every row of a file.

    Writes the columns of the file, then prediction, probabilities, warnings and errors, with the rows in order.

    Exit code 0 if a row is predicted, 1 if every row is in error or more are than --max-errors allows, 2 for errors.
    """
    with require_extra("batch", "predicting a file"):
        from classification_model.batch.error_limit import ErrorLimit
        from classification_model.batch.predict_file import Options
        from classification_model.tables.locations import locate
    if index is not None and log is None:
        msg = "expected --log with --index, whose values are logged, found --index alone: set --log"
        raise InputError(msg)
    limit = None if max_errors is None else ErrorLimit.parse(max_errors)
    if as_json and output == STANDARD_STREAM:
        msg = "expected --output with --json, which standard output is for, found none: name a file"
        raise InputError(msg)
    is_folder = Path(file).is_dir()
    if is_folder and output == STANDARD_STREAM:
        msg = f"expected an output folder for the folder {file}, found none: set --output"
        raise InputError(msg)
    for place, check in () if is_folder else ((locate(file), format_of), (locate(output), output_format_of)):
        if place.kind in {"file", "remote file"}:
            check(place.name)
    with ending_orderly(), ExitStack() as stack:
        predictor = _load(serving_folder(model, store))
        opened = None if log is None else stack.enter_context(_opened_log(log, durability.value))
        options = Options(
            layout=FileLayout(delimiter=delimiter, encoding=encoding, skip_rows=skip_rows, sheet=sheet),
            prefix=prefix,
            explain=explain,
            log=opened,
            index=index,
            ignore_extra=ignore_extra,
            max_errors=limit,
        )
        if is_folder:
            found = _predict_folder(predictor, Path(file), Path(output), options, as_json=as_json)
        else:
            found = [(locate(file).name, _predict_file(predictor, file, output, options))]
    if as_json:
        print_json(predicted(found, locate(output).name))
    outcomes = [outcome for _, outcome in found if outcome is not None]
    rows, rejected = sum(one.rows for one in outcomes), sum(one.rejected for one in outcomes)
    if rows and rejected == rows:
        raise typer.Exit(EXIT_NO)


@contextmanager
def _opened_log(folder: Path, durability: Literal["os", "disk"]) -> Iterator[PredictionLog]:
    """Open a prediction log for the time of the block."""
    from classification_model.runtime.log.prediction_log import PredictionLog

    prediction_log = PredictionLog(folder, durability=durability)
    for done in prediction_log.open():
        typer.echo(f"warning: {done._replace(file=str(folder / done.file))}", err=True)
    try:
        yield prediction_log
    finally:
        prediction_log.close()


def _load(folder: Path) -> Predictor:
    """Load a model; without a compiled model, load its pipeline if the extra [train] is installed."""
    from classification_model.runtime.model_folder.artifact import read_manifest
    from classification_model.runtime.predictor import Predictor

    if read_manifest(folder).compiled is None:
        with suppress(MissingExtraError), require_extra("train", "predicting with a pipeline"):
            from classification_model.processing.pipeline_model import load_predictor

            predictor = load_predictor(folder)
            typer.echo(f"warning: {folder}: {'; '.join(predictor.notes)}", err=True)
            return predictor
    return Predictor.load(folder)


def _predict_file(predictor: Predictor, file: str, output: str, options: Options) -> Outcome:
    from classification_model.batch.predict_file import predict_file
    from classification_model.batch.rejects import SUFFIX

    outcome = predict_file(predictor, file, output, options)
    _tell_notes(outcome)
    where = f"{output}{SUFFIX}" if output != STANDARD_STREAM and "://" not in output else "the column errors"
    if outcome.reason is not None:
        _tell_rejected(outcome.rejected, outcome.rows, where, outcome.reason)
    return outcome


def _predict_folder(
    predictor: Predictor, folder: Path, output: Path, options: Options, *, as_json: bool
) -> list[tuple[str, Outcome | None]]:
    from classification_model.batch.predict_folder import files_of, predict_folder
    from classification_model.batch.rejects import SUFFIX

    count = len(files_of(folder))
    found: list[PredictedFile] = []
    try:
        found.extend(predict_folder(predictor, folder, output, options))
    except DataError as error:
        msg = f"{error}{_progress(found, count)}"
        raise type(error)(msg) from error
    except KeyboardInterrupt as error:
        error.args = (f"interrupted{_progress(found, count)}",)
        raise
    outcomes = [item.outcome for item in found if item.outcome is not None]
    kept = f", {count - len(outcomes)} were complete before" if len(outcomes) < count else ""
    typer.echo(f"{len(outcomes)} files predicted into {output}{kept}", err=as_json)
    for outcome in outcomes:
        _tell_notes(outcome)
    reason = next((outcome.reason for outcome in outcomes if outcome.reason is not None), None)
    if reason is not None:
        rejected, rows = sum(outcome.rejected for outcome in outcomes), sum(outcome.rows for outcome in outcomes)
        _tell_rejected(rejected, rows, f"the files {output}/*{SUFFIX}", reason)
    return [(item.name, item.outcome) for item in found]


def _progress(found: Sequence[PredictedFile], count: int) -> str:
    """Say how many files an ended run has completed."""
    return f"; {len(found)} of {count} files are complete: run the same command again for the rest"


def _tell_notes(outcome: Outcome) -> None:
    for note in outcome.notes:
        typer.echo(f"warning: {note}", err=True)
    for column, count in outcome.unseen.items():
        typer.echo(
            f"warning: {column}: {count} of {outcome.rows} rows have categories that training did not see", err=True
        )


def _tell_rejected(rejected: int, rows: int, where: str, reason: str) -> None:
    typer.echo(f"{rejected} of {rows} rows could not be predicted, see {where}; the first: {reason}", err=True)
