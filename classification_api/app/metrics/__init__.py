"""What Prometheus is told, correct for one process and for several workers."""

from app.metrics.folder import metrics_directory
from app.metrics.metrics import Metrics

__all__ = ["Metrics", "metrics_directory"]
