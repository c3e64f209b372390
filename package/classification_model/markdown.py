"""Text of any kind, written into Markdown."""

from __future__ import annotations

import html
import re


def as_text(text: str) -> str:
    """Write a text on one line such that Markdown shows it as it is."""
    escaped = re.sub(r"([\\`*_|#\[\]$])", r"\\\1", " ".join(text.split()))
    return html.escape(escaped, quote=False)
