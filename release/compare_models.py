"""Compare the trained model with the one of the last release, on rows that neither was trained on.

``make compare-with-last-release`` calls it after ``make fetch-last-release`` and ``make release-train``. A model that
is surely worse is refused; one that is not is published, as is the first one, before which there is no release at all.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path

import pandas as pd
from fetch_last_release import FOUND
from repository import COMPARISON_JSON, COMPARISON_TEXT, LAST_RELEASE, OUTPUT, read_version, shown, spelled

import classification_model as cm
from classification_model.comparison import Comparison
from classification_model.config.core import PACKAGED_CONFIG
from classification_model.errors import ClassificationModelError, DataError
from classification_model.processing.data_manager import DataLoader
from classification_model.retraining.challenger import Challenge, Challenger, hold_against_champion, shares_holdout
from classification_model.runtime.model_folder.artifact import MANIFEST
from classification_model.runtime.model_folder.manifest import FORMAT_VERSION

#: The variable with which a person releases a version that cannot be compared; see docs/releasing.md.
UNCOMPARED = "UNCOMPARED_VERSION"
_SHOWN = 5  # releases in a message


def main() -> None:
    """Write the comparison into `OUTPUT`, as JSON and as text.

    Raises
    ------
    SystemExit
        If the model is worse, or cannot be compared.
    """
    found = LAST_RELEASE / FOUND
    if not found.is_file():
        raise SystemExit(f"{shown(found)}: expected the last release, found nothing: make fetch-last-release")
    release = json.loads(found.read_text(encoding="utf-8"))
    version = spelled(read_version())
    if release["passed_over"]:
        tags = ", ".join(release["passed_over"][:_SHOWN])
        write_if_approved(
            version,
            f"{version} cannot be compared with an earlier release: expected one of a version such as 1.0.1 below "
            f"{version}, neither a draft nor a pre-release, found {tags}",
        )
        return
    if release["tag"] is None:
        write("", "There is no earlier release to compare with.")
        return
    try:
        compared = compare_if_possible(unpacked(LAST_RELEASE / release["wheel"]))
    except ClassificationModelError as error:
        raise SystemExit(f"{version} cannot be compared with the release {release['tag']}: {error}") from error
    if isinstance(compared, str):
        write_if_approved(version, f"{version} cannot be compared with the release {release['tag']}: {compared}")
        return
    write(compared.to_json().decode(), compared.to_text())
    if compared.verdict == "reject":
        raise SystemExit(f"{version} is not released, as it is worse than {release['tag']}: {compared.reasons[0]}")


def unpacked(wheel: Path) -> Path:
    """Unpack the only model folder of a wheel beside it, and return its path."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if "/trained_models/" in name]
        folders = {name.split("/")[2] for name in names}
        if len(folders) != 1:
            raise SystemExit(f"{wheel.name}: expected one model folder in it, found {len(folders)}")
        folder = wheel.parent / names[0].rpartition("/trained_models/")[0] / "trained_models" / folders.pop()
        shutil.rmtree(folder, ignore_errors=True)
        archive.extractall(wheel.parent, names)
    return folder


def compare_if_possible(released: Path) -> Comparison | str:
    """Compare the packaged model with a released one.

    Parameters
    ----------
    released
        Model folder of the last release.

    Returns
    -------
    Comparison or str
        The comparison; or why there can be none, although both models are intact.

    Raises
    ------
    ClassificationModelError
        If a file of either model was changed, or the packaged model cannot be read.
    """
    challenger = cm.Predictor.load(cm.packaged_model())
    if (found := format_version(released)) != FORMAT_VERSION:
        return f"its model has format version {found}, and this package reads {FORMAT_VERSION}"
    champion = cm.Predictor.load(released)
    reason = why_not_comparable(champion.manifest, challenger.manifest)
    if reason is not None:
        return reason
    try:
        return compare(champion, challenger)
    except DataError as error:
        return str(error)


def format_version(folder: Path) -> int:
    """Return the version of a model's format; where the manifest does not tell, the one that this package reads."""
    try:
        found = json.loads((folder / MANIFEST).read_bytes()).get("format_version")
    except (OSError, ValueError, AttributeError):
        found = None  # its loading says what is damaged
    return found if isinstance(found, int) else FORMAT_VERSION


def why_not_comparable(champion: cm.Manifest, challenger: cm.Manifest) -> str | None:
    """Return why there are no rows that both models can be judged on; None if there are."""
    if champion.target_edges != challenger.target_edges:
        return "the bins of the target have other edges, so that a class does not mean the same"
    if champion.classes != challenger.classes:
        return f"the classes are {', '.join(challenger.classes)}, and were {', '.join(champion.classes)}"
    if not shares_holdout(champion.holdout, challenger.holdout):
        return "rows are held out by another rule, so that the released model may have been trained on them"
    return None


def compare(champion: cm.Predictor, challenger: cm.Predictor) -> Comparison:
    """Compare both on the rows of the table that the challenger holds out."""
    config = cm.load_config(PACKAGED_CONFIG)
    loader = DataLoader(config, target_edges=challenger.manifest.target_edges)
    tables, data = loader.read(), loader.load()
    challenge = Challenge(config, tables, pd.DataFrame(), recent=(), recent_labels=(), champion=champion)
    judged = Challenger(challenger, challenger.manifest.holdout, data.holdout, learned_rows=0)
    return hold_against_champion(challenge, judged, world_changed=False)[0]


def write_if_approved(version: str, text: str) -> None:
    """Write why there is no comparison, if a person approved of this version.

    Raises
    ------
    SystemExit
        If nobody did.
    """
    if os.environ.get(UNCOMPARED) != version:
        raise SystemExit(f"{text}: to release it all the same, set the variable {UNCOMPARED} to {version}")
    write("", f"{text}. It was manually approved ({UNCOMPARED}).")


def write(as_json: str, text: str) -> None:
    """Write the comparison for the notes and the assets of the release, and print it."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    COMPARISON_TEXT.write_text(f"{text}\n", encoding="utf-8")
    if as_json:
        COMPARISON_JSON.write_text(as_json, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
