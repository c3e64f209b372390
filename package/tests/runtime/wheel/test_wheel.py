"""A model folder as a wheel of its own: what is in it, and that it works where it is installed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution, packages_distributions
from pathlib import Path
from typing import Any

import pytest
from commands import Command, everything_below, shell
from environments import make_environment, site_packages
from markdown_it import MarkdownIt
from packaging.metadata import Metadata
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version
from problems import CLASSES, EVERY_KIND, make_config, make_table, train

from classification_model.errors import ArtifactError, InputError, VerificationError
from classification_model.predict import Predictor
from classification_model.runtime.model_folder.manifest import seal
from classification_model.runtime.model_folder.packaged import package_version
from classification_model.runtime.wheel.build import build_wheel
from classification_model.runtime.wheel.markdown import as_text
from classification_model.runtime.wheel.naming import normalise_license, normalise_version, runtime_distribution

pytestmark = pytest.mark.slow


VERSION = package_version()
ROWS: list[dict[str, Any]] = [
    {"size": 2.5, "shape": "cube", "note": "now 1 pieces", "day": "2024-03-01"},
    {"size": -1, "shape": "disc", "note": None},
]
#: Labels and columns that mean something to Markdown, HTML, templates, Python and the lines of metadata.
ODD_LABELS = ("~~~", "# $name | `x`\n[a](b) <img src=x>", '1. \N{CJK UNIFIED IDEOGRAPH-8A9E} \N{PILE OF POO} "q" \\')
ODD_COLUMNS = {"size": "si|ze <b>*x*</b> ```", "shape": 'Gr\xf6\xdfe "q" $x\\', "open": "- no_te"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a small model with a feature of every kind; give its folder."""
    folder = tmp_path_factory.mktemp("one")
    return train(make_table(), make_config(folder=folder, app={"name": "Colours | <b>of</b> things"})).folder


@pytest.fixture(scope="module")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train another small model, of three classes and one feature."""
    config = make_config({"size": EVERY_KIND["size"]}, classes=3, folder=tmp_path_factory.mktemp("other"))
    return train(make_table(classes=3), config).folder


@pytest.fixture(scope="module")
def odd_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a model whose name, labels and columns are as odd as a config lets them be."""
    table = make_table(classes=3).rename(columns=ODD_COLUMNS)
    table["colour"] = table["colour"].map(dict(zip(CLASSES, ODD_LABELS, strict=True)))
    config = make_config(
        {ODD_COLUMNS[name]: EVERY_KIND[name] for name in ODD_COLUMNS},
        folder=tmp_path_factory.mktemp("odd"),
        app={"name": "- Odd\nLicense: none\r\n\n# <b>x</b>"},
        data={"classes": {label: label for label in ODD_LABELS}},
    )
    return train(table, config).folder


