"""The config and the table that a caller in Python names: by a config, or by a table and its target."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from classification_model.config.core import load_config, parse_config
from classification_model.config.sections import Config
from classification_model.errors import InputError
from classification_model.processing.draft import draft_config


class GivenProblem(NamedTuple):
    """What to train on.

    Attributes
    ----------
    config
        The config.
    source
        The table in place of that of the config; None for the config's own.
    draft
        Text of the config, if it was drafted.
    """

    config: Config
    source: str | pd.DataFrame | None
    draft: str | None


def given_problem(data: Any, target: Any, config: Any) -> GivenProblem:
    """Return the config and the table of a caller.

    Parameters
    ----------
    data
        A path, a URL or a frame; None for the table of the config.
    target
        Column to predict, if there is no config: then one is drafted, in the working folder.
    config
        A config, the path of one, or its text.

    Raises
    ------
    InputError
        If one of them is of another type, there are both a target and a config, or neither.
    ConfigError, DataError
        If the config is wrong, or the table cannot be read.
    """
    source = given_table(data)
    if config is not None:
        if target is not None:
            msg = "expected a config or a target, found both: the config names the target, so leave target out"
            raise InputError(msg)
        return GivenProblem(given_config(config), source, None)
    if source is None or target is None:
        msg = "expected a table and the column to predict, or a config: name target=... or config=..."
        raise InputError(msg)
    if not isinstance(target, str):
        msg = f"target: expected the name of a column as text, found {type(target).__name__}"
        raise InputError(msg)
    folder = Path.cwd()
    draft = draft_config(source, target, folder)
    # a file is named by the draft
    given = source if isinstance(source, pd.DataFrame) else None
    return GivenProblem(parse_config(draft, folder=folder), given, draft)


def given_table(data: Any) -> str | pd.DataFrame | None:
    """Return a table as a path, a URL or a frame.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if data is None or isinstance(data, (str, pd.DataFrame)):
        return data
    if isinstance(data, Path):
        return str(data)
    msg = f"expected a path, a URL or a pandas DataFrame, found {type(data).__name__}"
    raise InputError(msg)


def given_config(config: Any) -> Config:
    """Return a config that is given as such, by its path, or as its text of several lines.

    Raises
    ------
    InputError
        If it is none of these.
    ConfigError
        If it is wrong.
    """
    if isinstance(config, Config):
        return config
    if isinstance(config, str) and "\n" in config:
        return parse_config(config, name="the given config", folder=Path.cwd())
    if isinstance(config, (str, Path)):
        return load_config(config)
    msg = f"config: expected what load_config returns, a path or the text of a config, found {type(config).__name__}"
    raise InputError(msg)
