"""How good predictions are: metrics with intervals, on all rows and on parts of them."""
