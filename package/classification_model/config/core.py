"""Read a config file: strict YAML, validated into frozen pydantic models."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from classification_model.config.complaints import complaints_of, in_lines
from classification_model.config.document import Document, parse_document, read_document
from classification_model.config.references import check_references
from classification_model.config.sections import Config
from classification_model.errors import ConfigError
from classification_model.runtime.model_folder.packaged import package_folder

__all__ = ["PACKAGED_CONFIG", "Config", "load_config", "parse_config"]

PACKAGED_CONFIG = package_folder() / "config.yml"


def load_config(path: Path | str = PACKAGED_CONFIG) -> Config:
    """Read a config file.

    Parameters
    ----------
    path
        Path of a ``config.yml``. The default is the config of the packaged model.

    Returns
    -------
    Config
        The validated config. Its values cannot be changed.

    Raises
    ------
    ConfigError
        If the file cannot be read, or a key or value in it is wrong. The message has one line for each fault: the file,
        the line, the key, what was expected and what was found.

    Examples
    --------
    >>> import classification_model as cm
    >>> config = cm.load_config()
    >>> config.app.name, config.data.target
    ('Titanic survival', 'survived')
    """
    path = Path(path)
    return _build(read_document(path), path.resolve().parent)


def parse_config(text: str, *, name: str = "config.yml", folder: Path | None = None) -> Config:
    """Read a config from a string, with relative paths resolved against `folder`; see `load_config`."""
    return _build(parse_document(text, name), folder or Path())


def _build(document: Document, folder: Path) -> Config:
    try:
        config = Config.model_validate(document.content)
    except ValidationError as error:
        complaints = complaints_of(error, document, Config)
    else:
        complaints = check_references(config)
    if complaints:
        raise ConfigError("\n".join(in_lines(complaints, document)))
    return config.at(folder)