@pytest.fixture(scope="module")
def odd_wheel(odd_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of the odd model."""
    return build_wheel(odd_model, "odd-things", output=tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def wheel(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of the small model."""
    return build_wheel(model, "Churn.Model", output=tmp_path_factory.mktemp("dist"), license_expression="MIT")


@pytest.fixture(scope="module")
def site(wheel: Path, odd_wheel: Path, other_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install wheels with pip in an environment of their own, which sees the runtime; give its site-packages."""
    environment = tmp_path_factory.mktemp("environment")
    python = make_environment(environment)
    second = build_wheel(other_model, "other-colours", output=wheel.parent, version="2.0rc1")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-index", "--no-compile"]
    done = subprocess.run([*pip, wheel, second, odd_wheel], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return site_packages(environment)


def python(site: Path) -> Path:
    """Return the interpreter of an environment."""
    return site.parents[2] / "bin" / "python"


def run(site: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the interpreter of an environment far from this repository and from the model."""
    return subprocess.run(
        [python(site), *arguments],
        cwd=site.parent,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def metadata(wheel: Path) -> Metadata:
    """Return the core metadata of a wheel, which hold by the specification."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Metadata.from_email(archive.read(name), validate=True)


def description(wheel: Path) -> str:
    """Return the long description of a wheel."""
    text = metadata(wheel).description
    assert text is not None
    return text


def resealed(model: Path, folder: Path, **changes: Any) -> Path:
    """Copy a model folder under another manifest, which is sealed."""
    copy = shutil.copytree(model, folder / "resealed")
    path = copy / "manifest.json"
    path.write_bytes(seal(json.loads(path.read_bytes()) | changes))
    return copy


# What is in it


def test_row_40_two_wheels_of_one_model_are_the_same_bytes(model: Path, wheel: Path, tmp_path: Path) -> None:
    """A second build, from a copy of the folder whose files have other dates, gives the same bytes."""
    copy = shutil.copytree(model, tmp_path / "copy")
    for path in copy.rglob("*"):
        os.utime(path, (10**9, 10**9))
    again = build_wheel(copy, "churn_model", output=tmp_path / "dist", license_expression="MIT")
    assert again.name == wheel.name == f"churn_model-{VERSION}-py3-none-any.whl"
    assert again.read_bytes() == wheel.read_bytes()
    assert list(again.parent.iterdir()) == [again]


@pytest.mark.parametrize(
    "circumstances",
    [
        "umask 077; env TZ=Pacific/Kiritimati LC_ALL=C PYTHONUTF8=0 PYTHONHASHSEED=7",
        "umask 000; mkdir deep; cd deep; env TZ=America/St_Johns LC_ALL=C.UTF-8 PYTHONHASHSEED=8",
    ],
)
def test_it_is_the_same_bytes_under_any_circumstances(
    circumstances: str, model: Path, wheel: Path, tmp_path: Path
) -> None:
    """Neither umask, time zone, locale, seed of hashes nor working folder reach the bytes."""
    done = shell(f"{circumstances} $MODEL wheel {model} --name churn-model --license mit --output out", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    (built,) = tmp_path.rglob("churn_model-*.whl")
    assert built.read_bytes() == wheel.read_bytes()


def test_entries_are_sorted_with_one_mode_and_the_date_of_the_model(
    model: Path, wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive says nothing of the machine; SOURCE_DATE_EPOCH stands in for the day the model was made."""
    created = json.loads((model / "manifest.json").read_bytes())["created"]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    early = build_wheel(model, "churn-model", output=tmp_path)
    dates = {}
    for path in (wheel, early):
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
        package = [entry.filename for entry in entries if ".dist-info/" not in entry.filename]
        assert package == sorted(package)
        assert [entry.filename.rpartition("/")[2] for entry in entries[len(package) :]] == [
            "METADATA",
            "WHEEL",
            "RECORD",
        ]
        assert {entry.external_attr >> 16 for entry in entries} == {0o100644}
        (dates[path],) = {entry.date_time for entry in entries}
    year, month, day, hour, minute, _ = dates[wheel]
    assert created.startswith(f"{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:")
    assert dates[early] == (2001, 9, 9, 1, 46, 40)


def test_the_model_folder_is_in_it_byte_for_byte(model: Path, wheel: Path) -> None:
    """Every file of the model folder, manifest and reports included, is in the package as it is."""
    with zipfile.ZipFile(wheel) as archive:
        inside = {name: archive.read(name) for name in archive.namelist() if name.startswith("churn_model/model/")}
    assert inside == {f"churn_model/model/{name}": content for name, content in everything_below(model).items()}
    assert "churn_model/model/reports/model_card.md" in inside


def test_twine_and_the_specification_find_no_fault(wheel: Path, odd_wheel: Path) -> None:
    """`twine check --strict` passes, and so does the validation of the core metadata."""
    twine = [sys.executable, "-m", "twine", "check", "--strict"]
    done = subprocess.run([*twine, wheel, odd_wheel], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    checked = metadata(wheel)
    assert (checked.name, str(checked.version), checked.license_expression) == ("churn-model", VERSION, "MIT")
    assert checked.summary == "Colours | <b>of</b> things: predicts one of red, green"
    odd = metadata(odd_wheel)
    assert odd.summary == f"- Odd License: none # <b>x</b>: predicts one of {', '.join(ODD_LABELS)}".replace("\n", " ")
    assert odd.license_expression is None


def test_it_requires_nothing_that_an_installer_would_look_for_by_name(wheel: Path) -> None:
    """The extra `runtime` alone requires the runtime, in its local version; `batch` lists what the runtime's does."""
    checked, name = metadata(wheel), runtime_distribution().name
    requirements = [requirement for requirement in checked.requires_dist or [] if requirement.name == name]
    assert [str(requirement) for requirement in requirements] == [f'{name}=={VERSION}+runtime; extra == "runtime"']
    assert checked.provides_extra == ["runtime", "batch"]
    others = [requirement for requirement in checked.requires_dist or [] if requirement.name != name]
    assert {str(requirement.marker) for requirement in others} == {'extra == "batch"'}
    assert "pyarrow" in {requirement.name for requirement in others}


def test_it_names_the_versions_of_the_runtime_that_do(wheel: Path) -> None:
    """Whatever this distribution is called, its versions up to the next major one do, and that of its wheel."""
    (external,) = metadata(wheel).requires_external or []
    requirement = Requirement(external)
    assert requirement.name == runtime_distribution().name
    assert requirement.specifier.contains(f"{VERSION}+runtime")
    assert not requirement.specifier.contains(f"{Version(VERSION).major + 1}.0")


def test_odd_names_are_shown_as_they_are(wheel: Path, odd_wheel: Path) -> None:
    """Read as Markdown, the long description has the same parts whatever labels and columns are called, and no HTML."""
    markdown = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    parts, shown = {}, {}
    for path in (wheel, odd_wheel):
        tokens = markdown.parse(description(path))
        below = [token for token in tokens if token.type == "inline"]
        assert {child.type for token in below for child in token.children or ()} <= {"text", "code_inline", "softbreak"}
        parts[path] = [token.type for token in tokens if token.type != "inline" and token.level == 0]
        shown[path] = {"".join(child.content for child in token.children or ()) for token in below}
    assert parts[odd_wheel] == parts[wheel]
    assert set(ODD_COLUMNS.values()) <= shown[odd_wheel]


def test_a_description_cannot_add_lines_to_the_metadata(model: Path, tmp_path: Path) -> None:
    """Line breaks in what the user gives become blanks."""
    built = build_wheel(
        model, "churn-model", output=tmp_path, description="Who\nLicense: none\n\n# leaves", author="J\r\nX: y"
    )
    fields = metadata(built)
    assert (fields.summary, fields.author, fields.license) == ("Who License: none # leaves", "J X: y", None)


@pytest.mark.parametrize("author", ["j@x.org", "J\xfcrgen <j@x.org>", '"Smith, J." <j.smith@x.co.uk>'])
def test_an_author_with_an_address_is_a_mailbox(author: str, model: Path, tmp_path: Path) -> None:
    """Indexes keep addresses in a field of their own."""
    checked = metadata(build_wheel(model, "churn-model", output=tmp_path, author=author))
    assert (checked.author, checked.author_email) == (None, author)


# Where it is installed


def test_it_predicts_what_the_model_folder_predicts(model: Path, other_model: Path, site: Path) -> None:
    """Two models in one process, each by either of its imports, answer as `Predictor` does for their folders."""
    rows = json.dumps(ROWS)
    done = run(
        site,
        "-c",
        "import json, churn_model, other_colours.predict\n"
        "from churn_model import make_prediction\n"
        f"rows = json.loads({rows!r})\n"
        "sizes = [{'size': row['size']} for row in rows]\n"
        "one, other = make_prediction(input_data=rows, explain=True), other_colours.make_prediction(input_data=sizes)\n"
        "assert churn_model.predict.make_prediction(input_data=rows, explain=True) == one\n"
        "assert other_colours.predict.make_prediction(input_data=sizes) == other\n"
        "print(json.dumps([one, other, churn_model.__version__, other_colours.__version__]))",
    )
    assert done.returncode == 0, done.stderr
    one, other, *versions = json.loads(done.stdout)
    assert one == Predictor.load(model).predict(ROWS, explain=True)
    assert other == Predictor.load(other_model).predict([{"size": row["size"]} for row in ROWS])
    assert set(one["probabilities"][0]) < set(other["probabilities"][0])
    assert versions == [VERSION, "2.0rc1"]


def beyond_the_base_install() -> list[str]:
    """Return the modules installed here that the base install of this distribution does not bring."""
    waiting, brought = [runtime_distribution().name], set()
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in brought:
            brought.add(name)
            requirements = map(Requirement, distribution(name).requires or ())
            waiting += [one.name for one in requirements if one.marker is None or one.marker.evaluate({"extra": ""})]
    modules = packages_distributions().items()
    return sorted(module for module, names in modules if brought.isdisjoint(map(canonicalize_name, names)))


def test_the_base_install_is_enough_to_predict_and_verify(model: Path, site: Path) -> None:
    """Where nothing but the base install can be imported, it predicts the same and verifies itself."""
    absent = beyond_the_base_install()
    assert {"pandas", "sklearn", "feature_engine", "joblib", "onnx", "pyarrow", "scipy", "strictyaml"} <= set(absent)
    hide = f"import sys; sys.modules.update(dict.fromkeys({absent!r}))\n"
    rows = json.dumps(ROWS)
    predicted = run(
        site,
        "-c",
        f"{hide}import json, churn_model\n"
        f"print(json.dumps(churn_model.make_prediction(input_data=json.loads({rows!r}))))",
    )
    assert predicted.returncode == 0, predicted.stderr
    assert json.loads(predicted.stdout) == Predictor.load(model).predict(ROWS)
    verified = run(
        site,
        "-c",
        f"{hide}import runpy; sys.argv[1:] = ['verify']\n"
        "runpy.run_module('churn_model', run_name='__main__', alter_sys=True)",
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    assert verified.stdout == run(site, "-m", "churn_model", "verify").stdout


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("churn_model.make_prediction(input_data=[{'size': 1.0}, {}])", None),
        ("import joblib; joblib.load(next(churn_model.model_folder().glob('*.pkl')))", "unpickled"),
        ("import pickle; pickle.loads(pickle.dumps(1))", "unpickled"),
    ],
    ids=["predicting", "as joblib would", "as pickle would"],
)
def test_nothing_is_unpickled(code: str, message: str | None, site: Path) -> None:
    """Predicting ends well where every unpickling ends the process, and never imports what the pipeline needs."""
    done = run(
        site,
        "-c",
        "import pickle, sys, churn_model\n"
        "def refuse(*_): sys.exit('unpickled')\n"
        "pickle.load = pickle.loads = refuse\n"
        "sys.addaudithook(lambda event, _: event == 'pickle.find_class' and refuse())\n"
        f"{code}\n"
        "assert not {'pandas', 'sklearn', 'joblib', 'feature_engine'} & set(sys.modules)\n",
    )
    assert (done.returncode, done.stderr.strip() or None) == (0 if message is None else 1, message)


def test_importing_it_loads_nothing_and_many_threads_load_it_once(site: Path) -> None:
    """The import brings no runtime; threads that come together wait for one loading of the model."""
    done = run(
        site,
        "-c",
        "import sys, churn_model\n"
        "assert not {'classification_model', 'numpy'} & set(sys.modules)\n"
        "assert not hasattr(churn_model, 'else')\n"
        "import time\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from classification_model.predict import Predictor\n"
        "from churn_model.predict import predictor\n"
        "load, loaded = Predictor.load, []\n"
        "def slow(folder):\n"
        "    loaded.append(folder)\n"
        "    time.sleep(0.2)\n"
        "    return load(folder)\n"
        "Predictor.load = slow\n"
        "with ThreadPoolExecutor(8) as threads:\n"
        "    found = set(threads.map(lambda _: predictor(), range(8)))\n"
        "assert len(found) == 1 and loaded == [churn_model.model_folder()], loaded\n",
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("built", ["wheel", "odd_wheel"])
def test_the_example_of_its_description_runs_and_gives_what_it_says(
    built: str, site: Path, request: pytest.FixtureRequest
) -> None:
    """The Python of the long description, copied as it is, gives the probabilities named below it."""
    text = description(request.getfixturevalue(built))
    (code,) = re.findall(r"```python\n(.*?)\n```", text, re.DOTALL)
    done = run(site, "-c", f"import json\n{code}\nprint(json.dumps(answer))")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["errors"] is None
    given = as_text(", ".join(f"{label} {value:.4f}" for label, value in answer["probabilities"][0].items()))
    assert f"\nThe probabilities of this example are {given}.\n" in text


def test_verify_says_yes_and_counts_the_installed_files(site: Path) -> None:
    """`python -m churn_model verify` holds model and installed files, of its own wheel only."""
    done = run(site, "-m", "churn_model", "verify")
    record = (site / f"churn_model-{VERSION}.dist-info" / "RECORD").read_text(encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"yes: Colours | <b>of</b> things, version {VERSION}: ")
    assert done.stdout.splitlines()[0].endswith(f", and {record.count('sha256=')} files of the installed package")


def test_predict_reads_a_file(site: Path, tmp_path: Path) -> None:
    """`python -m other_colours predict FILE` predicts with that model, each row of the file."""
    (tmp_path / "rows.csv").write_text("size\n4.5\n-3\n", encoding="utf-8")
    done = run(site, "-m", "other_colours", "predict", str(tmp_path / "rows.csv"))
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split(",")[:2] for line in done.stdout.splitlines()[1:]] == [["4.5", "blue"], ["-3", "red"]]


@pytest.mark.parametrize("arguments", [(), ("teach",), ("verify", "x")])
def test_a_call_that_cannot_be_understood_ends_with_2(arguments: tuple[str, ...], site: Path) -> None:
    """Without a command, or with one it does not have, usage is on standard error."""
    done = run(site, "-m", "churn_model", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: python -m churn_model" in done.stderr.replace("Usage", "usage")


@pytest.fixture
def flipped(site: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Flip a bit of an installed file; give its path."""
    (path,) = site.glob(request.param)
    whole = path.read_bytes()
    path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    yield path.relative_to(site).as_posix()
    path.write_bytes(whole)


@pytest.mark.parametrize(
    "flipped", ["churn_model/model/*.pkl", "churn_model/model/core.onnx", "churn_model/__init__.py"], indirect=True
)
def test_a_flipped_bit_is_refused(flipped: str, site: Path) -> None:
    """A changed file, of the model or of the package around it, is named with both hashes, and ends with 1."""
    actual = hashlib.sha256((site / flipped).read_bytes()).hexdigest()
    done = run(site, "-m", "classification_model", "verify", str(site / "churn_model" / "model"))
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(
        rf"error: {flipped} was changed: expected sha256 \w{{64}}, found {actual}: reinstall it\n", done.stderr
    )


@pytest.mark.parametrize("flipped", ["churn_model/model/*.pkl"], indirect=True)
def test_a_changed_model_predicts_nothing(flipped: str, site: Path) -> None:
    """`make_prediction` of a wheel whose model was changed raises before anything is loaded from it."""
    done = run(site, "-c", "import churn_model; churn_model.make_prediction(input_data=[])")
    assert done.returncode == 1
    assert f"VerificationError: {Path(flipped).name} was changed: expected sha256 " in done.stderr


def test_a_record_that_is_no_text_is_said_to_be_changed(site: Path) -> None:
    """A damaged RECORD is one line that names the package, and ends with 1."""
    record = site / f"churn_model-{VERSION}.dist-info" / "RECORD"
    whole = record.read_bytes()
    record.write_bytes(b"\xff" + whole)
    done = run(site, "-m", "churn_model", "verify")
    record.write_bytes(whole)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: RECORD of the installed churn-model was changed: reinstall it\n"


def test_a_model_can_be_packed_again_under_the_name_it_is_installed_by(model: Path, site: Path, tmp_path: Path) -> None:
    """The next version of an installed model keeps its name, which is refused only to other packages."""
    options = ["--name", "churn-model", "--version", "9.0", "--output", str(tmp_path)]
    done = run(site, "-m", "classification_model", "wheel", str(model), *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in tmp_path.glob("churn*")] == ["churn_model-9.0-py3-none-any.whl"]


# What is refused


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", "expected letters, digits"),
        ("-churn", "expected letters, digits"),
        ("churn model", "expected letters, digits"),
        ("churn\n", "expected letters, digits"),
        ("chürn", "expected letters, digits"),
        ("../churn", "expected letters, digits"),
        ("1st-model", "'1st_model' cannot be imported"),
        ("Class", "'class' cannot be imported"),
        ("json", "'json' is a module of Python itself"),
        ("Test", "'test' is a module of Python itself"),
        ("Classification.Model", "that is the package which runs the model"),
        ("NumPy", r"the installed numpy \S+ has that name"),
        ("scikit_learn", r"the installed scikit-learn \S+ has that name"),
        ("sklearn", r"the installed scikit-learn \S+ has that name"),
    ],
)
def test_a_name_that_cannot_be_or_is_taken_is_refused(name: str, expected: str, model: Path, tmp_path: Path) -> None:
    """A name by which nothing can be installed or imported, or which would replace something, is answered with why."""
    with pytest.raises(InputError, match=rf"^a wheel cannot be called .*: {expected}"):
        build_wheel(model, name, output=tmp_path / "dist")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"version": "banana"}, "expected a PEP 440 version such as 1.0.0, found 'banana': set --version"),
        ({"version": "1" * 5000}, "expected a PEP 440 version .*, found '1{100}'"),
        ({"created": "yesterday"}, "created in manifest.json: expected a time, found 'yesterday': train the model"),
        (
            {"compiled": None, "not_compiled": "no converter"},
            r"has no compiled model \(no converter\): change its config",
        ),
    ],
)
def test_a_manifest_that_no_wheel_can_be_made_of_is_refused(
    changes: dict[str, Any], expected: str, model: Path, tmp_path: Path
) -> None:
    """A version or date that cannot be understood, and a model without a compiled form, are errors with a remedy."""
    with pytest.raises((InputError, ArtifactError), match=expected):
        build_wheel(resealed(model, tmp_path, **changes), "churn-model", output=tmp_path / "dist")
    assert not (tmp_path / "dist").exists()


def test_the_version_of_a_retrained_model_is_written_in_its_normal_form(model: Path, tmp_path: Path) -> None:
    """A local version with a time in it makes a file name that installers read."""
    folder = resealed(model, tmp_path, version="1.2.0+20260102T030405.00ab")
    built = build_wheel(folder, "churn-model", output=tmp_path)
    assert built.name == "churn_model-1.2.0+20260102t030405.00ab-py3-none-any.whl"
    assert parse_wheel_filename(built.name)[1] == metadata(built).version


def test_versions_and_licences_get_their_normal_forms() -> None:
    """One spelling stands for all that mean the same."""
    assert normalise_version(" v1.0.0-RC.1+Ubuntu-01\n") == "1.0.0rc1+ubuntu.1"
    assert normalise_license("mit or apache-2.0") == "MIT OR Apache-2.0"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--license", "all mine"], "expected an SPDX licence expression such as MIT .*, found 'all mine'"),
        (["--license", "ISC-ISH"], "expected an SPDX licence expression such as MIT .*, found 'ISC-ISH'"),
        (["--version", "one"], "expected a PEP 440 version such as 1.0.0, found 'one': set --version"),
        (["--description", "x" * 513], "expected a description of at most 512 characters, found 513"),
        (["--description", " "], "expected a description of at most 512 characters, found 0"),
        (["--author", "J <j@x"], "expected an author such as .*, found 'J <j@x'"),
        (["--author", ""], "expected an author such as .*, found ''"),
        (
            ["--output", "MODEL/dist"],
            "expected an output folder outside the model folder, found MODEL/dist: set another --output",
        ),
        (
            ["--output", "MODEL"],
            "expected an output folder outside the model folder, found MODEL: set another --output",
        ),
        (["--output", "file"], r"file/churn_model-\S+\.whl cannot be written: .+"),
        (["--output", "taken"], r"taken/churn_model-\S+\.whl cannot be written: Is a directory"),
    ],
)
def test_a_bad_option_is_one_line_and_leaves_nothing(
    options: list[str], expected: str, command: Command, model: Path, tmp_path: Path
) -> None:
    """Each is answered on standard error with exit code 2, and no file is made or changed."""
    shutil.copytree(model, tmp_path / "MODEL")
    (tmp_path / "file").touch()
    (tmp_path / "taken" / f"churn_model-{VERSION}-py3-none-any.whl").mkdir(parents=True)
    before = everything_below(tmp_path)
    done = command("wheel", "MODEL", "--name", "churn-model", *options)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(rf"error: {expected}\n", done.err)
    assert everything_below(tmp_path) == before


def test_a_date_that_is_no_number_is_refused(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SOURCE_DATE_EPOCH is seconds since 1970 or an error that says so."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "now")
    with pytest.raises(
        InputError, match=r"^environment variable SOURCE_DATE_EPOCH: expected seconds since 1970, found 'now'$"
    ):
        build_wheel(model, "churn-model", output=tmp_path / "dist")
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize("name", ["manifest.json", "core.onnx", "reports/report.html"])
def test_row_39_a_changed_model_is_not_packed(name: str, model: Path, tmp_path: Path) -> None:
    """A folder with a changed byte makes no wheel, and the file is named."""
    copy = shutil.copytree(model, tmp_path / "copy")
    whole = (copy / name).read_bytes()
    (copy / name).write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    with pytest.raises(VerificationError, match=f"^{name} was changed: expected sha256"):
        build_wheel(copy, "churn-model", output=tmp_path / "dist")
    assert not (tmp_path / "dist").exists()


def test_a_folder_without_a_model_is_not_packed(command: Command) -> None:
    """What is no model folder is said to be none, with exit code 2."""
    done = command("wheel", "nowhere", "--name", "churn-model")
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(r"error: expected a model in nowhere, found .*\n", done.err)


def test_a_full_disk_leaves_the_former_wheel(model: Path, tmp_path: Path) -> None:
    """When no more can be written, that is one line, and under the final name lies what lay there before."""
    path = tmp_path / "dist" / f"churn_model-{VERSION}-py3-none-any.whl"
    path.parent.mkdir()
    path.write_bytes(b"former")
    done = shell(f"ulimit -f 8; $MODEL wheel {model} --name churn-model", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: dist/{path.name} cannot be written: File too large\n"
    assert everything_below(tmp_path) == {f"dist/{path.name}": b"former"}


def test_the_command_says_what_to_install(command: Command, model: Path) -> None:
    """Both wheels lie in `dist` unless told otherwise, and the next command is spelled out, quoted for a shell."""
    runtime = f"{runtime_distribution().name.replace('-', '_')}-{VERSION}+runtime-py3-none-any.whl"
    for folder, quote in (("dist", ""), ("my dist", "'")):
        done = command("wheel", model, "--name", "churn-model", *(["--output", folder] if quote else []))
        path, beside = (Path(folder) / name for name in (f"churn_model-{VERSION}-py3-none-any.whl", runtime))
        assert (done.code, done.err) == (0, "")
        assert done.out == f"{path} is built: pip install {quote}{path}{quote} {quote}{beside}{quote}\n"
        assert sorted(Path(folder).iterdir()) == [path, beside]
