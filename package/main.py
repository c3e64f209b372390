"""One row of a table through the installed package: prints what the model predicts for ``sample.csv`` as JSON."""

import csv
import json
from pathlib import Path

from classification_model.predict import make_prediction

ANSWER = ("predictions", "probabilities", "version", "warnings", "errors")


def main() -> None:
    """Read ``sample.csv`` beside this file, predict, and print the answer."""
    with Path(__file__).with_name("sample.csv").open(encoding="utf-8", newline="") as file:
        rows = [{name: value or None for name, value in row.items()} for row in csv.DictReader(file)]
    answer = make_prediction(input_data=rows)
    print(json.dumps({key: answer[key] for key in ANSWER}, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
