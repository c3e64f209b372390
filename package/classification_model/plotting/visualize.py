"""Every plot of a table and of a model, in one class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classification_model.errors import InputError
from classification_model.evaluation.judged import Judged
from classification_model.plotting.model_plots import ModelPlots
from classification_model.plotting.table_plots import TablePlots
from classification_model.processing.data_manager import DataLoader
from classification_model.processing.drafted_table import read_to_draft
from classification_model.processing.given_problem import given_problem, given_table
from classification_model.processing.inferred_rows import infer_table_without_target
from classification_model.profiling.profile import profile_rows

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from classification_model.config.sections import Config
    from classification_model.profiling.table_profile import TableProfile


class NothingToPlotError(InputError, AttributeError):
    """What is to be plotted was not given."""


class Visualize(TablePlots, ModelPlots):
    """Plots of a table and of a model: each method draws one and returns its matplotlib figure.

    Reports, pages of an exploratory analysis and notebooks show the same plots.

    Parameters
    ----------
    table
        The table: a path, a URL, or a DataFrame of raw values. None for the plots of a model alone.
    target
        Column with the classes, by which the other columns are shown. By default the table has no classes.
    config
        A config, the path of a ``config.yml``, or its text, which says what the columns are; then the target is its
        own. By default that is inferred.
    judged
        A model judged on labelled rows: an `Evaluation`, or its ``judged``. None for the plots of a table alone.

    Raises
    ------
    InputError
        If neither a table nor a model is given, or both a target and a config.
    ConfigError, DataError
        If the config is wrong, or the table cannot be read.

    Examples
    --------
    >>> import classification_model as cm
    >>> import pandas as pd
    >>> passengers = pd.DataFrame({"age": [22, 38, None, 35], "sex": ["m", "f", "f", "m"], "survived": [0, 1, 1, 0]})
    >>> plots = cm.Visualize(passengers)
    >>> [column.name for column in plots.profile.columns]
    ['age', 'sex', 'survived']
    >>> plots.distribution("sex").axes[0].get_title()
    ''
    """

    def __init__(
        self,
        table: str | Path | pd.DataFrame | None = None,
        *,
        target: str | None = None,
        config: Config | Path | str | None = None,
        judged: Any = None,
    ) -> None:
        if target is not None and config is not None:
            msg = "expected a config or a target, found both: the config names the target, so leave target out"
            raise InputError(msg)
        judged = getattr(judged, "judged", judged)  # of an Evaluation
        if judged is not None and not isinstance(judged, Judged):
            msg = f"judged: expected an evaluation or what it judged, found {type(judged).__name__}"
            raise InputError(msg)
        if table is None and config is None and judged is None:
            msg = "expected a table, a config or a judged model, found none: there is nothing to plot"
            raise InputError(msg)
        if table is not None or config is not None:
            TablePlots.__init__(self, _profile(table, target, config))
        if judged is not None:
            ModelPlots.__init__(self, judged)

    def __getattr__(self, name: str) -> None:
        if name == "profile":
            msg = "expected a table to plot, found a model alone: give the table, as Visualize(table, target=...)"
            raise NothingToPlotError(msg)
        if name == "judged":
            msg = "expected a model to plot, found a table alone: give judged=model.evaluate(rows)"
            raise NothingToPlotError(msg)
        msg = f"{type(self).__name__!r} object has no attribute {name!r}"
        raise AttributeError(msg)


def _profile(table: Any, target: Any, config: Any) -> TableProfile:
    """Profile all rows of a table."""
    source = given_table(table)
    if source is not None and target is None and config is None:
        found = infer_table_without_target(read_to_draft(source))
        return profile_rows(found.features, found.kinds)
    problem = given_problem(source, target, config)
    data = DataLoader(problem.config, problem.source).load_whole()
    kinds = {field.name: field.kind for field in data.schema.fields}
    return profile_rows(data.train.features, kinds, data.train.labels, data.classes)
