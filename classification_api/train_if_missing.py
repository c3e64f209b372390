"""Train the packaged model where there is none, through the package's own tox.

What serves has no pandas and no scikit-learn beside it, so that it cannot train; ``tox -e run`` calls this first.
"""

import subprocess
import sys
from pathlib import Path

from classification_model.runtime.model_folder.packaged import packaged_model

from app.settings import SettingsError, read_settings

PACKAGE = Path(__file__).resolve().parents[1] / "package"


def main() -> None:
    """Run ``tox -e train`` in the package's folder, unless its model is there or another one is to be served.

    Raises
    ------
    SystemExit
        If the training fails; tox has said why.
    """
    try:
        settings = read_settings()
    except SettingsError:
        return  # the server says why
    is_another = any((settings.model_folder, settings.model_package, settings.model_store))
    if not is_another and not (packaged_model() / "manifest.json").is_file():
        command = [sys.executable, "-m", "tox", "run", "--conf", str(PACKAGE / "tox.ini"), "-e", "train"]
        sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
