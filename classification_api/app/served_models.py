"""Find, load and verify the served model."""

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
from classification_model.runtime.log.prediction_log import PredictionRecords
from classification_model.runtime.mle.model import ServedModel
from classification_model.runtime.model_folder.packaged import packaged_model
from classification_model.runtime.store.reader import StoreReader

from app.dialects.limits import Limits
from app.dialects.open_inference_metadata import model_name
from app.model_reports import reports_of
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
    """Why a model cannot be served; the server's log has the details.

    Attributes
    ----------
    code
        Stable: ``model_missing``, ``model_unverified``, ``model_unreadable``, ``other_problem`` or ``store_damaged``.
    detail
        What is wrong, in one line without paths.
    version
        Version that the store asked for, if known.
    """

    code: Literal["model_missing", "model_unreadable", "model_unverified", "other_problem", "store_damaged"]
    detail: str
    version: str | None = None


class ServingModel(ServedModel):
    """A verified model that answers requests; safe to use from several threads.

    Parameters
    ----------
    predictor
        The loaded model.
    settings
        Limits on requests.
    folder
        Its model folder.

    Attributes
    ----------
    predictor
        The loaded model.
    folder, reports
        Its model folder, and the reports in it by file name; they are read when they are requested.
    schema, name, version
        Input schema, problem name and version of the model.
    url_name
        Name of the model in URLs.
    limits
        Limits on the body of a request.
    """

    def __init__(self, predictor: Predictor, settings: Settings, folder: Path) -> None:
        super().__init__()
        manifest = predictor.manifest
        self.predictor = predictor
        self.folder, self.reports = folder, reports_of(manifest)
        self.schema = schema = manifest.input_schema
        self._required = {field.name for field in schema.fields if not field.nullable}
        self.name, self.version = manifest.name, manifest.version
        self.url_name = model_name(manifest)
        rows = settings.limit_rows
        self.limits = Limits(rows=rows, depth=settings.limit_depth, values=rows * (len(schema.names) + 2) + 1000)
        self.encode_records = PredictionRecords(manifest).encode
        self.read_few_rows = predictor.read_few_rows
        self.answer_few_rows = predictor.answer_few_rows
        self._predict = predictor.predict

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
        """Refuse a URL that names another model or version.

        Raises
        ------
        Problem
            If the name or the version is given and is not the model's.
        """
        if name not in {None, self.url_name} or version not in {None, self.version}:
            detail = "expected the name and version of the served model, found others"
            raise Problem("not_found", detail, remedy="GET /model shows the served model")

    def _check_names(self, asked: Asked) -> None:
        """Refuse unknown and missing columns, reporting the first few: a small body can have a million of them."""
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
    """Return the 422 for rows that break the schema."""
    shown = [
        {"where": f"{places}[{error['row']}].{error['field']}", "code": error["code"], "message": error["message"]}
        for error in errors
    ]
    detail = "expected rows that fit the model's schema, found invalid values"
    return Problem("invalid_rows", detail, places=shown, remedy="GET /model shows the schema; nothing was predicted")


def find_model(settings: Settings) -> Path:
    """Return the folder of the configured model, without importing its package.

    Raises
    ------
    ArtifactError
        If the package is not installed.
    """
    if settings.model_folder is not None:
        return settings.model_folder
    if settings.model_package in {None, PACKAGED}:
        return packaged_model()
    found = find_spec(str(settings.model_package))
    if found is None or not found.submodule_search_locations:
        msg = f"the package {settings.model_package} is not installed: install its wheel in this environment"
        raise ArtifactError(msg)
    return Path(found.submodule_search_locations[0]) / "model"


class Models:
    """Holds the serving model, and the reason if the wanted model cannot be served.

    Parameters
    ----------
    settings
        Settings that name the model.

    Attributes
    ----------
    current
        The serving model, or None. Read it once per request: a reload replaces it.
    fault
        Why the wanted model cannot be served; None if it serves.
    store
        Store that the model is reloaded from; None if the model never changes.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.current: ServingModel | None = None
        self.fault: Fault | None = None
        self.store = None if settings.model_store is None else StoreReader(settings.model_store)
        self._told = ""

    def wanted(self) -> str | Fault | None:
        """Return the store's current version, None without a store, or why it cannot be read."""
        try:
            version = None if self.store is None else self.store.current()
        except ClassificationModelError as error:
            return self._failed(error)
        except Exception as error:  # noqa: BLE001 - whatever breaks, the serving model goes on
            return self._broke(error)
        if self.store is not None and version is None:
            return self._failed(ArtifactError("the store has no current version: classification-model promote sets it"))
        return version

    def lost(self, version: str) -> Fault | None:
        """Return a fault if the store no longer has the serving version, else None."""
        try:
            if self.store is not None:
                self.store.path(version)
        except ClassificationModelError as error:
            return self._failed(error, version)
        return None

    def load(self, version: str | None = None) -> ServingModel | Fault:
        """Load and verify a model while another serves; callable from any thread.

        A model of another problem is refused, since clients rely on the fields and classes of the one that serves.

        Parameters
        ----------
        version
            Version in the store; None without a store.

        Returns
        -------
        ServingModel or Fault
            The model, or why it cannot be served, which is also logged.
        """
        try:
            if self.store is not None and version is not None:
                folder, predictor = self.store.path(version), self.store.load(version)
            else:
                folder = find_model(self._settings)
                predictor = Predictor.load(folder)
            serving = self.current
            if serving is not None and predictor.manifest.name != serving.name:
                return self._of_another_problem(predictor.manifest, serving)
            return ServingModel(predictor, self._settings, folder)
        except ClassificationModelError as error:
            return self._failed(error, version)
        except Exception as error:  # noqa: BLE001 - whatever breaks, the serving model goes on
            return self._broke(error, version)

    def use(self, outcome: ServingModel | Fault) -> None:
        """Serve a model, or record a fault and keep the serving model; call it in the event loop's thread."""
        if isinstance(outcome, Fault):
            self.fault = outcome
        else:
            self.current, self.fault, self._told = outcome, None, ""

    def _failed(self, error: ClassificationModelError, version: str | None = None) -> Fault:
        self._tell(f"{error}", version)
        if isinstance(error, VerificationError):
            detail = "the model does not match its manifest; the server's log says where"
            return Fault("model_unverified", detail, version)
        if isinstance(error, StoreError):
            return Fault("store_damaged", "the model store is damaged; the server's log says how", version)
        detail = "no model that can be served was found; the server's log says why"
        return Fault("model_missing", detail, version)

    def _of_another_problem(self, manifest: Manifest, serving: ServingModel) -> Fault:
        found = f"expected a model of {serving.name!r}, which is served, found one of {manifest.name!r}"
        self._tell(f"{found}: use one store per problem, or restart to serve this one", manifest.version)
        detail = "the version is a model of another problem; the server's log names both problems"
        return Fault("other_problem", detail, manifest.version)

    def _broke(self, error: Exception, version: str | None = None) -> Fault:
        self._tell(f"{type(error).__name__}", version, error)
        return Fault("model_unreadable", "the model cannot be read; the server's log says why", version)

    def _tell(self, what: str, version: str | None, error: Exception | None = None) -> None:
        """Log why a model cannot be served; once for each reason, since loading is retried."""
        none = "no model to serve" if self.current is None else "cannot reload the model"
        which = none if version is None else f"version {version} cannot be served"
        if (line := f"{which}: {what}") != self._told:
            self._told = line
            logger.error("%s", line, exc_info=error)

    def require(self) -> ServingModel:
        """Return the serving model.

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
