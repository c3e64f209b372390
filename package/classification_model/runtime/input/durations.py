"""Read times of day and durations as seconds."""

from __future__ import annotations

import re
from datetime import time, timedelta

_CLOCK = re.compile(r"(\d{1,2})([:.])(\d{2})(?:\2(\d{2})(\.\d{1,9})?)?(?:\s*+([AaPp])\.?[Mm]\.?)?")
_COLONS = re.compile(r"(-?)(?:(\d{1,6})\s*+d(?:ays?)?,?\s++\+?)?(\d{1,6}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?")
_PARTS = re.compile(
    r"(-?)P?(?:(\d++(?:\.\d++)?)\s*+(?:d|days?)\s*+)?T?(?:(\d++(?:\.\d++)?)\s*+(?:h|hr|hrs|hours?)\s*+)?"
    r"(?:(\d++(?:\.\d++)?)\s*+(?:m|min|mins|minutes?)\s*+)?(?:(\d++(?:\.\d++)?)\s*+(?:s|sec|secs|seconds?))?",
    re.IGNORECASE,
)
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


def read_clock(text: str) -> float | None:
    """Return the seconds since midnight of a time of day such as ``14:35``, ``9.05.30`` or ``2:35 PM``."""
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    hour, minute, second = int(found[1]), int(found[3]), int(found[4] or 0)
    if found[6] is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found[6] in "pP" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return hour * _HOUR + minute * _MINUTE + second + float(found[5] or 0)


def read_duration(text: str) -> float | None:
    """Return the seconds of a duration such as ``2h 5m``, ``90 min``, ``26:30`` (hours), ``1:02:03`` or ``PT2H5M``."""
    found = _COLONS.fullmatch(text)
    if found is not None:
        if int(found[4]) > 59 or int(found[5] or 0) > 59:
            return None
        clock = int(found[3]) * _HOUR + int(found[4]) * _MINUTE + int(found[5] or 0) + float(found[6] or 0)
        sign = -1.0 if found[1] else 1.0
        if found[2] is None:
            return sign * clock
        return sign * int(found[2]) * _DAY + clock  # as Python writes two hours less than nothing: -1 day, 22:00:00
    found = _PARTS.fullmatch(text)
    if found is None or not any(found.groups()[1:]):
        return None
    days, hours, minutes, rest = (float(part or 0) for part in found.groups()[1:])
    seconds = days * _DAY + hours * _HOUR + minutes * _MINUTE + rest
    return -seconds if found[1] else seconds


def seconds_of(value: time | timedelta) -> float:
    """Return the seconds since midnight of a time, or those of a duration."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.hour * _HOUR + value.minute * _MINUTE + value.second + value.microsecond / 1e6
