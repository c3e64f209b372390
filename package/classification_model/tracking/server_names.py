"""What a tracking server is called in messages: its address without user, password and query."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNNAMED = "the address in MLFLOW_TRACKING_URI"
_VARIABLES = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")


def safe_name(uri: str) -> str:
    """Return the address of a server without its secrets; of a malformed one, no part."""
    parts = _split(uri)
    if parts is None:
        return _UNNAMED
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path.rstrip('/')}" if parts.scheme else parts.path


def secrets_of(uri: str, environment: Mapping[str, str]) -> set[str]:
    """Return what no message may repeat: of the address, and of the variables that MLflow takes secrets from."""
    found = {uri, *(environment.get(name, "") for name in _VARIABLES)}
    parts = _split(uri)
    if parts is not None:
        user, _, password = parts.netloc.rpartition("@")[0].partition(":")
        found |= {password, unquote(password), f"{user}:{password}" if password else "", parts.query, parts.fragment}
    return {secret for secret in found if len(secret) > 3}


def _split(uri: str) -> SplitResult | None:
    """Return the parts of an address; None where part of a password may be read as another part."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    rest = uri.partition(parts.netloc)[2] if parts.netloc else uri
    return None if "@" in rest or parts.netloc.count("@") > 1 else parts
