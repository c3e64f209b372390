"""A config with other values in its section ``training``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from classification_model.config.complaints import faults_in_argument
from classification_model.config.sections import TrainingConfig
from classification_model.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classification_model.config.sections import Config


def config_with(config: Config, changes: Mapping[str, Any]) -> Config:
    """Return a config with some values of its section ``training`` replaced; None keeps a value.

    Raises
    ------
    InputError
        If a value is not allowed, naming it.
    """
    changes = {name: value for name, value in changes.items() if value is not None}
    if not changes:
        return config
    try:
        given = TrainingConfig.model_validate(dict(changes))
    except ValidationError as error:
        faults = faults_in_argument(error, "training", changes, TrainingConfig)
        raise InputError("; ".join(faults)) from error
    training = config.training.model_copy(update={name: getattr(given, name) for name in changes})
    return config.model_copy(update={"training": training}).at(config.folder)
