"""The clock of what is made: SOURCE_DATE_EPOCH stands in for it, so that the same work gives the same bytes.

References
----------
https://reproducible-builds.org/specs/source-date-epoch/
"""

from __future__ import annotations

import os

from classification_model.errors import InputError
from classification_model.values import MOMENTS


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
        msg = f"SOURCE_DATE_EPOCH: expected seconds since 1970, found {wanted[:60]!r}"
        raise InputError(msg)
    return int(wanted)
