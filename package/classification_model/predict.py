"""Predictions from a model folder: `make_prediction` for the packaged model, `Predictor` for any other."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from classification_model.artifact import GOLDEN_TOLERANCE, packaged_model, read_manifest
from classification_model.errors import ClassificationModelError, InputError, VerificationError, require_extra
from classification_model.libraries import library_versions
from classification_model.manifest import Manifest
from classification_model.schema import CheckedRows, column_name

with require_extra("train", "predicting before the compiled runtime exists"):
    from sklearn.exceptions import InconsistentVersionWarning
    from threadpoolctl import ThreadpoolController

    from classification_model.evaluation import decide
    from classification_model.processing.data_manager import load_pipeline
    from classification_model.processing.fields import to_frame

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


class Predictor:
    """A verified model, ready to predict.

    Parameters
    ----------
    pipeline
        Fitted pipeline that takes the frame of the schema's fields.
    manifest
        Manifest of its model folder.
    notes
        What is worth knowing of how it was loaded.

    Attributes
    ----------
    manifest, notes
        As given.
    """

    def __init__(self, pipeline: Pipeline, manifest: Manifest, notes: Sequence[str] = ()) -> None:
        self._pipeline = pipeline
        self.manifest = manifest
        self.notes = tuple(notes)

    @classmethod
    def load(cls, folder: Path | str | None = None) -> Self:
        """Load a model folder after verifying it: hashes first, then the golden rows.

        Parameters
        ----------
        folder
            A model folder; the packaged model when left out.

        Raises
        ------
        ArtifactError
            If there is no model, it was changed, or it does not predict what it predicted when it was made.
        """
        folder = packaged_model() if folder is None else Path(folder)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", InconsistentVersionWarning)  # the golden rows decide
                pipeline, manifest = load_pipeline(folder)
        except ClassificationModelError:
            raise
        except Exception as error:  # unpickling runs code of libraries, which may be others here
            manifest = read_manifest(folder)
            remedy = _remedy(_differing_libraries(manifest))
            msg = f"{manifest.pipeline} cannot be loaded ({type(error).__name__}): {remedy}"
            raise VerificationError(msg) from error
        predictor = cls(pipeline, manifest, _differing_libraries(manifest))
        predictor.check_golden_rows()
        return predictor

    def check_golden_rows(self) -> None:
        """Hold today's predictions for the golden rows against the recorded ones.

        Raises
        ------
        VerificationError
            If one differs by more than 1e-9, or there are none.
        """
        golden = self.manifest.golden_rows
        remedy = _remedy(self.notes)
        if not golden:
            msg = f"{self.manifest.pipeline} has no golden rows to hold it against: {remedy}"
            raise VerificationError(msg)
        checked = self.manifest.input_schema.check_rows([row.inputs for row in golden])
        if checked.errors:
            msg = f"a golden row of {self.manifest.pipeline} no longer fits the schema: {remedy}"
            raise VerificationError(msg)
        try:
            expected = np.array([row.probabilities for row in golden])
            actual = self.probabilities(checked)
        except Exception as error:
            msg = f"{self.manifest.pipeline} cannot predict its golden rows ({type(error).__name__}): {remedy}"
            raise VerificationError(msg) from error
        shape = (len(golden), len(self.manifest.classes))
        if not actual.shape == expected.shape == shape:
            msg = (
                f"{self.manifest.pipeline} gives golden rows probabilities of shape {actual.shape}, "
                f"recorded are {expected.shape}, expected {shape}: {remedy}"
            )
            raise VerificationError(msg)
        difference = np.abs(actual - expected)
        if not (difference <= GOLDEN_TOLERANCE).all():
            row, _ = np.unravel_index(np.argmax(difference), difference.shape)
            msg = (
                f"{self.manifest.pipeline} predicts golden row {row} otherwise than when it was made, "
                f"by {difference.max():.3g}: {remedy}"
            )
            raise VerificationError(msg)

    def probabilities(self, checked: CheckedRows) -> np.ndarray:
        """Return the probability of each class, shape (n_rows, n_classes), of rows that were read."""
        if checked.count == 0:
            return np.empty((0, len(self.manifest.classes)))
        frame = to_frame(checked.columns, self.manifest.input_schema)
        with _threads().limit(limits=1, user_api="openmp"):  # on a busy machine several wait ten times the work
            return np.asarray(self._pipeline.predict_proba(frame), dtype=np.float64)

    def predict(self, input_data: Any) -> dict[str, Any]:
        """Predict rows; see `make_prediction`."""
        checked = read_input(self.manifest, input_data)
        bad = checked.bad_rows
        good = [row for row in range(checked.count) if row not in bad]
        kept = CheckedRows(len(good), {name: [values[row] for row in good] for name, values in checked.columns.items()})
        probabilities = self.probabilities(kept)
        predictions: list[str | None] = [None] * checked.count
        mappings: list[dict[str, float] | None] = [None] * checked.count
        classes = self.manifest.classes
        for row, number, values in zip(
            good, decide(probabilities, self.manifest.threshold), probabilities.tolist(), strict=True
        ):
            predictions[row] = classes[number]
            mappings[row] = dict(zip(classes, values, strict=True))
        return {
            "predictions": predictions,
            "probabilities": mappings,
            "version": self.manifest.version,
            "warnings": [issue.as_dict() for issue in checked.warnings],
            "errors": [issue.as_dict() for issue in checked.errors] or None,
        }


def read_input(manifest: Manifest, input_data: Any) -> CheckedRows:
    """Read a frame, a mapping of columns or a sequence of rows by the schema of a model.

    Raises
    ------
    InputError
        If it is none of these.
    """
    schema = manifest.input_schema
    if isinstance(input_data, Mapping):
        return schema.check_columns(input_data)
    if hasattr(input_data, "iloc") and hasattr(input_data, "columns") and not isinstance(input_data, type):
        names = [column_name(name) for name in input_data.columns]
        repeated = next((name for name, count in Counter(names).items() if count > 1), None)
        if repeated is not None:
            msg = f"the frame has the column {repeated[:100]!r} twice"
            raise InputError(msg)
        return schema.check_columns(
            {name: input_data.iloc[:, place].tolist() for place, name in enumerate(names)}, len(input_data)
        )
    if isinstance(input_data, Sequence) and not isinstance(input_data, (str, bytes)):
        return schema.check_rows(input_data)
    msg = f"expected a pandas DataFrame, a dict of columns or a list of row dicts, found {type(input_data).__name__}"
    raise InputError(msg)


def _remedy(notes: Sequence[str]) -> str:
    return f"install what it was fitted with ({'; '.join(notes)})" if notes else "train it again"


def _differing_libraries(manifest: Manifest) -> list[str]:
    here = library_versions()
    return [
        f"{name} {version} when fitted, {here.get(name, 'none')} here"
        for name, version in manifest.libraries.items()
        if here.get(name) != version
    ]


@cache
def _threads() -> ThreadpoolController:
    """Find the thread pools of the libraries, which takes a while, once for the process."""
    return ThreadpoolController()


@cache
def packaged_predictor() -> Predictor:
    """Load the packaged model, once for the process."""
    return Predictor.load()


def make_prediction(*, input_data: Any) -> dict[str, Any]:
    """Predict rows with the packaged model.

    Parameters
    ----------
    input_data
        A pandas DataFrame, a mapping of column to values, or a sequence of mappings of column to value. Columns of
        the training table that the model does not use are ignored. A value may be None or NaN: how missing values
        of each feature are handled stands in the model's report.

    Returns
    -------
    dict
        ``predictions``: a label for each row, in order; None for a row in error.
        ``probabilities``: for each row the probability of each label, or None.
        ``version``: version of the model.
        ``warnings``: values unlike those of training, as ``row``, ``field``, ``code``, ``message``.
        ``errors``: None, or values that break the schema, likewise; ``row`` is None for a whole column.

    Raises
    ------
    InputError
        If the input is no table at all.
    ArtifactError
        If the packaged model is missing or was changed.

    Examples
    --------
    >>> answer = make_prediction(
    ...     input_data=[
    ...         {
    ...             "pclass": 1,
    ...             "sex": "female",
    ...             "name": "Allen, Miss. Elisabeth",
    ...             "sibsp": 0,
    ...             "parch": 0,
    ...             "ticket": "24160",
    ...         }
    ...     ]
    ... )
    >>> answer["predictions"], answer["errors"]
    (['survived'], None)
    """
    return packaged_predictor().predict(input_data)
