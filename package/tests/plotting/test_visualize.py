"""`Visualize`: one class for the plots of tables and of models."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure
from problems import make_config, make_table
from written import write_table

import classification_model as cm
from classification_model.errors import DataError, InputError

FEATURES = {"size": {"kind": "numeric"}, "shape": {"kind": "categorical"}}
TABLE = make_table(120)


@pytest.mark.parametrize("plot", ["classes", "missing", "associations", "strengths"])
def test_a_frame_with_a_target_has_every_plot_of_a_table(plot: str) -> None:
    """The columns are inferred as `init` does, and shown by class."""
    assert isinstance(getattr(cm.Visualize(TABLE, target="colour"), plot)(), Figure)


def test_a_table_may_be_a_file_a_config_or_without_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A config says which columns there are; without a target each column is one of the table's."""
    monkeypatch.chdir(tmp_path)
    write_table(TABLE, "table.csv")
    by_file = cm.Visualize("table.csv", target="colour")
    by_path = cm.Visualize(Path("table.csv"), target="colour")
    assert by_file.profile == by_path.profile
    by_config = cm.Visualize(config=make_config(FEATURES, folder=tmp_path))
    assert [column.name for column in by_config.profile.columns] == ["size", "shape"]
    bare = cm.Visualize("table.csv")
    assert bare.profile.classes == ()
    assert [column.name for column in bare.profile.columns] == list(TABLE.columns)


def test_a_judged_model_has_the_plots_of_a_model() -> None:
    """Those of the table are there if there is one."""
    model = cm.train(TABLE, config=make_config(FEATURES))
    judged = model.evaluate().judged
    both = cm.Visualize(TABLE, target="colour", judged=model.evaluate())
    assert isinstance(both.roc(), Figure)
    assert isinstance(both.classes(), Figure)
    with pytest.raises(InputError, match="expected a table to plot, found a model alone"):
        cm.Visualize(judged=judged).classes()
    with pytest.raises(InputError, match="expected a model to plot, found a table alone"):
        cm.Visualize(TABLE).roc()


def test_what_cannot_be_plotted_is_an_error_that_says_so() -> None:
    """Nothing, too much, or a table that cannot be read."""
    with pytest.raises(InputError, match="expected a table, a config or a judged model, found none"):
        cm.Visualize()
    with pytest.raises(InputError, match="expected a config or a target, found both"):
        cm.Visualize(TABLE, target="colour", config=make_config(FEATURES))
    with pytest.raises(DataError, match="the given table has no rows"):
        cm.Visualize(pd.DataFrame({"size": []}))
    with pytest.raises(DataError, match="has no column 'color', the target"):
        cm.Visualize(TABLE, target="color")
    with pytest.raises(InputError, match="'size'"):
        cm.Visualize(TABLE).distribution("sizes")
    assert not hasattr(cm.Visualize(TABLE), "nothing")
    assert not hasattr(cm.Visualize(TABLE), "judged")
    with pytest.raises(InputError, match="judged: expected an evaluation or what it judged, found str"):
        cm.Visualize(judged="model")
    with pytest.raises(InputError, match="expected a path, a URL or a pandas DataFrame, found int"):
        cm.Visualize(3)  # type: ignore[arg-type]
