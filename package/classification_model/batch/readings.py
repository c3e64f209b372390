"""The values of a column that were read, with the warnings and errors of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classification_model.runtime.input.columns import Column
    from classification_model.runtime.input.schema import Finding


@dataclass(frozen=True)
class Reading:
    """Values that were read.

    Attributes
    ----------
    column
        The values, missing where they are in error.
    remarks
        For each of them what is to be said of it, a code of `Remarks`, shape (n_values,); None for nothing at all.
    """

    column: Column
    remarks: NDArray[np.int64] | None


class Remarks:
    """All that was said of a column, numbered in order of appearance; safe for several threads at once.

    Attributes
    ----------
    texts
        The text of each code; that of code 0, for nothing to say, is empty.
    are_errors
        For each code whether it is an error.
    """

    def __init__(self) -> None:
        self.texts = [""]
        self.are_errors = [False]
        self._codes: dict[tuple[Finding, bool], int] = {}
        self._lock = Lock()

    def code(self, finding: Finding | None, *, is_error: bool) -> int:
        """Return the code of a remark, 0 for none."""
        if finding is None:
            return 0
        known = self._codes.get((finding, is_error))
        if known is not None:
            return known
        with self._lock:
            if (finding, is_error) not in self._codes:
                self.texts.append(finding[1])
                self.are_errors.append(is_error)
                self._codes[finding, is_error] = len(self.texts) - 1
            return self._codes[finding, is_error]
