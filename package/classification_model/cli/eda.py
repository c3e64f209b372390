"""The command that explores a table: ``eda``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classification_model.cli.json_output import AsJson, print_json
from classification_model.cli.options import Delimiter, Sheet, SkipRows, known_encoding
from classification_model.errors import InputError, require_extra
from classification_model.runtime.model_folder.file_layout import FileLayout

if TYPE_CHECKING:
    from classification_model.cli.progress import ShownProgress
    from classification_model.config.sections import Config
    from classification_model.training.exploration import Exploration


def eda(
    data: Annotated[
        str | None, typer.Argument(help="CSV, Parquet or JSON file, or a URL of a file, a table or a query.")
    ] = None,
    *,
    target: Annotated[
        str | None, typer.Option(help="Column to predict. Default: none, so that nothing is told by class.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Config file whose table to explore, instead of DATA.")] = None,
    source: Annotated[
        str | None, typer.Option(help="File or URL of the table, instead of data.source of the config.")
    ] = None,
    output: Annotated[Path, typer.Option(help="HTML file to write.")] = Path("eda.html"),
    pdf: Annotated[bool, typer.Option("--pdf", help="Print the page to PDF too, beside it, by Chromium.")] = False,
    no_models: Annotated[bool, typer.Option("--no-models", help="Compare no candidates.")] = False,
    sample_rows: Annotated[
        int, typer.Option(min=100, help="Rows that candidates are compared on, at most; a sample of more.")
    ] = 5_000,
    delimiter: Delimiter = None,
    encoding: Annotated[
        str | None, typer.Option(callback=known_encoding, help="Encoding of a CSV file. Default: guessed.")
    ] = None,
    skip_rows: SkipRows = None,
    sheet: Sheet = None,
    as_json: AsJson = False,
) -> None:
    """Explore a table, and write what was found as a page.

    Shows columns, gaps, distributions by class, associations, leaks and the candidates that were tried, and draws
    conclusions. Give a table, with --target for classes and models, or --config.
    """
    with require_extra("train", "exploring a table"):
        from classification_model.cli.progress import shown_progress
        from classification_model.config.core import load_config
        from classification_model.reporting.pdf import find_browser, print_pdf
    _check_arguments(data, target, config, source)
    _check_output(output)
    if pdf:
        find_browser()
    layout = FileLayout(delimiter=delimiter, encoding=encoding, skip_rows=skip_rows, sheet=sheet)
    problem = None if config is None else load_config(config)
    with shown_progress() as progress:
        progress.step("loading the libraries")
        with require_extra("train", "exploring a table"):
            from classification_model.reporting.eda_page import render_eda
            from classification_model.runtime.system.durable import replace_file
            from classification_model.tables.writing.replacing import told
            from classification_model.training.explore import explore_columns, explore_problem
        name = None
        if problem is None and target is not None:
            problem, name = _drafted(str(data), target, layout, progress)
        if problem is None:
            found = explore_columns(str(data), progress, layout)
        else:
            found = explore_problem(
                problem, progress, source=source, name=name, compare_models=not no_models, sample_rows=sample_rows
            )
        progress.step("drawing the page")
        page = render_eda(found)
        with told(str(output)):
            replace_file(output, page.encode())
        if pdf:
            progress.step("printing the page")
            print_pdf(output, output.with_suffix(".pdf"))
    if as_json:
        print_json(_document(found, output, pdf=pdf))
    else:
        typer.echo(_summary(found, output, pdf=pdf))


def _check_arguments(data: str | None, target: str | None, config: Path | None, source: str | None) -> None:
    if (data is None) == (config is None):
        found = "neither" if data is None else "both"
        msg = f"expected a table to explore, or --config, found {found}: name one of them"
        raise InputError(msg)
    if config is not None and target is not None:
        msg = "expected --target with a table alone, found it with --config, which names its target: leave one out"
        raise InputError(msg)
    if data is not None and source is not None:
        msg = "expected --source with --config, whose table it stands in for, found it with a table: leave one out"
        raise InputError(msg)


def _check_output(output: Path) -> None:
    """Refuse a place that cannot be written, before anything is read."""
    if output.is_dir() or not output.resolve().parent.is_dir():
        found = f"the folder {output}" if output.is_dir() else f"no folder {output.parent}"
        msg = f"--output: expected a file in an existing folder, found {found}: name a file such as eda.html"
        raise InputError(msg)
    if output.suffix.lower() == ".pdf":
        msg = f"--output: expected an HTML file, found {output}: name a file such as eda.html, and add --pdf"
        raise InputError(msg)


def _drafted(data: str, target: str, layout: FileLayout, progress: ShownProgress) -> tuple[Config, str]:
    """Draft a config for a table, as ``init`` does, and return it with the name of the table."""
    from classification_model.config.core import parse_config
    from classification_model.processing.draft import draft_config
    from classification_model.tables.locations import short_name

    name = short_name(data)
    progress.step(f"reading {name} and finding out what its columns are")
    text = draft_config(data, target, Path.cwd(), drop_unlabelled=True, layout=layout)
    return parse_config(text, name=f"the config drafted for {name}", folder=Path.cwd()), name


def _summary(found: Exploration, output: Path, *, pdf: bool) -> str:
    """Say what was found, and where it is."""
    from classification_model.audit.wording import in_words, warnings_of
    from classification_model.reporting.eda_page import conclusions_of

    lines = [f"{found.name}: {found.rows:,} rows of {found.columns:,} columns"]
    told = {f"{in_words(finding)}." for finding in found.audit}
    lines += [f"- {one.finding}" for one in conclusions_of(found) if one.finding not in told]
    lines += warnings_of(found.audit, str(output))
    if found.data is not None and found.selection is None:
        lines.append(f"no candidates were compared: {found.not_compared}")
    return "\n".join([*lines, *(f"written: {path}" for path in _written(output, pdf=pdf))])


def _written(output: Path, *, pdf: bool) -> list[Path]:
    return [output, output.with_suffix(".pdf")] if pdf else [output]


def _document(found: Exploration, output: Path, *, pdf: bool) -> dict[str, Any]:
    from classification_model.audit.wording import in_words
    from classification_model.cli.json_output import candidate
    from classification_model.reporting.eda_page import conclusions_of

    config = None if found.data is None else found.data.config
    metric = "" if config is None else config.training.metric
    board = () if found.selection is None else found.selection.leaderboard()
    return {
        "page": str(output),
        "pdf": str(output.with_suffix(".pdf")) if pdf else None,
        "name": found.name,
        "rows": found.rows,
        "columns": found.columns,
        "target": None if config is None else config.data.target,
        "classes": {one.name: one.rows for one in found.profile.classes},
        "associations": {one.name: one.association for one in found.profile.by_strength() if found.profile.classes},
        "conclusions": [f"{one.finding} {one.advice}".strip() for one in conclusions_of(found)],
        "warnings": [in_words(finding) for finding in found.audit],
        "metric": metric or None,
        "compared_rows": found.compared_rows if board else 0,
        "leaderboard": [candidate(trial, metric) for trial in board],
    }
