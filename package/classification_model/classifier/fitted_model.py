"""What a fitted classifier consists of: its predictor, and the files of its model folder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

from classification_model.estimators import AVERAGE, candidates_of, settings_of
from classification_model.export.compile_and_prove import CORE, Compilation, compile_and_prove
from classification_model.processing.fitted_pipelines import dump_pipeline, unpickled_pipeline
from classification_model.processing.pipeline_model import PipelineModel
from classification_model.runtime.inference.compiled import CompiledModel
from classification_model.runtime.predictor import Predictor
from classification_model.training.describe_model import Fitted, describe_trained
from classification_model.training.fit_winner import fit_pipeline, threshold_of
from classification_model.training.folder_names import folder_name
from classification_model.training.model_selection import Selection, select_model

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from classification_model.processing.data_manager import TrainingData
    from classification_model.runtime.model_folder.manifest import Manifest

Files = dict[str, bytes]


class FittedModel(ABC):
    """A fitted model in memory. It can be pickled, as what is made of it is made anew."""

    @cached_property
    def predictor(self) -> Predictor:
        """The model, ready to predict."""
        return self._predictor()

    @cached_property
    def quick_predictor(self) -> Predictor:
        """The same, compiled if it can be: explanations predict thousands of rows for each."""
        return self.predictor

    @property
    @abstractmethod
    def pipeline(self) -> Pipeline:
        """The fitted scikit-learn pipeline."""

    @abstractmethod
    def files(self) -> tuple[Manifest, Files]:
        """Return the manifest and the bytes of every other file of its model folder."""

    @abstractmethod
    def _predictor(self) -> Predictor: ...

    def __getstate__(self) -> dict[str, Any]:
        made = {"predictor", "quick_predictor", "pipeline", "compilation"}
        return {name: value for name, value in self.__dict__.items() if name not in made}


@dataclass
class FolderModel(FittedModel):
    """The model of a model folder, written or not.

    Parameters
    ----------
    manifest
        Its manifest.
    contents
        Bytes of every other file, whose hashes hold.
    """

    manifest: Manifest
    contents: Files = field(repr=False)

    def files(self) -> tuple[Manifest, Files]:
        """Return what the folder holds."""
        return self.manifest, self.contents

    @cached_property
    def pipeline(self) -> Pipeline:
        """The fitted scikit-learn pipeline, unpickled when it is first asked for."""
        return unpickled_pipeline(self.contents[self.manifest.pipeline], self.manifest)

    def _predictor(self) -> Predictor:
        if self.manifest.compiled is not None:
            return Predictor.of_files(self.manifest, self.contents)
        predictor = Predictor(PipelineModel(self.pipeline, self.manifest.input_schema), self.manifest)
        predictor.check_golden_rows()
        return predictor


@dataclass
class RowsModel(FittedModel):
    """A model fitted on given rows, of which none was held out.

    Parameters
    ----------
    data
        The rows.
    selection
        The comparison of candidates; None where a class has too few rows for one.
    fitted_pipeline
        The pipeline.
    threshold
        See `Manifest`.
    """

    data: TrainingData = field(repr=False)
    selection: Selection | None = field(repr=False)
    candidate: str
    setting: dict[str, Any]
    fitted_pipeline: Pipeline = field(repr=False)
    threshold: float | None

    @property
    def pipeline(self) -> Pipeline:
        """The fitted scikit-learn pipeline."""
        return self.fitted_pipeline

    @cached_property
    def compilation(self) -> Compilation:
        """What the pipeline compiles to, made when it is first asked for."""
        with threadpool_limits(1):
            return compile_and_prove(
                self.pipeline,
                self.data.train.features,
                self.data.schema,
                self.data.classes,
                threshold=self.threshold,
                random_state=self.data.config.training.random_state,
            )

    @cached_property
    def quick_predictor(self) -> Predictor:
        """The compiled model, or the pipeline where it cannot be compiled."""
        if self.compilation.parity is None:
            return self.predictor
        return Predictor(CompiledModel(self.compilation.files[CORE]), self._describe(self.compilation))

    def files(self) -> tuple[Manifest, Files]:
        """Compile the pipeline and return what a model folder of it holds."""
        manifest = self._describe(self.compilation)
        return manifest, {manifest.pipeline: dump_pipeline(self.pipeline), **self.compilation.files}

    def _predictor(self) -> Predictor:
        reason = "it was fitted in memory, and is compiled when it is saved"
        manifest = self._describe(Compilation(reason=reason, portable_reason=reason))
        return Predictor(PipelineModel(self.pipeline, self.data.schema), manifest)

    def _describe(self, compilation: Compilation) -> Manifest:
        data, config = self.data, self.data.config
        model: Any = PipelineModel(self.pipeline, data.schema)
        if compilation.parity is not None:
            model = CompiledModel(compilation.files[CORE])
        fitted = Fitted(
            self.pipeline, model, compilation, data.train.features, data.schema, data.classes, self.threshold
        )
        return describe_trained(
            fitted,
            data,
            version=config.version,
            stem=folder_name(config, config.version),
            config_hash=config.hash,
            estimator=self.candidate,
            parameters=self.setting,
            metrics={},
            judged=None if self.selection is None else self.selection.out_of_fold(),
        )


def fit_on_rows(data: TrainingData, jobs: int = -1) -> RowsModel:
    """Choose a candidate by cross-validation on all rows, and fit it on them.

    Parameters
    ----------
    data
        The rows, of which none is held out.
    jobs
        Number of threads; -1 for one per core.

    Returns
    -------
    RowsModel
        The model. Of a class of one row, no folds can be drawn: then it is the first setting of the first candidate.

    Raises
    ------
    DataError, TrainingError
        See `select_model`.
    """
    training = data.config.training
    smallest = min(Counter(data.train.labels.tolist()).values())
    folds = min(training.folds, smallest)
    config = data.config.model_copy(update={"training": training.model_copy(update={"folds": folds})})
    with threadpool_limits(1):
        selection = None if folds < 2 else select_model(replace(data, config=config), jobs=jobs)
        if selection is None:
            candidate, setting = _first_setting(data)
            threshold = None if len(data.classes) > 2 else 0.5
        else:
            candidate, setting = selection.winner.candidate, selection.winner.setting
            threshold = threshold_of(data, selection)
        pipeline = fit_pipeline(data, candidate, setting)
    return RowsModel(data, selection, candidate, setting, pipeline, threshold)


def _first_setting(data: TrainingData) -> tuple[str, dict[str, Any]]:
    candidates = candidates_of(data.config)
    name = next(each for each in candidates if each != AVERAGE)
    return name, settings_of(candidates[name], 1, data.config.training.random_state)[0]
