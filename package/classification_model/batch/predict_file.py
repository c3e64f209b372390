"""Predicting every row of a file: read, scored and written in batches, in the order of the file."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from classification_model.batch.batch_records import PREDICTION_ID, BatchRecords
from classification_model.batch.ordered_threads import cores, in_order
from classification_model.batch.progress import row_bar
from classification_model.batch.rejects import rejected_rows
from classification_model.batch.scoring import Scorer
from classification_model.errors import DataError, InputError
from classification_model.runtime.inference.compiled import CompiledModel
from classification_model.tables.arrays import as_arrow
from classification_model.tables.formats import STANDARD_STREAM, format_of
from classification_model.tables.python_values import UnreadableArray
from classification_model.tables.reading.open_file import opened
from classification_model.tables.reading.open_table import open_table
from classification_model.tables.source import Batch, Piece, Source
from classification_model.tables.writing.outputs import Output, opened_output

if TYPE_CHECKING:
    from classification_model.runtime.log.prediction_log import PredictionLog
    from classification_model.runtime.predictor import Predictor

#: Rows of a batch, about, where each row is explained.
EXPLAINED_ROWS = 2**10


@dataclass(frozen=True)
class Options:
    """How files are predicted.

    Attributes
    ----------
    delimiter, encoding
        How a CSV file is written; its delimiter is found in its header when None.
    explain
        Whether to add what each field contributes to each prediction.
    log
        Where each prediction is put on record before it is written, and named in a column more; None for nowhere.
    index
        Column whose values are the keys of the rows in the log.
    threads
        On how many threads rows are scored; one for each core when None.
    """

    delimiter: str | None = None
    encoding: str = "utf-8"
    explain: bool = False
    log: PredictionLog | None = None
    index: str | None = None
    threads: int | None = None


PLAIN = Options()


@dataclass(frozen=True)
class Outcome:
    """What became of a file.

    Attributes
    ----------
    rows, rejected
        Number of rows, and of those that could not be predicted.
    reason
        Why none or not all could be predicted: what is wrong with the first that could not, or with the columns.
    """

    rows: int
    rejected: int
    reason: str | None


@dataclass(frozen=True)
class _Part:
    rendered: Any
    count: int
    units: int
    lines: bytes
    rejected: list[tuple[int, str]]


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
        CSV, Parquet or JSON file, or a URL of one; ``-`` for CSV on standard input.
    target
        File to write, in the format of its suffix; ``-`` for CSV on standard output. It takes its place when it is
        whole. Rows that could not be predicted stand in a file beside it, too, its name and ``.rejects``.
    options
        How.
    metadata
        What a Parquet file says of itself.
    title
        What stands before the progress bar; the name of the file when left out.

    Raises
    ------
    DataError
        If the file cannot be read or its predictions cannot be written.
    InputError
        If it has a column of a name that is to be added, or is the target itself.
    """
    format_of(target)
    if _are_one(source, target):
        msg = f"{target} is what is to be predicted, and would be replaced: name another output"
        raise InputError(msg)
    with opened(source) as file:
        rows_at_once = EXPLAINED_ROWS if options.explain else None
        table = open_table(file, delimiter=options.delimiter, encoding=options.encoding, rows=rows_at_once)
        known = predictor.manifest.input_schema.names
        names = [name for name in table.types if name != options.index or name in known]
        scorer = Scorer(predictor, source, names, explain=options.explain)
        records = None
        added = scorer.types
        if options.log is not None:
            records = BatchRecords(options.index, predictor, list(table.types))
            added = {PREDICTION_ID: pa.string(), **added}
        clash = next((name for name in added if name in table.types), None)
        if clash is not None:
            msg = f"{source} has a column {clash!r}, which the answer would add: rename or remove it"
            raise InputError(msg)
        types = {**table.types, **added}
        threads = options.threads or (cores() if isinstance(predictor.model, CompiledModel) else 1)
        rows, reason = 0, scorer.fault
        with (
            opened_output(target, types, varied=scorer.numbers, metadata=metadata) as output,
            rejected_rows(None if target == STANDARD_STREAM else Path(target)) as rejects,
            row_bar(title or source, table.size, is_output_shown=target == STANDARD_STREAM) as bar,
            closing(_predicted(table, scorer, records, output, threads, may_wait=file.state is None)) as parts,
        ):
            for part in parts:
                if options.log is not None and part.lines:
                    options.log.append(part.lines)
                output.write(part.rendered)
                rejects.add((rows + row, why) for row, why in part.rejected)
                reason = reason or next((why for _, why in part.rejected), None)
                rows += part.count
                bar.advance(part.count, part.units)
            output.finish()
            rejects.finish()
            file.check_unchanged()
    return Outcome(rows, rejects.count, reason)


def _are_one(source: str, target: str) -> bool:
    try:
        return Path(source).samefile(target)
    except (OSError, ValueError):  # a URL, a stream, or nothing there yet
        return False


def _predicted(
    table: Source, scorer: Scorer, records: BatchRecords | None, output: Output, threads: int, *, may_wait: bool
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
            rendered = output.render(Batch({**batch.columns, **added}, batch.count))
        except UnreadableArray as error:
            msg = f"{table.name}: a column {error}"
            raise DataError(msg) from error
        reasons = answer.columns["errors"].take(as_arrow(answer.rejected)).to_pylist()
        rejected = list(zip(answer.rejected.tolist(), reasons, strict=True))
        return _Part(rendered, batch.count, piece.units, lines, rejected)

    yield from in_order(work, table.pieces(), threads, may_wait=may_wait)
