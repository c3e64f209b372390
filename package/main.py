"""One row of a table through the installed package: prints what the model predicts for ``sample.csv`` as JSON."""

import csv
import json
from pathlib import Path

import classification_model as cm


def main() -> None:
    """Read ``sample.csv`` beside this file, predict, and print the answer."""
    with Path(__file__).with_name("sample.csv").open(encoding="utf-8", newline="") as file:
        rows = [{name: value or None for name, value in row.items()} for row in csv.DictReader(file)]
    answer = cm.make_prediction(input_data=rows)
    print(json.dumps(answer, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
