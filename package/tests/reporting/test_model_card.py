"""The model card: the author's words beside what training knows, and code that runs."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from problems import EVERY_KIND, make_config, make_table, train

from classification_model.config.core import load_config
from classification_model.runtime.model_folder.packaged import packaged_model
from classification_model.runtime.predictor import Predictor

pytestmark = pytest.mark.slow
SAID = {
    "intended_use": "To sort things\nby *colour*.\n\n# Not for people.",
    "limits": "Knows <b>no</b> pink.",
    "ethics": "Things | do not mind.",
    "contact": "colours@example.org",
}


def card_of(folder: Path, table: Any = None, **sections: Any) -> str:
    """Train, and return the card."""
    config = make_config(sections.pop("features", EVERY_KIND), folder=folder, **sections)
    report = train(make_table(200) if table is None else table, config)
    return (report.folder / "reports/model_card.md").read_text(encoding="utf-8")


def section_of(card: str, title: str) -> str:
    """Return the text of a section."""
    return card.partition(f"# {title}\n")[2].partition("\n# ")[0].strip()


def blocks_of(card: str) -> list[tuple[str, str]]:
    """Return language and content of each block of code, as a reader of Markdown finds them."""
    tokens = MarkdownIt().parse(card)
    return [(token.info, token.content) for token in tokens if token.type == "fence"]


def test_the_card_has_the_words_of_the_author(tmp_path: Path) -> None:
    """What the config says stands in the card as plain text in its paragraphs; limits that training knows follow."""
    card = card_of(tmp_path, card=SAID, data={"leakage": ["note"]}, features={"size": "numeric"})
    assert section_of(card, "Intended use") == "To sort things by \\*colour\\*.\n\n\\# Not for people."
    first, _, second = section_of(card, "Limits").partition("\n\n")
    assert first == "Knows &lt;b&gt;no&lt;/b&gt; pink."
    assert second.endswith("are not used: note.")
    assert section_of(card, "Ethics") == "Things \\| do not mind."
    assert section_of(card, "Contact") == "colours@example.org"


def test_what_the_author_leaves_out_is_generated(tmp_path: Path) -> None:
    """Without a section `card`, the card says what training knows, that nothing was said, and no contact."""
    card = card_of(tmp_path, features={"size": "numeric"})
    assert section_of(card, "Intended use").startswith("To predict colour, one of red, green, for rows like those")
    assert section_of(card, "Limits").startswith("A row with a value outside the training range")
    assert section_of(card, "Ethics").startswith("The author says nothing of whom this model may harm.")
    assert "# Contact" not in card


def odd_table() -> Any:
    """Make a table whose texts have quotes, HTML, backticks and line breaks."""
    table = make_table(200, gaps=0)
    table["shape"] = [f'it\'s <script> "{row % 3}" ``` \\ $HOME\nüß' for row in range(200)]
    return table.rename(columns={"size": "a 'size' <b>"})


ODD_FEATURES = {"a 'size' <b>": "numeric", "shape": "categorical", "open": "boolean", "day": "datetime"}


@pytest.mark.parametrize("odd", [False, True], ids=["plain", "odd"])
def test_the_code_of_the_card_runs(tmp_path: Path, odd: bool) -> None:
    """The Python predicts the row, and the JSON of the request has the same row, whatever its texts are."""
    card = card_of(tmp_path, odd_table(), features=ODD_FEATURES) if odd else card_of(tmp_path)
    (_, python), (_, request), (_, command) = blocks_of(section_of(card, "How to call it"))
    done = subprocess.run([sys.executable, "-c", python], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\['(red|green)'\] \[\{'red': [\d.e-]+, 'green': [\d.e-]+\}\]\n", done.stdout)
    (row,) = json.loads(shlex.split(request)[-1])["inputs"]
    assert row == ast.literal_eval(python.partition("row = ")[2].partition("\nanswer = ")[0])
    model = next(tmp_path.glob("classification_model_output_v*"))
    assert Predictor.load(model).predict([row])["warnings"] == []
    assert shlex.split(command)[:3] == ["classification-model", "predict", "rows.csv"]
    assert model.name in command
    assert "<script" not in card


def test_the_packaged_card_has_the_words_of_its_config() -> None:
    """The Titanic's card has a use, limits, ethics and a contact of its author, in paragraphs."""
    card = (packaged_model() / "reports" / "model_card.md").read_text(encoding="utf-8")
    said = load_config().card
    assert all(said.model_dump().values())
    assert section_of(card, "Ethics").replace("\\", "") == " ".join(said.ethics.split())
    assert "lifeboats of one night." in section_of(card, "Intended use")
