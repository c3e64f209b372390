"""The model that is served: found, loaded and verified; one reference, which every request takes once."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classification_model.artifact import packaged_model
from classification_model.checking import check_rows
from classification_model.errors import ArtifactError, ClassificationModelError, VerificationError
from classification_model.predict import Predictor
from classification_model.schema import InputSchema

from app.errors import MOST_PLACES, Problem
from app.settings import PACKAGED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classification_model.manifest import Manifest

    from app.dialects import Asked
    from app.settings import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fault:
    """Why no model serves; the details are in the log of the server."""

    code: str
    detail: str


class ServingModel:
    """A verified model as requests use it; safe for several threads at once.

    A text that only stands for a number, such as ``"NaN"``, is refused where the package takes it for a missing
    value: over HTTP, null says that.

    Parameters
    ----------
    predictor
        The loaded model.

    Attributes
    ----------
    predictor
        The same, with a stricter schema.
    manifest, schema, name, version
        Of the model.
    """

    def __init__(self, predictor: Predictor) -> None:
        schema = _strict(predictor.manifest.input_schema)
        self.manifest: Manifest = predictor.manifest.model_copy(update={"input_schema": schema})
        self.predictor = Predictor(predictor.model, self.manifest, predictor.notes)
        self.schema = schema
        self._required = {field.name for field in schema.fields if not field.nullable}
        self.name, self.version = self.manifest.name, self.manifest.version
        self.read_few_rows = self.predictor.read_few_rows
        self.answer_few_rows = self.predictor.answer_few_rows

    def predict(self, asked: Asked) -> dict[str, Any]:
        """Predict rows; see `classification_model.predict.make_prediction`.

        Raises
        ------
        Problem
            If a row breaks the schema.
        """
        self._check_names(asked)
        answer = self.predictor.predict(asked.rows, explain=asked.explain)
        if answer["errors"]:
            raise _refusal(answer["errors"], asked.places)
        return answer

    def _check_names(self, asked: Asked) -> None:
        """Refuse unknown and absent columns as soon as a few are found: a small body can have a million of them."""
        known = self.schema.names.keys()
        few: list[dict[str, Any]] = []
        for number, row in enumerate(asked.rows):
            if row.keys() <= known and self._required <= row.keys():
                continue
            unknown = islice((name for name in row if name not in known), MOST_PLACES + 1)
            cut = {name: row[name] for name in (*unknown, *(row.keys() & known))}
            few += [issue.as_dict() | {"row": number} for issue in check_rows(self.schema, [cut]).errors]
            if len(few) > MOST_PLACES:
                break
        if few:
            raise _refusal(few, asked.places)


def _refusal(errors: Sequence[dict[str, Any]], places: str) -> Problem:
    """Return the problem of rows that break the schema."""
    shown = [
        {"where": f"{places}[{error['row']}].{error['field']}", "code": error["code"], "message": error["message"]}
        for error in errors
    ]
    detail = "expected rows that fit the model's schema, found values that do not"
    return Problem("invalid_rows", detail, places=shown, remedy="GET /model tells the schema; nothing was predicted")


def _strict(schema: InputSchema) -> InputSchema:
    fields = [
        field.model_copy(update={"missing_values": ()}) if field.kind == "numeric" else field for field in schema.fields
    ]
    return InputSchema(fields=tuple(fields), ignored=schema.ignored)


def find_model(settings: Settings) -> Path:
    """Return the folder of the model that the settings ask for, without importing anything.

    Raises
    ------
    ArtifactError
        If there is no such package.
    """
    if settings.model_folder is not None:
        return settings.model_folder
    if settings.model_package in {None, PACKAGED}:
        return packaged_model()
    found = find_spec(str(settings.model_package))
    if found is None or not found.submodule_search_locations:
        msg = f"there is no package {settings.model_package}: install its wheel in this environment"
        raise ArtifactError(msg)
    return Path(found.submodule_search_locations[0]) / "model"


class Models:
    """Holds the model that serves, or says why none does.

    Parameters
    ----------
    settings
        Which model.

    Attributes
    ----------
    current
        The model that serves; None without one. Whoever uses it takes the reference once.
    fault
        Why the last attempt to load a model failed; None if it did not.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.current: ServingModel | None = None
        self.fault: Fault | None = None

    def load(self) -> None:
        """Load and verify the model; what fails is logged and told by `fault`, and what serves goes on."""
        try:
            predictor = Predictor.load(find_model(self._settings))
        except ClassificationModelError as error:
            logger.error("no model to serve: %s", error)  # noqa: TRY400 - the text says what to do
            self.fault = _fault(error)
        except Exception:
            logger.exception("no model to serve")
            self.fault = Fault("model_unreadable", "the model cannot be read; the server's log says why")
        else:
            self.current, self.fault = ServingModel(predictor), None

    def require(self) -> ServingModel:
        """Return the model that serves.

        Raises
        ------
        Problem
            If there is none.
        """
        model = self.current
        if model is None:
            detail = self.fault.detail if self.fault else "no model is loaded yet"
            raise Problem("not_ready", detail, headers=((b"retry-after", b"5"),))
        return model


def _fault(error: ClassificationModelError) -> Fault:
    if isinstance(error, VerificationError):
        return Fault("model_unverified", "the model is not what its manifest says; the server's log says where")
    return Fault("model_missing", "there is no model that can be served; the server's log says what was looked for")
