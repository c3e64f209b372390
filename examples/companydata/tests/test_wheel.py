"""The package as somebody installs it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

HERE = Path(__file__).resolve().parents[1]


def test_the_wheel_has_the_package_alone_and_works_from_it(tmp_path: Path) -> None:
    """It holds `data_science` with its config, requires nothing of ours by name, and works when installed."""
    copy = tmp_path / "source"
    shutil.copytree(HERE, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build"))
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(tmp_path), str(copy)]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        (metadata,) = [archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA")]
    assert names == {str(path.relative_to(HERE)) for path in (HERE / "data_science").glob("*.*") if path.is_file()}
    assert "classification" not in metadata.replace("\n", " ").partition("Requires-Dist")[2]
    code = "import data_science.model as m; print(m.__file__); print(m.RepeatPurchaseModel().trainer.config.app.name)"
    target = tmp_path / "installed"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            *options[:1],
            "--no-index",
            "--quiet",
            "--target",
            str(target),
            str(wheel),
        ],
        check=True,
    )
    run = f"import sys; sys.path.insert(0, {str(target)!r}); {code}"
    lines = subprocess.run([sys.executable, "-c", run], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert lines.splitlines() == [str(target / "data_science" / "model.py"), "Repeat purchases"]
