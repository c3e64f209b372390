"""``python -m app`` is `classification-api`."""

from app.cli import main

main()
