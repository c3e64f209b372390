"""Write any text on one line, also as plain text in Markdown."""

from __future__ import annotations

import html
import re

#: Controls, breaks of lines, orders to write from the right, and surrogates.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_MARK = re.compile(r"[\\`*_~|#\[\]$]")
#: Where a list, a line or a heading would begin.
_BLOCK = re.compile(r"^(\d{1,9}(?=[.)](?:\s|$))|(?=[-+=](?:[-=\s]|$)))")


def one_line(text: str) -> str:
    """Return a text without line breaks, controls and lone surrogates, its blanks single."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split())


def as_text(text: str) -> str:
    """Write a text on one line such that Markdown shows it as it is."""
    escaped = _BLOCK.sub(r"\1\\", _MARK.sub(r"\\\g<0>", one_line(text)))
    return html.escape(escaped, quote=False)
