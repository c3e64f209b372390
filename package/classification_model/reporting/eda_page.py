"""Render the exploratory analysis of a table as a page: one file, which needs nothing from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from classification_model.audit.wording import in_words
from classification_model.config.features import (
    CombineFeature,
    ContainsFeature,
    DatePartsFeature,
    LogFeature,
    PatternFeature,
    RatioFeature,
    SumFeature,
)
from classification_model.evaluation.metrics import METRICS
from classification_model.plotting.figures import as_svg
from classification_model.plotting.table_plots import TablePlots
from classification_model.processing.features.derivation_steps import date_parts
from classification_model.processing.left_out_rows import describe_left_out
from classification_model.profiling.conclusions import THE_SAME, Conclusion
from classification_model.reporting.feature_notes import feature_notes
from classification_model.reporting.html_pages import render_page
from classification_model.reporting.model_in_words import METRIC_NAMES
from classification_model.reporting.sentences import learning_sentence

if TYPE_CHECKING:
    from classification_model.config.features import Feature
    from classification_model.profiling.table_profile import Associations, ColumnProfile
    from classification_model.training.exploration import Exploration
    from classification_model.training.model_selection import Selection, Trial

#: Columns whose distribution is drawn; those of a weaker association with the class are in the table alone.
MOST_PLOTS = 30
#: Share of the rows of other categories than the frequent ones, above which categories are not drawn.
_MOST_OTHERS = 0.8
#: Pairs of columns, features and columns that are listed.
_MOST_PAIRS, _MOST_LISTED = 12, 400


@dataclass(frozen=True)
class _Plot:
    """A plot of the page; `anchor` is the id of its figure."""

    anchor: str
    caption: str
    svg: str


@dataclass(frozen=True)
class _FeatureRow:
    """A feature: where it comes from, how gaps and unseen values are handled, and what it says of the class."""

    name: str
    kind: str
    origin: str
    missing: str
    handling: str
    association: float | None
    importance: float | None


def conclusions_of(exploration: Exploration) -> tuple[Conclusion, ...]:
    """Draw conclusions from an exploration; the last one says whether more rows would help, where that is known."""
    curve = exploration.learning_curve
    said = "" if curve is None else learning_sentence(curve)
    if said and exploration.compared_rows < exploration.profile.rows:
        sample = f"In a sample of {exploration.compared_rows:,} of {exploration.profile.rows:,} rows"
        said = f"{sample}: {said[:1].lower()}{said[1:]}"
    return *exploration.conclusions(), *([Conclusion("More rows", said)] if said else [])


def render_eda(exploration: Exploration) -> str:
    """Render an exploration as a page.

    It holds no duration: the same exploration at the same time gives the same bytes.
    """
    profile, data = exploration.profile, exploration.data
    plots = TablePlots(profile)
    drawn = _drawn(exploration)
    with_class = bool(profile.classes)
    figures = {
        "classes": plots.classes() if with_class else None,
        "missing": plots.missing() if any(column.missing for column in profile.columns) else None,
        "strengths": plots.strengths() if with_class else None,
        "associations": plots.associations() if len(profile.associations.names) > 1 else None,
    }
    return render_page(
        "eda.html.j2",
        exploration=exploration,
        profile=profile,
        config=None if data is None else data.config,
        facts=_facts(exploration),
        conclusions=conclusions_of(exploration),
        left_out=describe_left_out(exploration.left_out),
        plots={
            name: None if figure is None else as_svg(figure, number)
            for number, (name, figure) in enumerate(figures.items())
        },
        columns=profile.by_strength()[:_MOST_LISTED],
        gaps=sorted((column for column in profile.columns if column.missing), key=lambda column: -column.missing)[
            :_MOST_LISTED
        ],
        drawn=drawn,
        anchors={plot.caption: plot.anchor for plot in drawn},
        pairs=_pairs(profile.associations),
        the_same=THE_SAME,
        audit=[in_words(finding) for finding in exploration.audit],
        unused=_unused(exploration),
        features=_features(exploration),
        names=METRIC_NAMES,
        higher=METRICS,
        board=[] if exploration.selection is None else _board(exploration.selection, _metric(exploration)),
        metric=_metric(exploration),
    )


def _metric(exploration: Exploration) -> str:
    return "" if exploration.data is None else exploration.data.config.training.metric


def _facts(exploration: Exploration) -> list[tuple[str, str]]:
    """Return the figures at the top of the page, with what they are."""
    profile, data = exploration.profile, exploration.data
    cells = profile.rows * len(profile.columns)
    missing = sum(column.missing for column in profile.columns)
    facts = [(f"{exploration.rows:,}", "rows"), (f"{exploration.columns:,}", "columns")]
    if data is not None:
        facts.append((f"{len(profile.columns):,}", "of them to learn from"))
        facts.append((f"{len(profile.classes):,}", "classes"))
        facts.append((f"{len(data.holdout):,}", "rows held out"))
    facts.append((f"{missing / cells:.1%}" if cells else "none", "of the values missing"))
    facts.append((f"{profile.complete_rows / profile.rows:.1%}" if profile.rows else "none", "of the rows complete"))
    return facts


def _drawn(exploration: Exploration) -> list[_Plot]:
    """Draw the distributions of columns and derived features, the strongest association with the class first."""
    profiles = [exploration.profile, *([exploration.derived] if exploration.derived else [])]
    columns = [(column, TablePlots(profile)) for profile in profiles for column in profile.columns]
    columns = [(column, plots) for column, plots in columns if _is_worth_drawing(column)]
    columns.sort(key=lambda pair: -(pair[0].association or 0.0))
    return [
        _Plot(f"column-{number}", column.name, as_svg(plots.distribution(column.name), 100 + number))
        for number, (column, plots) in enumerate(columns[:MOST_PLOTS])
    ]


def _is_worth_drawing(column: ColumnProfile) -> bool:
    """Tell whether a plot shows more than that there are many categories."""
    bars = column.distribution.bars
    is_cut = column.kind in {"categorical", "boolean"} and column.distinct > len(bars)
    return bool(bars) and not (is_cut and bars[-1].rows > _MOST_OTHERS * (column.rows - column.missing))


def _pairs(associations: Associations) -> list[tuple[str, str, float]]:
    return [pair for pair in associations.pairs()[:_MOST_PAIRS] if pair[2] > 0]


def _unused(exploration: Exploration) -> list[dict[str, Any]]:
    """Return the columns that are not learned from: what they are, why, and what the audit says of them."""
    found: dict[str, list[str]] = {}
    for finding in exploration.unused_audit:
        found.setdefault(str(finding.column), []).append(finding.message)
    profile = exploration.unused
    return [
        {
            "name": name,
            "column": None if profile is None else profile.column(name),
            "role": role,
            "found": [] if name == _target(exploration) else found.get(name, []),
        }
        for name, role in list((exploration.roles or {}).items())[:_MOST_LISTED]
    ]


def _target(exploration: Exploration) -> str:
    return "" if exploration.data is None else exploration.data.config.data.target


def _features(exploration: Exploration) -> list[_FeatureRow]:
    """Describe the features of the config, in its order."""
    data = exploration.data
    if data is None:
        return []
    importances = {name: mean for name, mean, _ in exploration.importances}
    known = [column for one in (exploration.profile, exploration.derived) if one for column in one.columns]
    parts = {name: names for name, (_, names) in date_parts(data.config).items()}
    rows = []
    for note in feature_notes(data.config.features, data.train.features)[:_MOST_LISTED]:
        feature = data.config.features[note.name]
        named = {note.name, *parts.get(note.name, ())}
        of_feature = [column for column in known if column.name in named]
        strengths = [column.association for column in of_feature if column.association is not None]
        rows.append(
            _FeatureRow(
                name=note.name,
                kind=feature.kind,
                origin=_origin(feature),
                missing=note.missing if feature.sources == () else _share(of_feature),
                handling=note.handling,
                association=max(strengths, default=None),
                importance=importances.get(note.name),
            )
        )
    return rows


def _share(columns: list[ColumnProfile]) -> str:
    return f"{columns[0].missing_share:.1%}" if columns else ""


def _origin(feature: Feature) -> str:
    """Say what a feature is derived from, and how."""
    names = ", ".join(feature.sources)
    match feature:
        case PatternFeature():
            return f"what the pattern {feature.pattern} finds in {names}"
        case ContainsFeature():
            return f"whether {names} contains {' or '.join(feature.words)}"
        case CombineFeature():
            return f"{names} joined"
        case SumFeature():
            return " + ".join([*feature.sources, *([f"{feature.plus:g}"] if feature.plus else [])])
        case RatioFeature():
            return " / ".join(feature.sources)
        case LogFeature():
            return f"log(1 + {names})"
        case DatePartsFeature():
            return f"{', '.join(feature.parts)} of {names}".replace("_", " ")
        case _:
            return "a column"


def _board(selection: Selection, metric: str) -> list[tuple[Trial, str, float]]:
    """Return the best trial of each candidate, its setting in words, and its place between worst and best, 0 to 1."""
    board = selection.leaderboard()
    scores = [trial.scores[metric] for trial in board]
    spread = max(scores) - min(scores)
    best = max(scores) if METRICS[metric] else min(scores)
    return [
        (trial, _setting(trial), 1 - abs(trial.scores[metric] - best) / spread if spread else 1.0) for trial in board
    ]


def _setting(trial: Trial) -> str:
    if trial.candidate == "average":
        return "the best setting of each other candidate"
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in trial.setting.items()) or "as it comes"
