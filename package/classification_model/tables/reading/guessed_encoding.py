"""Guess the encoding of a text file from all its bytes."""

from __future__ import annotations

import codecs
import re

from classification_model.tables.formats import SettingError
from classification_model.tables.reading.text_blocks import foreign_byte

#: What a byte that is no UTF-8 is read as, and letters beyond ASCII.
_FOREIGN = re.compile("[\udc80-\udcff]")
_LETTERS = re.compile("[\x80-\ud7ff\ue000-\U0010ffff]")


def guess_encoding(content: bytes, name: str) -> str:
    """Guess the encoding of a text: UTF-8, UTF-16 with its mark, or else cp1252.

    Parameters
    ----------
    content
        All of it.
    name
        Name of the file, for messages.

    Raises
    ------
    SettingError
        If it is UTF-8 but for a few bytes, naming the first of these.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("utf-8", errors="surrogateescape")
    else:
        return "utf-8"
    foreign = len(_FOREIGN.findall(text))
    if foreign >= len(_LETTERS.findall(text)):
        return "cp1252"
    first = foreign_byte(content, 1)
    fault = (
        f"{name} is UTF-8 but for {foreign} byte(s), the first of them {first}: correct the file, or if it is cp1252"
    )
    raise SettingError(fault, "encoding", "cp1252")
