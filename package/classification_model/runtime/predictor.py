"""Load and verify a model folder, and predict with it: `Predictor`."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from classification_model.errors import ArtifactError, VerificationError
from classification_model.runtime.inference.classes import decide
from classification_model.runtime.inference.compiled import CompiledModel
from classification_model.runtime.inference.explanation import Explainer
from classification_model.runtime.input.checking import check_input, check_rows
from classification_model.runtime.input.row_reader import RowReader
from classification_model.runtime.input.unseen import count_unseen, counted_fields
from classification_model.runtime.model_folder.artifact import GOLDEN_TOLERANCE, read_files, read_manifest
from classification_model.runtime.model_folder.libraries import differing_libraries
from classification_model.runtime.model_folder.packaged import packaged_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from classification_model.runtime.answers import Answer
    from classification_model.runtime.input.checking import CheckedRows, Issue
    from classification_model.runtime.input.columns import Column
    from classification_model.runtime.model_folder.manifest import Manifest

#: Up to so many rows are read one by one; from there on, columns are quicker.
FEW_ROWS = 96


class Model(Protocol):
    """Computes probabilities: the compiled model, or the pipeline that it was compiled from."""

    def probabilities(self, columns: Mapping[str, Column], count: int) -> NDArray[np.float64]:
        """Return the probabilities of `count` rows, shape (n_rows, n_classes), from the columns of all fields."""

    def probabilities_of_rows(self, rows: Sequence[dict[str, Any]]) -> NDArray[np.float64]:
        """Return the probabilities of a few rows, shape (n_rows, n_classes), from the values of all fields."""


class Predictor:
    """A verified model that can make predictions. Several threads can use it at the same time.

    Create a predictor with `Predictor.load`.

    Parameters
    ----------
    model
        The object that computes the probabilities.
    manifest
        Manifest of the model folder.
    notes
        Remarks on the loading of the model, such as libraries that have another version than in training.

    Attributes
    ----------
    manifest
        Manifest of the model folder.
    notes
        Remarks on the loading of the model.

    Examples
    --------
    >>> import classification_model as cm
    >>> passenger = {"name": "Kelly, Mr. James", "sex": "male", "pclass": 3, "ticket": "330911"}
    >>> passenger |= {"sibsp": 0, "parch": 0}
    >>> predictor = cm.Predictor.load()
    >>> predictor.predict([passenger])["predictions"]
    ['died']
    """

    def __init__(self, model: Model, manifest: Manifest, notes: Sequence[str] = ()) -> None:
        self._model = model
        self.manifest = manifest
        self.notes = tuple(notes)
        self._reader = RowReader(manifest.input_schema)
        self._counted = counted_fields(manifest.input_schema)

    @classmethod
    def load(cls, folder: Path | str | None = None) -> Self:
        """Verify and load a model folder: first the hashes of its files, then the golden rows.

        Parameters
        ----------
        folder
            A model folder. The default is the packaged model.

        Raises
        ------
        ArtifactError
            If the folder contains no model, or a model without a compiled form.
        VerificationError
            If a file was changed, or the model does not give the recorded probabilities of a golden row.
        """
        folder = packaged_model() if folder is None else Path(folder)
        manifest = read_manifest(folder)
        return cls.of_files(manifest, read_files(folder, manifest))

    @classmethod
    def of_files(cls, manifest: Manifest, contents: Mapping[str, bytes]) -> Self:
        """Make a predictor from the files of a model folder, and verify the golden rows.

        Parameters
        ----------
        manifest
            Manifest of the folder.
        contents
            Bytes of the files of the folder. The hashes must be verified already; see `artifact.read_files`.

        Raises
        ------
        ArtifactError
            If there is no compiled model.
        VerificationError
            If the model does not give the recorded probabilities of a golden row.
        """
        if manifest.compiled is None:
            msg = (
                f"{manifest.name}, version {manifest.version}, has no compiled model ({manifest.not_compiled}): "
                "change its config and train it again, or install the extra [train] and predict with its pipeline"
            )
            raise ArtifactError(msg)
        predictor = cls(CompiledModel(contents[manifest.compiled]), manifest, differing_libraries(manifest.libraries))
        predictor.check_golden_rows()
        return predictor

    def check_golden_rows(self) -> None:
        """Compare the predictions for the golden rows with the recorded ones.

        Raises
        ------
        VerificationError
            If a probability differs by more than 1e-9, there are no golden rows, or the baseline does not fit the
            input schema.
        """
        golden = self.manifest.golden_rows
        made_with = f"install the versions that it was made with ({'; '.join(self.notes)})"
        remedy = made_with if self.notes else "train it again"
        if not golden:
            msg = f"expected golden rows in the manifest to verify the model by, found none: {remedy}"
            raise VerificationError(msg)
        schema = self.manifest.input_schema.for_own_rows()
        checked = check_rows(schema, [row.inputs for row in golden])
        if checked.errors:
            msg = f"a golden row of the model does not fit its input schema: {remedy}"
            raise VerificationError(msg)
        baseline = self.manifest.baseline
        if set(baseline) != {field.name for field in schema.fields} or check_rows(schema, [baseline]).errors:
            msg = f"the baseline of the model does not fit its input schema: {remedy}"
            raise VerificationError(msg)
        try:
            expected = np.array([row.probabilities for row in golden])
            actual = self.probabilities(checked)
        except Exception as error:  # onnxruntime's errors share no base but this
            msg = f"the model cannot predict its golden rows ({type(error).__name__}): {remedy}"
            raise VerificationError(msg) from error
        shape = (len(golden), len(self.manifest.classes))
        if not actual.shape == expected.shape == shape:
            msg = (
                f"expected probabilities of shape {shape} for the golden rows, found {actual.shape} predicted and "
                f"{expected.shape} recorded: {remedy}"
            )
            raise VerificationError(msg)
        difference = np.abs(actual - expected)
        if not (difference <= GOLDEN_TOLERANCE).all():
            row, _ = np.unravel_index(np.argmax(difference), difference.shape)
            msg = (
                f"golden row {row} (counted from 0) differs from its recorded probabilities by "
                f"{difference.max():.3g}: {remedy}"
            )
            raise VerificationError(msg)

    @property
    def model(self) -> Model:
        """The model that computes the probabilities."""
        return self._model

    def probabilities(self, checked: CheckedRows) -> NDArray[np.float64]:
        """Return the probability of each class for checked rows, shape (n_rows, n_classes)."""
        if checked.count == 0:
            return np.empty((0, len(self.manifest.classes)))
        return self._model.probabilities(checked.arrays(self.manifest.input_schema.texts), checked.count)

    def predict(self, input_data: Any, *, explain: bool = False) -> Answer:
        """Make a prediction for each row.

        Parameters
        ----------
        input_data
            The rows: a pandas DataFrame, a mapping of each column to its values, or a sequence of mappings of each
            column to its value.
        explain
            Whether to compute the contribution of each column to each prediction.

        Returns
        -------
        Answer
            Predictions, probabilities, warnings and errors; see `make_prediction`.

        Raises
        ------
        InputError
            If the input is not a table.
        """
        if not explain and type(input_data) is list and 0 < len(input_data) <= FEW_ROWS:
            quick = self._predict_few_rows(input_data)
            if quick is not None:
                return quick
        if type(input_data) is list:
            checked = self._reader.read_rows(input_data)
        else:
            checked = check_input(self.manifest.input_schema, input_data)
        bad = checked.bad_rows
        good = [row for row in range(checked.count) if row not in bad]
        kept = checked.take(good) if bad else checked
        probabilities = self.probabilities(kept)
        answers = zip(*self._answers(probabilities), strict=True)
        predictions: list[str | None] = [None] * checked.count
        shares: list[dict[str, float] | None] = [None] * checked.count
        for row, (label, share) in zip(good, answers, strict=True):
            predictions[row], shares[row] = label, share
        answer: Answer = {
            "predictions": predictions,
            "probabilities": shares,
            "version": self.manifest.version,
            "warnings": [issue.as_dict() for issue in count_unseen(checked.warnings, self._counted)],
            "errors": [issue.as_dict() for issue in checked.errors] or None,
        }
        if explain:
            explained = dict(zip(good, self._explainer.explain(kept, probabilities), strict=True))
            answer["explanations"] = [explained.get(row) for row in range(checked.count)]
        return answer

    @cached_property
    def _explainer(self) -> Explainer:
        return Explainer(self._model.probabilities, self.manifest)

    def _predict_few_rows(self, rows: list[Any]) -> Answer | None:
        """Predict a few rows; None when one of them is in error."""
        warnings: list[Issue] = []
        read = self.read_few_rows(rows, warnings)
        if read is None:
            return None
        labels, shares = self.answer_few_rows(read)
        return {
            "predictions": [*labels],
            "probabilities": [*shares],
            "version": self.manifest.version,
            "warnings": [issue.as_dict() for issue in warnings],
            "errors": None,
        }

    def read_few_rows(self, rows: Sequence[Any], warnings: list[Issue]) -> list[dict[str, Any]] | None:
        """Check and read a few rows, each a dict, for `answer_few_rows`.

        With both methods, a server can read requests one by one and then answer them together.

        Parameters
        ----------
        rows
            For each row, the values by the names of the columns. Ignored columns are allowed.
        warnings
            Empty list to which the warnings about the rows are appended.

        Returns
        -------
        list or None
            The argument of `answer_few_rows`. None if a row has an error, which `checking.check_rows` explains, or uses
            another name than that of the column, such as an alias.
        """
        read = []
        for number, row in enumerate(rows):
            values = self._reader.read(row, number, warnings) if type(row) is dict else None
            if values is None:
                return None
            read.append(values)
        if self._counted and len(rows) > 1:
            warnings[:] = count_unseen(warnings, self._counted)
        return read

    def answer_few_rows(self, read: Sequence[dict[str, Any]]) -> tuple[list[str], list[dict[str, float]]]:
        """Return the label and the probabilities of each row. Do not use the rows in `read` again."""
        return self._answers(self._model.probabilities_of_rows(read))

    def _answers(self, probabilities: NDArray[np.float64]) -> tuple[list[str], list[dict[str, float]]]:
        """Return the label of each row, and its probability of each label."""
        classes = self.manifest.classes
        numbers = decide(probabilities, self.manifest.threshold).tolist()
        labels = [classes[number] for number in numbers]
        return labels, [dict(zip(classes, values, strict=True)) for values in probabilities.tolist()]
