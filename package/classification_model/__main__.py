"""``python -m classification_model`` is the command line."""

from classification_model.cli import run

run()
