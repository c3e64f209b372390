"""What several test files share: the packaged model that the tests judge."""

from pathlib import Path

import pytest

from classification_model.artifact import packaged_model


@pytest.fixture(scope="session")
def model_folder() -> Path:
    """Give the folder of the packaged model, trained before the tests start."""
    folder = packaged_model()
    if not (folder / "manifest.json").is_file():
        pytest.fail(f"no trained model in {folder}: run `classification-model train`, as `tox -e train` does")
    return folder
