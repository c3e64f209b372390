"""Rows that the config leaves out because of their target."""

import pandas as pd
import pytest

from classification_model.config.core import parse_config
from classification_model.processing.left_out_rows import leave_out

CONFIG = """
app:
  name: prices
data:
  source: t.csv
  target: price
  target_bins: 2
  unlabelled: drop
  decimal: ","
  missing_values:
    - na
    - "-1"
"""


@pytest.mark.parametrize(
    ("cell", "is_kept"),
    [("1,5", True), ("-1.000", True), ("-1", False), ("-1,0", False), (-1.0, False), ("NA", False), ("", False)],
)
def test_a_target_that_is_a_number_is_missing_as_training_reads_it(cell: object, is_kept: bool) -> None:
    """With a decimal comma -1.000 is a thousand below zero, and -1,0 is the mark -1."""
    table = pd.DataFrame({"price": ["2,5", cell]}, dtype=object)
    kept, left_out = leave_out(table, parse_config(CONFIG).data, "t.csv")
    assert (len(kept), left_out.unlabelled) == ((2, 0) if is_kept else (1, 1))
