"""What is tested: the package that is meant, on each Python that it names."""

import os
import re
import sysconfig
import tomllib
from pathlib import Path

import classification_model

CHECKOUT = Path(__file__).resolve().parents[1]


def test_the_package_is_the_one_that_is_tested() -> None:
    """The checkout's package is imported, unless TESTED is wheel: then the one in site-packages."""
    folder = Path(classification_model.__file__).parent
    tested = os.environ.get("TESTED", "checkout")
    assert folder.parent == {"checkout": CHECKOUT, "wheel": Path(sysconfig.get_path("purelib"))}[tested]


def test_each_python_that_the_package_names_is_tested() -> None:
    """The classifiers are the default Python, which is the lowest, and those that tox runs the quick tests on."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    factors = re.search(
        r"^\[testenv:py\{([\d,]+)\}-fast\]$", (CHECKOUT / "tox.ini").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert factors is not None
    tested = ["3.11", *(f"3.{factor[1:]}" for factor in factors[1].split(","))]
    named = [last for line in project["classifiers"] if re.fullmatch(r"3\.\d+", last := line.rpartition(" ")[2])]
    assert (named, project["requires-python"]) == (tested, f">={tested[0]}")
