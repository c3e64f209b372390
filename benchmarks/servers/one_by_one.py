"""What running the requests of a turn together brings: the API with each of them run through the model alone."""

from app.cli import main
from app.predicting import turns

turns.ENOUGH_ROWS = 1
main()
