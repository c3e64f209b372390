"""The clock for logs, and for what is made, which SOURCE_DATE_EPOCH can set.

References
----------
https://reproducible-builds.org/specs/source-date-epoch/
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from time import gmtime, strftime, time_ns

from classification_model.errors import InputError
from classification_model.runtime.input.moments import MOMENTS


def source_date_epoch() -> int | None:
    """Return SOURCE_DATE_EPOCH in seconds since 1970; None where it is not set.

    Raises
    ------
    InputError
        If it is no whole number from 0 to the end of the year 9999.
    """
    wanted = os.environ.get("SOURCE_DATE_EPOCH")
    if wanted is None:
        return None
    if not (wanted.isascii() and wanted.isdecimal() and len(wanted) < 13 and int(wanted) <= MOMENTS[1]):
        msg = f"environment variable SOURCE_DATE_EPOCH: expected seconds since 1970, found {wanted[:60]!r}"
        raise InputError(msg)
    return int(wanted)


def time_of_making() -> str:
    """Return the time of what is being made, RFC 3339 in UTC; SOURCE_DATE_EPOCH stands in for the clock."""
    epoch = source_date_epoch()
    return strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(epoch))


def spell_utc(moment: datetime, timespec: str = "milliseconds") -> str:
    """Return a moment of any zone as RFC 3339 writes it in UTC, such as ``2026-11-21T13:04:30.123Z``.

    Parameters
    ----------
    moment
        With its zone.
    timespec
        How fine, as for `datetime.datetime.isoformat`.
    """
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=timespec)}Z"


_second: tuple[int, str] = (0, "1970-01-01T00:00:00")


def utc_timestamp() -> str:
    """Return the time in UTC as RFC 3339 writes it, with milliseconds, such as ``2026-11-21T13:04:30.123Z``."""
    global _second  # noqa: PLW0603 - writing the seconds out takes longer than the rest
    seconds, rest = divmod(time_ns() // 1_000_000, 1000)
    known, text = _second
    if known != seconds:
        text = strftime("%Y-%m-%dT%H:%M:%S", gmtime(seconds))
        _second = (seconds, text)
    return f"{text}.{rest:03d}Z"
