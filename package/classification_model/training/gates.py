"""Hold the metrics of a model against the gates of its config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classification_model.errors import GateError
from classification_model.evaluation.metrics import METRICS, is_better

if TYPE_CHECKING:
    from classification_model.config.sections import Config
    from classification_model.runtime.model_folder.manifest import MetricValue


def check_gates(config: Config, metrics: dict[str, MetricValue]) -> None:
    """Refuse a model that misses a gate.

    Raises
    ------
    GateError
        Naming each missed gate, with its limit and the metric.
    """
    missed = [
        f"{name} is {metrics[name].value:.4f} (95% interval {metrics[name].low:.4f} to {metrics[name].high:.4f}), "
        f"expected {'at least' if METRICS[name] else 'at most'} {limit:g}"
        for name, limit in config.gates.items()
        if not (is_better(name, metrics[name].value, limit) or metrics[name].value == limit)
    ]
    if missed:
        msg = f"the model misses its gates and is not saved: {'; '.join(missed)}"
        raise GateError(msg)
