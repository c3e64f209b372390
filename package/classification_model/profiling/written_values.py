"""Numbers and moments as people write them."""

from __future__ import annotations

import math

import numpy as np

_DAY = 86_400


def written_number(value: float, digits: int = 4) -> str:
    """Write a number with so many significant digits, thousands apart from 10,000 on, and no needless zeros.

    Examples
    --------
    >>> [written_number(value) for value in (18.0, 17.999999, 1912.0, 1309000.0, 0.000012345, -2.5, 1e20)]
    ['18', '18', '1912', '1,309,000', '1.234e-05', '-2.5', '1e+20']
    """
    size = abs(value)
    if size >= 1e15 or 0 < size < 1e-4:
        return f"{value:.{digits}g}"
    whole = max(1, math.floor(math.log10(size)) + 1) if size else 1
    small = max(0, -math.floor(math.log10(size)) - 1) if 0 < size < 1 else 0
    places = max(0, digits - whole) + small
    text = f"{value:,.{places}f}" if round(size, places) >= 10_000 else f"{value:.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def written_moment(seconds: float, *, with_time: bool | None = None) -> str:
    """Write a moment, in seconds since 1970 UTC, as a date, with its time if it is not midnight.

    Parameters
    ----------
    seconds
        The moment.
    with_time
        Whether to write the time; None to do so if it is not midnight.

    Examples
    --------
    >>> written_moment(0), written_moment(90_060), written_moment(90_060, with_time=False)
    ('1970-01-01', '1970-01-02 01:01', '1970-01-02')
    """
    moment = str(np.datetime64(math.floor(seconds), "s"))
    day, _, time = moment.partition("T")
    if with_time is None:
        with_time = math.floor(seconds) % _DAY != 0
    return f"{day} {time.removesuffix(':00')}" if with_time else day
