"""Ids of predictions and requests: UUIDs of version 7 (RFC 9562), which sort by time and cannot be guessed."""

from __future__ import annotations

from os import urandom
from time import time_ns

_VARIANT = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}


def uuid7s(count: int) -> list[str]:
    """Return as many UUIDs of version 7, all of this millisecond."""
    moment = f"{time_ns() // 1_000_000:012x}"
    start = f"{moment[:8]}-{moment[8:]}-7"
    digits = urandom(10 * count).hex()
    return [
        f"{start}{digits[at : at + 3]}-{_VARIANT[digits[at + 3]]}{digits[at + 4 : at + 7]}-{digits[at + 8 : at + 20]}"
        for at in range(0, 20 * count, 20)
    ]
