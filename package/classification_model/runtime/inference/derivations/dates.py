"""Parts of a time, given in seconds since 1970-01-01 UTC, as numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from classification_model.runtime.input.moments import MOMENTS

SECONDS_A_DAY = 86_400.0
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - all in UTC, and without a zone it is quicker
_MONDAY = 4  # days from a Monday to 1970-01-01, less one for counting from 0

_OF_MOMENT: dict[str, Callable[[datetime], float]] = {
    "year": lambda moment: float(moment.year),
    "quarter": lambda moment: float((moment.month + 2) // 3),
    "month": lambda moment: float(moment.month),
    "day": lambda moment: float(moment.day),
    "weekday": lambda moment: float(moment.weekday()),
    "day_of_year": lambda moment: float(moment.timetuple().tm_yday),
    "hour": lambda moment: float(moment.hour),
}
#: ``year``; ``quarter`` 1 to 4; ``month`` 1 to 12; ``day`` 1 to 31; ``weekday`` 0 (Monday) to 6; ``day_of_year``
#: 1 to 366; ``hour`` 0 to 23; ``days`` since 1970-01-01 with their fraction.
PARTS = (*_OF_MOMENT, "days")


def parts_of_moment(seconds: float, parts: Sequence[str]) -> list[float]:
    """Return parts of one moment; NaN where it is missing or outside of the years 1 to 9999."""
    if not MOMENTS[0] <= seconds <= MOMENTS[1]:
        return [math.nan] * len(parts)
    moment = _EPOCH + timedelta(seconds=math.floor(seconds))
    return [seconds / SECONDS_A_DAY if part == "days" else _OF_MOMENT[part](moment) for part in parts]


def parts_of_moments(seconds: NDArray[np.float64], parts: Sequence[str]) -> list[NDArray[np.float64]]:
    """Return parts of many moments, each of shape (n_rows,); see `parts_of_moment`."""
    missing = ~((seconds >= MOMENTS[0]) & (seconds <= MOMENTS[1]))
    whole = np.where(missing, 0, np.floor(seconds)).astype(np.int64).astype("datetime64[s]")
    days, months, years = (whole.astype(f"datetime64[{unit}]") for unit in "DMY")
    month = months.astype(np.int64) % 12 + 1
    answers = {
        "year": years.astype(np.int64) + 1970,
        "quarter": (month + 2) // 3,
        "month": month,
        "day": (days - months).astype(np.int64) + 1,
        "weekday": (days.astype(np.int64) + _MONDAY - 1) % 7,
        "day_of_year": (days - years).astype(np.int64) + 1,
        "hour": (whole - days).astype(np.int64) // 3600,
        "days": seconds / SECONDS_A_DAY,
    }
    return [np.where(missing, np.nan, answers[part].astype(np.float64)) for part in parts]
