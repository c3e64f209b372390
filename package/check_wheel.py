"""Prove what ``python -m build`` put into a folder: repeatable, and a working package far from this repository.

Builds a second time and compares bytes; installs the wheel alone, without extras, into an empty environment in a
temporary folder; there, sees that no workshop came with it, verifies the model, predicts ``sample.csv``, and sees that
a changed byte is refused.
"""

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).parent
#: What a base install must not bring.
WORKSHOP = {"feature-engine", "joblib", "onnx", "pandas", "pyarrow", "scikit-learn", "scipy"}


def main(dist: Path) -> None:
    """Check the sdist and the wheel in `dist`, or exit with one line that says what does not hold.

    Parameters
    ----------
    dist : Path
        A folder that holds one sdist and one wheel, and nothing else.

    Raises
    ------
    SystemExit
        If a check fails.
    """
    with tempfile.TemporaryDirectory() as name:
        temporary = Path(name)
        check_repeats(dist, temporary / "again")
        (wheel,) = dist.glob("*.whl")
        check_installed(wheel, temporary / "env")


def check_repeats(dist: Path, again: Path) -> None:
    """Build into `again` and compare with `dist`, byte by byte."""
    run(sys.executable, "-m", "build", "--outdir", again, HERE)
    for first, second in zip(sorted(dist.iterdir()), sorted(again.iterdir()), strict=True):
        if first.name != second.name or first.read_bytes() != second.read_bytes():
            raise SystemExit(f"{first} differs from {second.name} of a second build")
        print(f"{first.name}: two builds, the same bytes")


def check_installed(wheel: Path, env: Path) -> None:
    """Install `wheel` into the new environment `env`; verify, predict, and see that changed models are refused."""
    venv.create(env, with_pip=True)
    programs = env / ("Scripts" if sys.platform == "win32" else "bin")
    python, verify = programs / "python", (str(programs / "classification-model"), "verify")
    run(python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", wheel.resolve())

    installed = json.loads(run(python, "-m", "pip", "--disable-pip-version-check", "list", "--format", "json"))
    names = sorted(item["name"] for item in installed)
    if WORKSHOP & {name.lower().replace("_", "-") for name in names}:
        raise SystemExit(f"{wheel.name} brings the workshop: {', '.join(names)}")
    print(f"{wheel.name}: a base install is {', '.join(names)}")

    run(*verify, cwd=env)
    # -I keeps the source tree, where main.py lies, out of the import path.
    answer = json.loads(run(python, "-I", HERE / "main.py", cwd=env))
    if answer["errors"] or answer["version"] != wheel.name.split("-")[1]:
        raise SystemExit(f"{wheel.name} does not predict sample.csv: {answer}")
    print(f"{wheel.name}: predicts {answer['predictions']}, version {answer['version']}")

    for model in sorted(path for kind in ("onnx", "pkl") for path in env.glob(f"**/trained_models/*/*.{kind}")):
        whole = model.read_bytes()
        content = bytearray(whole)
        content[len(content) // 2] ^= 1
        model.write_bytes(content)
        refused = subprocess.run(verify, cwd=env, capture_output=True, text=True, check=False)
        if refused.returncode == 0 or model.name not in refused.stdout + refused.stderr:
            raise SystemExit(f"verify does not refuse a changed {model.name}: {refused.stdout}{refused.stderr}")
        model.write_bytes(whole)
        print(f"{wheel.name}: a changed byte in {model.name} is refused")


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a command, return what it printed, and exit with its error where it fails."""
    print("$", *command, flush=True)
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{done.stdout}\n{Path(command[0]).name} failed with exit code {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]))
