"""MLServer: its runtime for scikit-learn on the pipeline; ``mlserver start`` then serves the folder.

Run as ``with_mlserver.py PICKLE FOLDER``.
"""

import json
import shutil
import sys
from pathlib import Path

_, pickle, folder = sys.argv
model = Path(folder)
model.mkdir()
shutil.copy(pickle, model / "model.joblib")
# Without further processes: on one core, a worker of its own is one more hop.
(model / "settings.json").write_text(json.dumps({"parallel_workers": 0, "debug": False, "metrics_endpoint": None}))
(model / "model-settings.json").write_text(
    json.dumps(
        {
            "name": "titanic",
            "implementation": "mlserver_sklearn.SKLearnModel",
            "parameters": {"uri": "./model.joblib"},
        }
    )
)
