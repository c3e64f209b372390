"""What a release has to refuse, each by name: tried one after the other on the clone of a release that passed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from clone import Clone
from github import GitHub
from index import Index
from report import RehearsalError, Report
from workflow import Done, Failure, Runner, run


@dataclass
class Refusals:
    """Attempts that fail.

    Attributes
    ----------
    folder
        A temporary folder.
    report, clone, runner, index, github
        Where refusals are printed, the clone, what runs its workflow, and what it publishes to.
    """

    folder: Path
    report: Report
    clone: Clone
    runner: Runner
    index: Index
    github: GitHub

    def try_all(self) -> None:
        """Try each, and see in the end that nothing more was published.

        Raises
        ------
        RehearsalError
            If one is not refused, or for another reason.
        """
        before = self.index.files, self.github.tags
        self._other_tag()
        self._moved_tag()
        self._second_upload()
        self._upload_without_the_token()
        self._changed_wheel()
        self._changed_asset()
        self._secret_among_the_modules()
        self._secret_in_setup_cfg()
        self._missed_gate()
        self._worse_model()
        if (self.index.files, self.github.tags) != before:
            msg = f"expected {before} to be published, found {self.index.files}, {self.github.tags}"
            raise RehearsalError(msg)

    def _other_tag(self) -> None:
        failure = self._failure("a tag that is not VERSION", tag="9.9.9")
        said = f"expected the tag {self.clone.version}"
        self.report.refused("a tag that is not VERSION", failure.said, said, "found '9.9.9'")

    def _moved_tag(self) -> None:
        """Publish what was built from another commit than the tag's."""
        for job in ("publish", "github-release"):
            what = f"a tag that was moved before {job}"
            failure = self._failure(what, commit="0" * 40, only=job)
            self.report.refused(what, failure.said, f"expected the tag {self.clone.version} on the commit 0000")

    def _second_upload(self) -> None:
        failure = self._failure("a second upload of the same version", only="publish")
        self.report.refused("a second upload of the same version", failure.said, "already exists")

    def _upload_without_the_token(self) -> None:
        done = self.index.upload(sorted(self.index.folder.iterdir()), token="pypi-guessed")  # noqa: S106 - a wrong one
        self._must_fail("an upload with another token", done)
        self.report.refused("an upload with another token", done.stdout, "403 Forbidden")

    def _changed_wheel(self) -> None:
        """Pip compares the file of the index with the hash of the release."""
        what = "a wheel with one byte changed, downloaded from the index"
        (wheel,) = self.index.folder.glob("*.whl")
        version, whole = self.clone.version, wheel.read_bytes()
        wheel.write_bytes(changed(whole))
        requirement, digest = f"{self.clone.distribution}=={version}", self.github.digest(version, wheel.name)
        done = self.index.download(requirement, digest, self.folder / "changed")
        wheel.write_bytes(whole)
        self._must_fail(what, done)
        self.report.refused(what, done.stdout, "DO NOT MATCH THE HASHES")

    def _changed_asset(self) -> None:
        """Compare the next release with no model that was not released."""
        what = "a wheel with one byte changed, as the last release on GitHub"
        wheel = self.github.asset(self.github.tags[0], "*.whl")
        whole = wheel.read_bytes()
        wheel.write_bytes(changed(whole))
        failure = self._failure(what)
        wheel.write_bytes(whole)
        self.report.refused(what, failure.said, wheel.name, "expected sha256")

    def _secret_among_the_modules(self) -> None:
        """Try what the build alone packs: a module, whatever git knows of it."""
        what = "a file with a secret that is not committed, among the modules"
        secret = self.clone.folder / "package" / "classification_model" / "local_settings.py"
        secret.write_text("TOKEN = 'a secret'\n", encoding="utf-8")
        dist = self.folder / "with-secret"
        python = self.clone.folder / ".venv" / "bin" / "python"
        self.clone.run(python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", dist, "./package")
        done = run([python, self.clone.folder / "release" / "check_contents.py", dist], self.clone.folder)
        secret.unlink()
        self._must_fail(what, done)
        self.report.refused(what, done.stdout, "local_settings.py", "git does not track")

    def _secret_in_setup_cfg(self) -> None:
        """Try what setuptools alone packs into an sdist, with its own lines added."""
        what = "a setup.cfg with a secret that is not committed"
        secret = self.clone.folder / "package" / "setup.cfg"
        secret.write_text("[upload]\npassword = a secret\n", encoding="utf-8")
        dist = self.folder / "with-setup"
        python = self.clone.folder / "package" / ".tox" / "build" / "bin" / "python"
        self.clone.run(python, "-m", "build", "--sdist", "--outdir", dist, "./package")
        done = run(["python", self.clone.folder / "release" / "check_contents.py", dist], self.clone.folder)
        secret.unlink()
        self._must_fail(what, done)
        self.report.refused(what, done.stdout, "setup.cfg", "expected what setuptools writes")

    def _missed_gate(self) -> None:
        self.clone.forget_models()
        self.clone.make_quick(1, "roc_auc: 0.999")
        failure = self._failure("a model that misses a gate", tag=self.clone.bump("A gate that no model reaches."))
        self.report.refused("a model that misses a gate", failure.said, "misses its gates", "at least 0.999")

    def _worse_model(self) -> None:
        """Move the tag of the refused version to another commit."""
        self.clone.make_quick(0.000001, "roc_auc: 0.1")
        self.clone.run("git", "commit", "--quiet", "--all", "--message=A model that learns next to nothing")
        self.clone.run("git", "tag", "--force", "--annotate", "--message=Again", self.clone.version)
        unmerged = self._failure("a tag that is not on the default branch", tag=self.clone.version)
        said = f"expected the tag {self.clone.version} on the branch"
        self.report.refused("a tag that is not on the default branch", unmerged.said, said)
        self.clone.merge()
        failure = self._failure("a model that is surely worse", tag=self.clone.version)
        self.report.refused("a model that is surely worse", failure.said, "is not released", "significantly worse")

    def _failure(self, what: str, *, tag: str = "", commit: str = "", only: str | None = None) -> Failure:
        """Run the workflow, which has to fail."""
        pushed = {"github.ref_name": tag or self.clone.version, "github.sha": commit or self.clone.commit}
        self.runner.expressions |= pushed
        failure = self.runner.run(only=only)
        if failure is None:
            msg = f"{what}: expected a refusal, found none"
            raise RehearsalError(msg)
        return failure

    def _must_fail(self, what: str, done: Done) -> None:
        if done.returncode == 0:
            msg = f"{what}: expected a refusal, found none:\n{done.stdout}"
            raise RehearsalError(msg)


def changed(content: bytes) -> bytes:
    """Return bytes of which one in the middle is another."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
