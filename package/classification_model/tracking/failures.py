"""Errors of MLflow and of the network in a few words, without an address or a secret."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_STATUS = re.compile(r"(?:error|status) code:? '?(\d{3})")
_LONGEST = 200


def reason_of(error: BaseException, secrets: Iterable[str]) -> str:
    """Return why a request failed.

    Parameters
    ----------
    error
        What MLflow raised.
    secrets
        Texts that must not be in the reason.
    """
    chain = list(_chain(error))
    names = {kind.__name__ for each in chain for kind in type(each).__mro__}
    if "SSLError" in names:
        return "its certificate is not trusted"
    if missing := next((each for each in chain if isinstance(each, ModuleNotFoundError)), None):
        return f"MLflow needs {missing.name} for it, which is not installed"
    if any(isinstance(each, socket.gaierror) for each in chain):
        return "its name is not known"
    if reason := next((each.strerror for each in chain if isinstance(each, OSError) and each.strerror), None):
        return reason.lower()
    if any("Timeout" in name for name in names):  # of urllib3, also what a refused connection is
        return "it did not answer in time"
    if "ResponseError" in names or "RetryError" in names:
        return "it answered with errors of its own (5xx)"
    text = str(error)
    if status := _STATUS.search(text):
        return f"it answered with status {status[1]}"
    if "ConnectionError" in names:
        return "the connection failed"
    return _said(error, text, secrets)


def _said(error: BaseException, text: str, secrets: Iterable[str]) -> str:
    """Return the first line of what MLflow says, unless it holds an address or a secret."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if not line or "://" in line or any(secret in line for secret in secrets):
        return f"it failed with {type(error).__name__}"
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, those behind it, and those that urllib3 keeps as their reason."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        inner = [*each.args, getattr(each, "reason", None)]
        waiting += [each.__cause__, each.__context__, *(part for part in inner if isinstance(part, BaseException))]
