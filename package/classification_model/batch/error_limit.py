"""A limit on the rows of a file that cannot be predicted: a number, or a share of the rows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from classification_model.errors import InputError, RejectionError

_SPELLING = re.compile(r"(\d{1,12})|(\d{1,3}(?:\.\d{1,6})?)%")


@dataclass(frozen=True)
class ErrorLimit:
    """How many rows of a file may be in error.

    Attributes
    ----------
    text
        The limit as it was given.
    rows
        Number of rows; None for a share.
    percent
        Share of the rows in percent; None for a number.
    """

    text: str
    rows: int | None = None
    percent: float | None = None

    @classmethod
    def parse(cls, text: str) -> ErrorLimit:
        """Read a limit such as ``10`` or ``2.5%``.

        Raises
        ------
        InputError
            If it is neither.
        """
        found = _SPELLING.fullmatch(text.strip())
        if found is None or (found[2] is not None and float(found[2]) > 100):
            msg = f"--max-errors: expected a number of rows such as 10, or a share of them such as 5%, found {text!r}"
            raise InputError(msg)
        if found[1] is not None:
            return cls(text.strip(), rows=int(found[1]))
        return cls(text.strip(), percent=float(found[2]))

    def check_so_far(self, name: str, rejected: int, rows: int, reason: str | None) -> None:
        """End a file as soon as it has too many rows in error, where the limit is a number.

        Raises
        ------
        RejectionError
            If it has.
        """
        if self.rows is not None and rejected > self.rows:
            self._refuse(name, f"{rejected} in its first {rows} rows", reason)

    def check_all(self, name: str, rejected: int, rows: int, reason: str | None) -> None:
        """Refuse a whole file with too many rows in error.

        Raises
        ------
        RejectionError
            If it has.
        """
        self.check_so_far(name, rejected, rows, reason)
        if self.percent is not None and rejected * 100 > self.percent * rows:
            self._refuse(name, f"{rejected} of its {rows} rows", reason)

    def _refuse(self, name: str, found: str, reason: str | None) -> None:
        msg = (
            f"{name}: expected at most {self.text} of the rows in error, found {found}; the first: {reason}: "
            "nothing is written, correct the rows or raise --max-errors"
        )
        raise RejectionError(msg)
