"""The model that is served: found, loaded and verified; one reference, which every request takes once."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from classification_model.errors import ArtifactError, ClassificationModelError, StoreError, VerificationError
from classification_model.predict import Predictor
from classification_model.runtime.input.checking import check_rows
from classification_model.runtime.input.schema import InputSchema
from classification_model.runtime.log.prediction_log import PredictionRecords
from classification_model.runtime.mle.model import ServedModel
from classification_model.runtime.model_folder.packaged import packaged_model
from classification_model.runtime.store.reader import StoreReader

from app.dialects.limits import Limits
from app.dialects.open_inference_metadata import model_name
from app.problem_details import MOST_PLACES, Problem
from app.settings import PACKAGED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classification_model.runtime.answers import Answer, AnswerIssue
    from classification_model.runtime.model_folder.manifest import Manifest

    from app.dialects import Asked
    from app.settings import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fault:
    """Why a model cannot serve; the details are in the log of the server.

    Attributes
    ----------
    code
        Stable: ``model_missing``, ``model_unverified``, ``model_unreadable``, ``other_problem`` or ``store_damaged``.
    detail
        What is wrong, in one line without paths.
    version
        Of the model, where a store says which one was to serve.
    """

    code: Literal["model_missing", "model_unreadable", "model_unverified", "other_problem", "store_damaged"]
    detail: str
    version: str | None = None


class ServingModel(ServedModel):
    """A verified model as requests use it; safe for several threads at once.

    A text that only stands for a number, such as ``"NaN"``, is refused where the package takes it for a missing
    value: over HTTP, null says that.

    Parameters
    ----------
    predictor
        The loaded model.
    settings
        Limits of requests.

    Attributes
    ----------
    predictor
        The same, with a stricter schema.
    schema, name, version
        Of the model.
    url_name
        Its name in URLs.
    limits
        What a body may hold.
    """

    def __init__(self, predictor: Predictor, settings: Settings) -> None:
        super().__init__()
        schema = _strict(predictor.manifest.input_schema)
        manifest = predictor.manifest.model_copy(update={"input_schema": schema})
        self.predictor = strict = Predictor(predictor.model, manifest, predictor.notes)
        self.schema = schema
        self._required = {field.name for field in schema.fields if not field.nullable}
        self.name, self.version = manifest.name, manifest.version
        self.url_name = model_name(manifest)
        rows = settings.limit_rows
        self.limits = Limits(rows=rows, depth=settings.limit_depth, values=rows * (len(schema.names) + 2) + 1000)
        self.encode_records = PredictionRecords(manifest).encode
        self.read_few_rows = strict.read_few_rows
        self.answer_few_rows = strict.answer_few_rows
        self._predict = strict.predict

    def answer(self, asked: Asked) -> Answer:
        """Predict the rows of a request; see `classification_model.predict.make_prediction`.

        Raises
        ------
        Problem
            If a row breaks the schema.
        """
        self._check_names(asked)
        answer = self._predict(asked.rows, explain=asked.explain)
        if answer["errors"]:
            raise _refusal(answer["errors"], asked.places)
        return answer

    def check_url(self, name: str | None, version: str | None) -> None:
        """Hold the name and version in a URL, where it has them, against those of the model.

        Raises
        ------
        Problem
            If the URL speaks of another model.
        """
        if name not in {None, self.url_name} or version not in {None, self.version}:
            raise Problem("not_found", "there is no such model here", remedy="GET /model tells which one serves")

    def _check_names(self, asked: Asked) -> None:
        """Refuse unknown and absent columns as soon as a few are found: a small body can have a million of them."""
        known = self.schema.names.keys()
        few: list[AnswerIssue] = []
        for number, row in enumerate(asked.rows):
            if row.keys() <= known and self._required <= row.keys():
                continue
            unknown = islice((name for name in row if name not in known), MOST_PLACES + 1)
            cut = {name: row[name] for name in (*unknown, *(row.keys() & known))}
            few += [{**issue.as_dict(), "row": number} for issue in check_rows(self.schema, [cut]).errors]
            if len(few) > MOST_PLACES:
                break
        if few:
            raise _refusal(few, asked.places)


def _refusal(errors: Sequence[AnswerIssue], places: str) -> Problem:
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
    """Holds the model that serves, or says why none does, or why another one that is to serve does not.

    Parameters
    ----------
    settings
        Which model.

    Attributes
    ----------
    current
        The model that serves; None without one. Whoever uses it takes the reference once.
    fault
        Why the model that is to serve does not; None where it does.
    store
        Where the model comes from, if it is to be looked at again; None where it stays for good.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.current: ServingModel | None = None
        self.fault: Fault | None = None
        self.store = None if settings.model_store is None else StoreReader(settings.model_store)
        self._told = ""

    def wanted(self) -> str | Fault | None:
        """Return the version that the store says is to serve, None without a store; or why that cannot be told."""
        try:
            version = None if self.store is None else self.store.current()
        except ClassificationModelError as error:
            return self._failed(error)
        except Exception as error:  # noqa: BLE001 - whatever breaks, what serves goes on
            return self._broke(error)
        if self.store is not None and version is None:
            return self._failed(ArtifactError("the store has no current version: classification-model promote says it"))
        return version

    def lost(self, version: str) -> Fault | None:
        """Return what is wrong where the store no longer has a version that serves; None where it has."""
        try:
            if self.store is not None:
                self.store.path(version)
        except ClassificationModelError as error:
            return self._failed(error, version)
        return None

    def load(self, version: str | None = None) -> ServingModel | Fault:
        """Load and verify a model beside the one that serves; in any thread.

        A model of another problem never takes its place: whoever asks is answered in its fields and classes.

        Parameters
        ----------
        version
            Of the store; None where the model is no store's.

        Returns
        -------
        ServingModel or Fault
            Why it cannot serve, which is logged too.
        """
        try:
            if self.store is not None and version is not None:
                predictor = self.store.load(version)
            else:
                predictor = Predictor.load(find_model(self._settings))
            serving = self.current
            if serving is not None and predictor.manifest.name != serving.name:
                return self._of_another_problem(predictor.manifest, serving)
            return ServingModel(predictor, self._settings)
        except ClassificationModelError as error:
            return self._failed(error, version)
        except Exception as error:  # noqa: BLE001 - whatever breaks, what serves goes on
            return self._broke(error, version)

    def use(self, outcome: ServingModel | Fault) -> None:
        """Let a model serve, or keep why it cannot, while what serves goes on; in the thread of the event loop."""
        if isinstance(outcome, Fault):
            self.fault = outcome
        else:
            self.current, self.fault, self._told = outcome, None, ""

    def _failed(self, error: ClassificationModelError, version: str | None = None) -> Fault:
        self._tell(f"{error}", version)
        if isinstance(error, VerificationError):
            detail = "the model is not what its manifest says; the server's log says where"
            return Fault("model_unverified", detail, version)
        if isinstance(error, StoreError):
            return Fault("store_damaged", "the store does not hold what it should; the server's log says more", version)
        detail = "there is no model that can be served; the server's log says what was looked for"
        return Fault("model_missing", detail, version)

    def _of_another_problem(self, manifest: Manifest, serving: ServingModel) -> Fault:
        found = f"it is a model of {manifest.name!r}, and {serving.name!r} is served"
        self._tell(f"{found}: give each problem a store of its own, or restart to serve this one", manifest.version)
        detail = "the version is a model of another problem than the one that is served; the server's log says which"
        return Fault("other_problem", detail, manifest.version)

    def _broke(self, error: Exception, version: str | None = None) -> Fault:
        self._tell(f"{type(error).__name__}", version, error)
        return Fault("model_unreadable", "the model cannot be read; the server's log says why", version)

    def _tell(self, what: str, version: str | None, error: Exception | None = None) -> None:
        """Log why a model cannot serve, once for each reason: it is tried again and again."""
        none = "no model to serve" if self.current is None else "no other model to serve"
        which = none if version is None else f"version {version} cannot serve"
        if (line := f"{which}: {what}") != self._told:
            self._told = line
            logger.error("%s", line, exc_info=error)

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
