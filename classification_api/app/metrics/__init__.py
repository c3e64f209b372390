"""Prometheus metrics, for one process or summed over several workers."""

from app.metrics.folder import metrics_directory
from app.metrics.metrics import Metrics

__all__ = ["Metrics", "metrics_directory"]
