"""The classifier that analysts use."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import _clone_parametrized

from classification_model.batch.added_columns import PREDICTION
from classification_model.classifier.cards import card_of, unfitted_card
from classification_model.classifier.evaluation import Evaluation
from classification_model.classifier.fitted_model import FolderModel
from classification_model.classifier.leaderboard import leaderboard_of
from classification_model.classifier.scored_frames import explain_rows, predict_rows
from classification_model.classifier.serving import Server, start_server
from classification_model.classifier.table_classifier import TableClassifier
from classification_model.errors import InputError
from classification_model.runtime.model_folder.artifact import write_model_folder
from classification_model.runtime.wheel.build import build_wheel

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from classification_model.runtime.model_folder.manifest import Manifest


class Classifier(TableClassifier):
    """A classifier of a table, as a config describes it; an estimator of scikit-learn.

    Make a fitted classifier with `train` or `load`. A `Classifier` that you make yourself is unfitted: give it to
    ``clone``, ``cross_val_score`` or ``GridSearchCV``, or call `fit`.

    Parameters
    ----------
    config
        A config, or the path of a ``config.yml``. By default, features and classes are inferred from the rows.
    estimator, metric, folds, trials, budget_seconds, class_weights, threshold, random_state
        Values instead of those in the section ``training`` of the config; see docs/config.md. None keeps them.
    jobs
        Number of threads; -1 means one per core.

    Attributes
    ----------
    classes_
        The classes, shape (n_classes,), sorted, as metrics of scikit-learn expect. They are the values of the target,
        numbers and truth values as such, or after `train` and `load` the labels that a config gives them.
    is_by_name_
        Whether the columns of rows are known by their names, as those of a DataFrame.
    n_features_in_
        Number of columns of the rows in `fit`.
    feature_names_in_
        Names of these columns, if the rows were a DataFrame.
    manifest_
        Manifest of the model.
    report_
        The result of `train`, with rows, metrics and candidates; else None.
    draft_
        The commented ``config.yml`` that `train` drafted for a table and its target, to be corrected and trained by;
        else None.

    Notes
    -----
    A pickle of a trained or fitted classifier contains rows that it was trained on. A model folder, as `save` writes
    it, does not.

    Examples
    --------
    >>> import classification_model as cm
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> features, species = load_iris(return_X_y=True, as_frame=True)
    >>> classifier = cm.Classifier(estimator="logistic_regression", trials=1)
    >>> scores = cross_val_score(classifier, features, species, cv=3)
    >>> bool(scores.mean() > 0.9)
    True
    """

    def predict_frame(self, X: Any) -> pd.DataFrame:
        """Predict each row, with what is odd about it.

        Parameters
        ----------
        X
            See `predict`.

        Returns
        -------
        pandas.DataFrame
            On the index of the rows: ``prediction``, ``probability_<label>`` for each label, ``warnings`` and
            ``errors``, as ``classification-model predict`` writes them. A row in error has no prediction.

        Raises
        ------
        DataError
            If a column is missing or unknown.
        """
        predicted = predict_rows(self._fitted().predictor, self._rows(X))
        values = dict(zip(self.manifest_.classes, self._values.tolist(), strict=True))
        predicted[PREDICTION] = pd.Series(
            [values.get(label) for label in predicted[PREDICTION]], index=predicted.index, dtype=object
        ).infer_objects()
        return predicted

    def explain(self, X: Any, *, outputs: bool = False) -> pd.DataFrame:
        """Explain each prediction by the contribution of each column; see `make_prediction`.

        Parameters
        ----------
        X
            See `predict`.
        outputs
            Whether to add the columns ``explained_class``, ``base_output`` and ``output``: the label that is explained,
            and the output of the model for it, for a typical row and for the row.

        Returns
        -------
        pandas.DataFrame
            On the index of the rows, a column for each column of the model. A row sums to the output of the model for
            it, minus the output for a row of typical values. ``attrs`` has the ``scale`` of outputs (``log_odds`` or
            ``probability``), and the ``baseline``, which are the typical values.

        Raises
        ------
        DataError
            See `predict`.
        """
        frame = self._rows(X)
        predictor = self._fitted().quick_predictor
        manifest = predictor.manifest
        found = explain_rows(predictor, frame)
        fields = [field.name for field in manifest.input_schema.fields]
        contributions = pd.DataFrame(
            [each["contributions"] for each in found], index=frame.index, columns=fields, dtype=np.float64
        )
        if outputs:
            values = dict(zip(manifest.classes, self._values.tolist(), strict=True))
            contributions["explained_class"] = [values[each["class"]] for each in found]
            contributions["base_output"] = [each["base_value"] for each in found]
            contributions["output"] = [each["value"] for each in found]
        scale = "log_odds" if manifest.estimator == "logistic_regression" else "probability"
        contributions.attrs = {
            "scale": found[0]["scale"] if found else scale,
            "baseline": dict(manifest.baseline),
        }
        return contributions

    def evaluate(self, X: Any = None, y: ArrayLike | None = None) -> Evaluation:
        """Judge the model on labelled rows.

        Parameters
        ----------
        X
            Rows that the model was not trained on, with the target if `y` is left out. The default is the hold-out of
            `train`.
        y
            The target of each row, shape (n_rows,): raw values or labels.

        Returns
        -------
        Evaluation
            Metrics with intervals, and plots.

        Raises
        ------
        InputError
            If there is no hold-out and no rows are given.
        DataError
            If a row has no label or cannot be predicted, or all rows are of one class.
        """
        model = self._fitted()
        if X is not None:
            frame = self._rows(X)
            return Evaluation.on_rows(model.quick_predictor, frame, self._truth(frame, y), self._probabilities(frame))
        if self.report_ is None:
            msg = "expected rows to judge the model on, found none: give a table, as only `train` holds rows out"
            raise InputError(msg)
        manifest = self.manifest_
        return Evaluation.on_holdout(
            self.report_.judged, manifest.metrics, f"{manifest.name}, version {manifest.version}"
        )

    def leaderboard(self) -> pd.DataFrame:
        """Return each setting that was tried with its metrics over the folds, best first.

        Raises
        ------
        InputError
            If the model does not know them, as one of your own that `save_estimator` wrote.
        """
        return leaderboard_of(self._fitted())

    def save(self, folder: Path | str) -> Manifest:
        """Write the model as a model folder, which every command, `load` and the API read.

        Parameters
        ----------
        folder
            The folder to write. A model that it already contains is replaced.

        Returns
        -------
        Manifest
            Manifest of the folder.

        Raises
        ------
        ArtifactError
            If the folder cannot be written, or contains something else.
        """
        model = self._fitted()
        manifest, contents = model.files()
        write_model_folder(Path(folder), manifest, contents)
        return manifest

    def wheel(
        self,
        name: str,
        *,
        output: Path | str = "dist",
        version: str | None = None,
        description: str | None = None,
        author: str | None = None,
        license_expression: str | None = None,
    ) -> Path:
        """Build a wheel of the model, which installs beside this package; see the command ``wheel``.

        Parameters
        ----------
        name
            Name of the distribution, such as ``churn-model``.
        output
            Folder for the wheel.
        version, description, author, license_expression
            Metadata of the wheel, as the command takes it.

        Returns
        -------
        Path
            The wheel.

        Raises
        ------
        InputError
            If an argument is malformed.
        ArtifactError
            If the model has no compiled form, or the wheel cannot be written.
        """
        with tempfile.TemporaryDirectory() as folder:
            self.save(Path(folder) / "model")
            return build_wheel(
                Path(folder) / "model",
                name,
                output=output,
                version=version,
                description=description,
                author=author,
                license_expression=license_expression,
            )

    def serve(self, *, port: int = 8002, log_folder: Path | str | None = None) -> Server:
        """Serve the model over HTTP in a process of its own, until `Server.stop` or the end of this program.

        Parameters
        ----------
        port
            Port on localhost, 0 for a free one.
        log_folder
            Folder for the prediction log. By default predictions are not logged.

        Returns
        -------
        Server
            The running server, which has the ``url``.

        Raises
        ------
        MissingExtraError
            If the API is not installed.
        InputError
            If the server does not start, as when the port is taken.
        """
        return start_server(self.save, port, None if log_folder is None else Path(log_folder))

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        if not self.__sklearn_is_fitted__():
            return str(super().__repr__(N_CHAR_MAX))
        manifest = self.manifest_
        return f"<Classifier of {manifest.name!r}, version {manifest.version}: {manifest.estimator}>"

    def _repr_html_(self) -> str:
        return card_of(self._fitted().predictor.manifest) if self.__sklearn_is_fitted__() else unfitted_card(repr(self))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}

    def __sklearn_clone__(self) -> Self:
        """Return an unfitted classifier of the same config, which a loaded model does not have."""
        if self.config is None and isinstance(getattr(self, "model_", None), FolderModel):
            msg = "expected a classifier with a config to clone, found a loaded model: use Classifier(config) instead"
            raise InputError(msg)
        cloned: Self = _clone_parametrized(self)
        return cloned
