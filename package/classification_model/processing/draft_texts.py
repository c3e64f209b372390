"""Write the texts of a drafted config as YAML: keys, values and comments."""

from __future__ import annotations

import re
import textwrap

from classification_model.errors import DataError

#: Characters of a comment; a table may hold names and values of any length.
LONGEST_COMMENT = 300
#: Longest key that YAML reads, less its quotes.
LONGEST_NAME = 1000
_PLAIN = re.compile(r"[A-Za-z_][\w./+-]*(?: [\w./+-]+)*|\d+(?:\.\d+)?", re.ASCII)


def comments(text: str, indent: str) -> list[str]:
    """Write a text as lines of comments."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    line = line if len(line) <= LONGEST_COMMENT else f"{line[: LONGEST_COMMENT - 3]}..."
    return textwrap.wrap(line, 110, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}#   ")


def key(name: str) -> str:
    """Write a name as a key.

    Raises
    ------
    DataError
        If it is longer than YAML reads.
    """
    text = scalar(name)
    if len(text) > LONGEST_NAME:
        msg = (
            f"expected names of at most {LONGEST_NAME} characters as YAML keys, found {name[:30]!r}... of {len(name)}: "
            "shorten it in the table"
        )
        raise DataError(msg)
    return text


def scalar(text: str) -> str:
    """Write a text as YAML: plain where that is safe, else between double quotes."""
    if _PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    letters = (letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in escaped)
    return f'"{"".join(letters)}"'
