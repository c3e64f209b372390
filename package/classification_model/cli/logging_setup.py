"""Logging of the commands that train, by the settings of the machine."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classification_model.config.settings import Settings


def set_up_logging(settings: Settings) -> None:
    """Log to standard error, with the level and the format of the settings."""
    handler = logging.StreamHandler()
    if settings.log_format == "json":
        from pythonjsonlogger.json import JsonFormatter

        handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    # scikit-learn 1.9 says this of itself when two of its threads change Python's filters of warnings at once.
    logging.getLogger("py.warnings").addFilter(
        lambda record: "`sklearn.utils.parallel.delayed`" not in record.getMessage()
    )
    logging.captureWarnings(True)
