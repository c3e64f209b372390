"""What running the requests of a turn together brings: the API with each of them run through the model alone."""

from app import turns
from app.cli import main

turns.ENOUGH_ROWS = 1
main()
