"""What a release does: publish a version that is no worse than the last one, and that can be installed and served."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path

from clone import Clone, holds
from github import GitHub
from index import Index
from installed import install, served_answer
from report import RehearsalError, Report
from workflow import Runner

_LARGEST_WHEEL = 5_000_000
#: Where somebody may leave a secret in a checkout.
_SECRETS = (".env", "package/.env", "package/classification_model/.env", "package/tests/.env", "credentials.json")


@dataclass
class Accepted:
    """A release that passes, after an earlier one.

    Attributes
    ----------
    folder
        A temporary folder.
    report, clone, runner, index, github
        Where steps are printed, the clone, what runs its workflow, and what it publishes to.
    """

    folder: Path
    report: Report
    clone: Clone
    runner: Runner
    index: Index
    github: GitHub

    def release_and_use(self) -> None:
        """Release a version, download, install and serve it."""
        self._release_earlier_version()
        secret = self._plant_secrets()
        with self.report.step("make bump PART=patch"):
            version = self.clone.bump("The second version of a rehearsal.")
        self._run_workflow(version)
        wheel = self._published(version, secret)

        with self.report.step("Download the wheel from the index by pip: exact version, hash of the release"):
            downloaded = self.folder / "downloaded" / wheel.name
            requirement, digest = f"{self.clone.distribution}=={version}", self.github.digest(version, wheel.name)
            done = self.index.download(requirement, digest, downloaded.parent)
            if done.returncode or downloaded.read_bytes() != wheel.read_bytes():
                msg = f"the wheel cannot be downloaded as it was released:\n{done.stdout}"
                raise RehearsalError(msg)
        with self.report.step("Install the file in an empty environment, with the API by path"):
            programs = install(self.folder / "environment", downloaded, self.clone.folder / "classification_api")
        with self.report.step("Serve it, and predict"):
            answer = served_answer(programs, self.folder / "service")
        if answer["version"] != version or answer["errors"] is not None:
            msg = f"expected an answer of version {version}, found {answer}"
            raise RehearsalError(msg)
        self.report.note(f"{answer['predictions'][0]}, says version {answer['version']}")

    def _release_earlier_version(self) -> None:
        """Put a version on GitHub to compare with: a simpler model. Nothing is earlier, so that it is not compared."""
        clone, config = self.clone, self.clone.config.read_text(encoding="utf-8")
        with self.report.step("make bump PART=patch, for an earlier version with a simpler model"):
            clone.make_quick(1, "roc_auc: 0.8")
            version = clone.bump("The first version of a rehearsal.")
        self._run_workflow(version, only="build", last="make compare-with-last-release")
        with self.report.step("Put its wheel on GitHub"):
            first = self.folder / "first"
            clone.run(
                ".venv/bin/python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", first, "./package"
            )
            (wheel,) = first.iterdir()
            sums = first / "SHA256SUMS"
            sums.write_text(f"{hashlib.sha256(wheel.read_bytes()).hexdigest()}  {wheel.name}\n", encoding="utf-8")
            self.github.release(version, [wheel, sums])
        clone.forget_models()
        clone.config.write_text(config, encoding="utf-8")

    def _plant_secrets(self) -> bytes:
        """Leave a secret wherever somebody may leave one; return it."""
        secret = secrets.token_hex(20)
        for name in _SECRETS:
            (self.clone.folder / name).write_text(f"TOKEN={secret}\n", encoding="utf-8")
        self.clone.ignore(*_SECRETS)
        return secret.encode()

    def _run_workflow(self, version: str, *, only: str | None = None, last: str = "") -> None:
        self.runner.expressions |= {"github.ref_name": version, "github.sha": self.clone.commit}
        failure = self.runner.run(only=only, last=last)
        if failure is not None:
            msg = f"{failure.step}:\n{failure.said}"
            raise RehearsalError(msg)

    def _published(self, version: str, secret: bytes) -> Path:
        """Check what was published: the same files on the index and on GitHub, small, and without the secret."""
        archives = sorted(self.index.folder.iterdir())
        if len(archives) != 2 or not all(f"-{version}" in path.name for path in archives):
            msg = f"expected a wheel and an sdist of {version} on the index, found {', '.join(self.index.files)}"
            raise RehearsalError(msg)
        for path in archives:
            if self.github.digest(version, path.name) != hashlib.sha256(path.read_bytes()).hexdigest():
                msg = f"{path.name}: expected the same bytes on the index and on GitHub, found others"
                raise RehearsalError(msg)
            if holds(path, secret):
                msg = f"{path.name}: expected no planted secret, found it"
                raise RehearsalError(msg)
        wheel = archives[0]
        size = wheel.stat().st_size
        if size > _LARGEST_WHEEL:
            msg = f"{wheel.name}: expected at most {_LARGEST_WHEEL} bytes, found {size}"
            raise RehearsalError(msg)
        self.report.note(
            f"{wheel.name}: {size / 1e6:.1f} MB; the secret planted in {len(_SECRETS)} places is in no archive"
        )
        notes = (self.github.store / version / "notes").read_text(encoding="utf-8")
        for part in ("## Changes", "## Compared with the last release", "## Model card", "Log loss", "## Hashes"):
            if part not in notes:
                msg = f"expected {part} in the notes of the release, found:\n{notes}"
                raise RehearsalError(msg)
        return wheel
