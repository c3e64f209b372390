"""Predict every row of a file: read, score and write it in batches, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from classification_model.batch.added_columns import ERRORS, PREDICTION_ID, clashing, earlier_predictions, free_prefix
from classification_model.batch.batch_records import BatchRecords
from classification_model.batch.error_limit import ErrorLimit
from classification_model.batch.ordered_threads import cores, in_order
from classification_model.batch.progress import row_bar
from classification_model.batch.rejects import rejected_rows
from classification_model.batch.scoring import Scorer
from classification_model.errors import DataError, InputError
from classification_model.runtime.inference.compiled import CompiledModel
from classification_model.runtime.input.names import HeaderFaults, header_faults
from classification_model.runtime.model_folder.file_layout import UNKNOWN, FileLayout
from classification_model.tables.arrays import as_arrow
from classification_model.tables.formats import STANDARD_STREAM, output_format_of
from classification_model.tables.locations import locate
from classification_model.tables.python_values import UnreadableArray
from classification_model.tables.reading.open_source import opened_source
from classification_model.tables.reading.open_table import remarks_of
from classification_model.tables.reading.text_layout import Expected
from classification_model.tables.source import Batch, Piece, Source
from classification_model.tables.writing.output import Output
from classification_model.tables.writing.outputs import opened_output

if TYPE_CHECKING:
    from classification_model.runtime.log.prediction_log import PredictionLog
    from classification_model.runtime.predictor import Predictor

#: Rows of a batch, about, where each row is explained.
EXPLAINED_ROWS = 2**10


@dataclass(frozen=True)
class Options:
    """Options for predicting files.

    Attributes
    ----------
    layout
        How a CSV file or a workbook is written. By default it is read as the training table was, unless it evidently is
        written in another way.
    prefix
        Prefix of the columns that are added. The default is that of the model.
    explain
        Whether to add the contribution of each field to each prediction.
    log
        Log of the predictions, which are logged before they are written; their ids are a column of the output.
    index
        Column that identifies the rows; it is logged.
    threads
        Number of threads. The default is one per core.
    ignore_extra
        Whether columns that the model does not know are accepted and ignored.
    max_errors
        How many rows of a file may be in error; None for any number.
    """

    layout: FileLayout = UNKNOWN
    prefix: str | None = None
    explain: bool = False
    log: PredictionLog | None = None
    index: str | None = None
    threads: int | None = None
    ignore_extra: bool = False
    max_errors: ErrorLimit | None = None


PLAIN = Options()


@dataclass(frozen=True)
class Outcome:
    """The result for a file.

    Attributes
    ----------
    rows, rejected
        Number of rows, and of those that could not be predicted.
    reason
        Error of the first row that could not be predicted; None if there is none.
    notes
        What is odd about the columns, a sentence each.
    unseen
        Number of rows with a category that training did not see, by column, of columns with more than 1,000 categories.
    """

    rows: int
    rejected: int
    reason: str | None
    notes: tuple[str, ...] = ()
    unseen: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Part:
    rendered: Any
    count: int
    units: int
    lines: bytes
    rejected: list[tuple[int, str]]
    unseen: dict[str, int]


def predict_file(
    predictor: Predictor,
    source: str,
    target: str,
    options: Options = PLAIN,
    *,
    metadata: Mapping[str, str] | None = None,
    title: str | None = None,
) -> Outcome:
    """Predict every row of a file.

    Parameters
    ----------
    predictor
        The model.
    source
        CSV, Parquet or JSON file, ``-`` for CSV on standard input, or a URL of a file, of a table or query of a
        database, or of a registered service.
    target
        File to write, in the format of its suffix; ``-`` for CSV on standard output; or the URL of a file, of a table
        of a database or of a registered service. It is written as a whole or not at all. Beside a file, rows that
        could not be predicted are also in a file of its name and ``.rejects``.
    options
        Options for reading, explaining and logging.
    metadata
        Metadata of a Parquet file.
    title
        Title of the progress bar. The default is the name of the file.

    Raises
    ------
    DataError
        If the file cannot be read or its predictions cannot be written, or it lacks a column, or has an unknown one.
    RejectionError
        If more rows are in error than allowed.
    InputError
        If it has a column of a name that the predictions add, or is the output itself.
    """
    place = locate(target)
    if place.kind in {"file", "remote file"}:
        output_format_of(place.name)
    if _are_one(source, target):
        msg = f"expected another output than the input file, found {target}: name another file"
        raise InputError(msg)
    rows_at_once = EXPLAINED_ROWS if options.explain else None
    manifest = predictor.manifest
    known = manifest.input_schema.names
    expected = Expected(manifest.layout, known)
    with opened_source(source, options.layout, expected=expected, rows=rows_at_once) as opened:
        table, name = opened.table, opened.name
        unused = {options.index, *earlier_predictions(table.types)}
        names = [each for each in table.types if each not in unused or each in known]
        scorer = Scorer(predictor, name, names, explain=options.explain)
        records = None
        added = scorer.types
        if options.log is not None:
            records = BatchRecords(options.index, predictor, list(table.types))
            added = {PREDICTION_ID: pa.string(), **added}
        prefix = manifest.prediction_prefix if options.prefix is None else options.prefix
        added = {prefix + each: kind for each, kind in added.items()}
        _check_added(name, table.types, added)
        notes, known_remarks = _check_header(predictor, name, names, options), remarks_of(table)
        types = {**table.types, **added}
        varied = [prefix + each for each in scorer.numbers]
        threads = options.threads or (cores() if isinstance(predictor.model, CompiledModel) else 1)
        rows, reason = 0, None
        unseen = Counter[str]()
        with (
            opened_output(target, types, varied=varied, metadata=metadata) as output,
            rejected_rows(Path(place.source) if place.kind == "file" else None) as rejects,
            row_bar(title or name, table.size, is_output_shown=target == STANDARD_STREAM) as bar,
            closing(
                _predicted(table, scorer, records, output, threads, prefix=prefix, may_wait=opened.may_wait)
            ) as parts,
        ):
            for part in parts:
                if options.log is not None and part.lines:
                    options.log.append(part.lines)
                output.write(part.rendered)
                rejects.add((rows + row, why) for row, why in part.rejected)
                reason = reason or next((why for _, why in part.rejected), None)
                rows += part.count
                unseen.update(part.unseen)
                if options.max_errors is not None:
                    options.max_errors.check_so_far(name, rejects.count, rows, reason)
                bar.advance(part.count, part.units)
            if options.max_errors is not None:
                options.max_errors.check_all(name, rejects.count, rows, reason)
            output.finish()
            rejects.finish()
            opened.check_unchanged()
    notes += tuple(f"{name}: {remark}" for remark in remarks_of(table) if remark not in known_remarks)
    return Outcome(rows, rejects.count, reason, notes, {name: count for name, count in unseen.items() if count})


def _check_added(name: str, columns: Collection[str], added: Collection[str]) -> None:
    """Refuse to add a column of a name that the file has.

    Raises
    ------
    InputError
        Naming the column, and a prefix with which none clashes.
    """
    clash = clashing(columns, added)
    if clash is not None:
        remedy = f"set another prefix for the added columns, as --prefix {free_prefix(columns)}"
        msg = f"{name} has a column {clash!r}, which the predictions add: {remedy}"
        raise InputError(msg)


def _check_header(predictor: Predictor, name: str, names: list[str], options: Options) -> tuple[str, ...]:
    """Refuse a file whose columns are not those of the model, before anything is written; return what is odd.

    Raises
    ------
    DataError
        Naming the columns, what was most likely meant, and what to do.
    """
    schema = predictor.manifest.input_schema
    faults = header_faults(schema, names)
    wrong = faults
    if options.ignore_extra:
        wrong = faults.without_extra({field.name for field in schema.fields if not field.nullable})
    if wrong != HeaderFaults():
        remedy = "" if options.ignore_extra else ", or ignore such columns with --ignore-extra"
        msg = "\n".join(f"{name}: {sentence}" for sentence in wrong.sentences(remedy=remedy))
        raise DataError(msg)
    return tuple(
        f"{name}: the column {found!r} is ignored and {meant!r} is missing: rename it if {meant!r} was meant"
        for found, meant in faults.misspelt
    )


def _are_one(source: str, target: str) -> bool:
    try:
        return Path(source).samefile(target)
    except (OSError, ValueError):  # a URL, a stream, or nothing there yet
        return False


def _predicted(
    table: Source,
    scorer: Scorer,
    records: BatchRecords | None,
    output: Output,
    threads: int,
    *,
    prefix: str,
    may_wait: bool,
) -> Generator[_Part]:
    """Yield the parts of a table in order, each read, scored and rendered on one of several threads."""

    def work(piece: Piece) -> _Part:
        try:
            batch = piece.load()
            answer = scorer.score(batch)
            added, lines = answer.columns, b""
            if records is not None:
                names, lines = records.encode(batch, answer)
                added = {PREDICTION_ID: names, **added}
            named = {prefix + each: values for each, values in added.items()}
            rendered = output.render(Batch({**batch.columns, **named}, batch.count))
        except UnreadableArray as error:
            msg = f"{table.name}: a column {error}"
            raise DataError(msg) from error
        reasons = answer.columns[ERRORS].take(as_arrow(answer.rejected)).to_pylist()
        rejected = list(zip(answer.rejected.tolist(), reasons, strict=True))
        return _Part(rendered, batch.count, piece.units, lines, rejected, answer.unseen)

    yield from in_order(work, table.pieces(), threads, may_wait=may_wait)
