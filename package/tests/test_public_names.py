"""The public face of the package: which names it has, where they come from, and what importing it costs."""

from __future__ import annotations

import ast
import doctest
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import classification_model as cm
from classification_model.errors import MissingExtraError

SOURCE = Path(cm.__file__).read_text(encoding="utf-8")
NAMES = [name for name in cm.__all__ if name not in {"__version__", "errors"}]


def run(code: str) -> str:
    """Run Python in a fresh process and return what it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_public_names_are_these() -> None:
    """A name is added or removed here as well, and in the changelog."""
    assert cm.__all__ == sorted(cm.__all__)
    assert {*cm.__all__} == {
        *("Answer", "AnswerIssue", "Explanation", "LoggedAnswer", "make_prediction", "Predictor"),
        *("Manifest", "ModelStore", "packaged_model", "read_manifest", "verify", "set_champion"),
        *("MLEModel", "ServedModel", "PredictionLog", "LabelLog", "LogFaults", "DecisionEntry", "read_decisions"),
        *("ClassificationModel", "save_estimator", "load_config", "load_pipeline", "load_predictor"),
        *("read_labels", "read_log", "read_labelled_log", "with_labels", "monitor"),
        *("process_data", "read_table", "write_table", "register_source", "register_sink"),
        *("Outcome", "PromotionConfig", "SharedRows", "compare", "latency_of", "outcome_of"),
        *("Classifier", "Evaluation", "Visualize", "load", "train"),
        *("__version__", "errors"),
    }


def test_type_checkers_see_the_same_names() -> None:
    """What is imported for type checkers is what is imported when a name is used."""
    tree = ast.parse(SOURCE)
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name != "errors"
    }
    homes = {name: f"{cm.__name__}.{home}" for name, home in (cm._RUNTIME | cm._WORKSHOP).items()}
    assert seen == homes
    assert seen.keys() == {*NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_defined_where_it_says_and_its_docstring_has_an_example(name: str) -> None:
    """Each class and function has a docstring with an example, which `test_docstring_examples.py` runs."""
    value: Any = getattr(cm, name)
    home = (cm._RUNTIME | cm._WORKSHOP)[name]
    assert value.__module__ == f"{cm.__name__}.{home}"
    assert doctest.DocTestParser().get_examples(inspect.getdoc(value) or ""), name


@pytest.mark.parametrize("name", [name for name in NAMES if not inspect.isclass(getattr(cm, name))])
def test_a_public_function_is_typed(name: str) -> None:
    """Every parameter has a type, and what is returned is no bare dict of anything."""
    function = getattr(cm, name)
    signature = inspect.signature(function)
    assert all(parameter.annotation is not inspect.Parameter.empty for parameter in signature.parameters.values())
    assert signature.return_annotation is not inspect.Signature.empty
    assert "dict[str, Any]" not in str(signature.return_annotation)


@pytest.mark.parametrize("kind", [cm.Answer, cm.AnswerIssue, cm.DecisionEntry, cm.Explanation, cm.LoggedAnswer])
def test_the_types_of_answers_have_types_of_their_own(kind: Any) -> None:
    """A TypedDict can be evaluated, so that tools can read it."""
    assert get_type_hints(kind)


def test_an_answer_has_the_members_of_its_type(model_folder: Path) -> None:
    """`Answer`, `AnswerIssue` and `Explanation` name exactly what an answer holds."""
    assert model_folder.is_dir()
    good = {"name": "Kelly, Mr. James", "sex": "male", "pclass": 9, "ticket": "330911", "sibsp": 0, "parch": 0}
    answer = cm.make_prediction(input_data=[good, {"pclass": 3}], explain=True)
    assert answer.keys() == cm.Answer.__annotations__.keys()
    assert answer["errors"]
    assert answer["warnings"]
    for issue in answer["errors"] + answer["warnings"]:
        assert issue.keys() == cm.AnswerIssue.__annotations__.keys()
    explanation, nothing = answer["explanations"]
    assert explanation is not None
    assert explanation.keys() == cm.Explanation.__annotations__.keys()
    assert nothing is None


def test_importing_the_package_imports_nothing_heavy() -> None:
    """Neither numpy, pydantic nor another module of the package is imported before a name is used."""
    code = (
        "import sys, classification_model as cm\n"
        "print(cm.__version__)\n"
        "print(*(name for name in sys.modules if name.partition('.')[0] in {'numpy', 'pydantic', 'onnxruntime'}))\n"
        "print(*sorted(name for name in sys.modules if name.startswith('classification_model.')))"
    )
    version, heavy, own = f"{run(code)}\n".split("\n")[:3]
    assert (version, heavy) == (cm.__version__, "")
    assert {*own.split()} == {
        f"classification_model.{name}" for name in ("runtime", "runtime.model_folder", "runtime.model_folder.packaged")
    }


def test_a_name_is_looked_up_once() -> None:
    """After its first use it is an attribute like any other."""
    assert cm.Predictor is cm.Predictor
    assert "Predictor" in vars(cm)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A typo is answered as Python answers it."""
    with pytest.raises(AttributeError, match=r"module 'classification_model' has no attribute 'make_predictions'"):
        cm.make_predictions  # noqa: B018


def test_without_the_extra_a_name_that_trains_says_which_extra() -> None:
    """The error names the extra, and completion and help leave the name out."""
    hidden = "import sys\nsys.modules.update(dict.fromkeys(['sklearn', 'pandas']))\nimport classification_model as cm\n"
    assert run(f"{hidden}print('monitor' in dir(cm), 'make_prediction' in dir(cm))") == "False True"
    shown = run(f"{hidden}try:\n    cm.monitor\nexcept cm.errors.MissingExtraError as error:\n    print(error)")
    assert shown.startswith("classification_model.monitor needs ")
    assert "[train]" in shown
    assert issubclass(MissingExtraError, cm.errors.ClassificationModelError)


def test_help_shows_the_public_names() -> None:
    """`help(cm)` describes every name, each with its docstring."""
    shown = run("import pydoc, classification_model as cm; print(pydoc.render_doc(cm, renderer=pydoc.plaintext))")
    for name in NAMES:
        assert f"class {name}(" in shown or f"    {name}(" in shown or f" {name} = " in shown, name
