"""A clone of this repository in a temporary folder, in which everything of a rehearsal happens."""

from __future__ import annotations

import re
import tarfile
import tomllib
import zipfile
from pathlib import Path

from report import RehearsalError
from workflow import run

ROOT = Path(__file__).resolve().parents[2]
BRANCH = "rehearsal"
#: One quick estimator in the place of the candidates.
QUICK = "  candidates:\n    logistic_regression:\n      C: {c}\n\ngates:\n{gates}\n\nmonitoring:"


class Clone:
    """The clone, without a remote that could be pushed to.

    Parameters
    ----------
    folder
        Where to make it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "package" / "classification_model" / "config.yml"
        self.run("git", "clone", "--quiet", "--no-hardlinks", ROOT, folder, cwd=ROOT)
        self.run("git", "remote", "remove", "origin")
        self.run("git", "config", "user.name", "Rehearsal")
        self.run("git", "config", "user.email", "rehearsal@example.org")
        self.run("git", "checkout", "--quiet", "-B", BRANCH)

    @property
    def version(self) -> str:
        """What VERSION says."""
        return (self.folder / "package" / "classification_model" / "VERSION").read_text(encoding="utf-8").strip()

    @property
    def commit(self) -> str:
        """The last commit."""
        return self.run("git", "rev-parse", "HEAD").strip()

    @property
    def distribution(self) -> str:
        """Name of the package's distribution."""
        text = (self.folder / "package" / "pyproject.toml").read_text(encoding="utf-8")
        return str(tomllib.loads(text)["project"]["name"])

    def run(self, *command: str | Path, cwd: Path | None = None) -> str:
        """Run a command that has to succeed, in the clone unless another folder is given; return what it prints.

        Raises
        ------
        RehearsalError
            If it fails, with all that it printed.
        """
        done = run(command, cwd or self.folder)
        if done.returncode:
            msg = f"{' '.join(map(str, command))} failed with exit code {done.returncode}:\n{done.stdout}"
            raise RehearsalError(msg)
        return done.stdout

    def make_quick(self, c: float, gates: str) -> None:
        """Replace candidates and gates of the config, so that training is quick, and comes out as is asked for."""
        text = self.run("git", "show", "HEAD:package/classification_model/config.yml", cwd=ROOT)
        quick = QUICK.format(c=f"{c:.6f}", gates=f"  {gates}")
        changed, count = re.subn(r"  trials: .*?^monitoring:", quick, text, flags=re.DOTALL | re.MULTILINE)
        if count != 1:
            msg = f"{self.config.name}: expected training.trials, gates and monitoring in this order, found another"
            raise RehearsalError(msg)
        self.config.write_text(changed, encoding="utf-8")

    def bump(self, change: str) -> str:
        """Commit what was changed, with an entry in the changelog, and release the next patch; return its version."""
        changelog = self.folder / "CHANGELOG.md"
        text = changelog.read_text(encoding="utf-8")
        if not re.search(r"^## .*unreleased", text, re.IGNORECASE | re.MULTILINE):
            text = text.replace("\n## ", f"\n## Unreleased\n\n- {change}\n\n## ", 1)
            changelog.write_text(text, encoding="utf-8")
        if self.run("git", "status", "--porcelain", "--untracked-files=no"):
            self.run("git", "commit", "--quiet", "--all", f"--message={change}")
        self.run("make", "--no-print-directory", "bump", "PART=patch", "PYTHON=python")
        self.merge()
        return self.version

    def merge(self) -> None:
        """Let the default branch of the remote, which is not there, be at the last commit."""
        self.run("git", "update-ref", f"refs/remotes/origin/{BRANCH}", "HEAD")

    def ignore(self, *names: str) -> None:
        """Let git overlook files, as it does for whoever has them in a `.gitignore` of their own."""
        with (self.folder / ".git" / "info" / "exclude").open("a", encoding="utf-8") as file:
            file.writelines(f"/{name}\n" for name in names)

    def forget_models(self) -> None:
        """Remove trained models, as a new checkout has none."""
        self.run("rm", "-rf", self.folder / "package" / "classification_model" / "trained_models")


def holds(archive: Path, secret: bytes) -> bool:
    """Tell whether a text is in an archive, or in a file in it."""
    if secret in archive.read_bytes():
        return True
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return any(secret in name.encode() + wheel.read(name) for name in wheel.namelist())
    with tarfile.open(archive) as sdist:
        files = (sdist.extractfile(member) for member in sdist.getmembers())
        return any(secret in file.read() for file in files if file is not None)
