"""Draw the plots of the training report as SVG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classification_model.plotting.figures import as_svg
from classification_model.plotting.model_plots import ModelPlots
from classification_model.plotting.table_plots import TablePlots
from classification_model.profiling.column_profiles import MOST_CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

    from classification_model.evaluation.judged import Judged
    from classification_model.profiling.table_profile import ColumnProfile, TableProfile

#: Features whose distribution is drawn.
MOST_DISTRIBUTIONS = 4
#: Share of the rows in one bar of a column of many categories, above which it is not drawn.
_MOST_OTHERS = 0.8


@dataclass(frozen=True)
class ReportFigures:
    """SVG of the plots of a report, by caption.

    Attributes
    ----------
    distributions
        Distribution by class of the most important features, by name.
    table
        Gaps and associations of the table.
    curves
        Curves of each class, and the confusion.
    decisions
        Metrics and costs by threshold, and the gain; empty with more than two classes.
    learning
        The learning curve; empty where it was not measured.
    dependences
        Partial dependence on the most important features, by name.
    """

    distributions: dict[str, str]
    table: dict[str, str]
    curves: dict[str, str]
    decisions: dict[str, str]
    learning: dict[str, str]
    dependences: dict[str, str]


def draw_figures(judged: Judged, profile: TableProfile) -> ReportFigures:
    """Draw the plots of a report: the same for the same model and table."""
    model, table = ModelPlots(judged), TablePlots(profile)
    pen = _Pen()
    strongest = [name for name, _, _ in judged.importances if _is_worth_drawing(profile.column(name))]
    of_table: dict[str, Figure] = {}
    if profile.complete_rows < profile.rows:
        of_table["Missing values"] = table.missing()
    if len(profile.associations.names) > 1:
        of_table["Associations of the columns with each other"] = table.associations()
    decisions: dict[str, Figure] = {}
    if len(judged.outcome.classes) == 2:
        decisions["Metrics by threshold"] = model.threshold()
        decisions["Mean cost by threshold"] = model.cost()
        decisions["Gain"] = model.gain()
    curves = {
        "ROC curve": model.roc(),
        "Precision and recall": model.precision_recall(),
        "Calibration": model.calibration(),
        "Confusion": model.confusion(),
    }
    return ReportFigures(
        distributions=pen.draw({name: table.distribution(name) for name in strongest[:MOST_DISTRIBUTIONS]}),
        table=pen.draw(of_table),
        curves=pen.draw(curves),
        decisions=pen.draw(decisions),
        learning=pen.draw({} if judged.learning_curve is None else {"Learning curve": model.learning_curve()}),
        dependences=pen.draw({one.feature: model.partial_dependence(one.feature) for one in judged.dependences}),
    )


def _is_worth_drawing(column: ColumnProfile | None) -> bool:
    """Tell whether bars say something of a column; categories that are nearly all rare have one long bar."""
    if column is None or column.is_constant:
        return False
    most = max((bar.rows for bar in column.distribution.bars), default=0)
    return column.kind != "categorical" or column.distinct <= MOST_CATEGORIES or most <= _MOST_OTHERS * column.rows


class _Pen:
    """Numbers the plots of a page, so that their ids are their own."""

    def __init__(self) -> None:
        self._drawn = 0

    def draw(self, figures: Mapping[str, Figure]) -> dict[str, str]:
        """Return the SVG of each figure."""
        found = {
            caption: as_svg(figure, self._drawn + place) for place, (caption, figure) in enumerate(figures.items())
        }
        self._drawn += len(found)
        return found
