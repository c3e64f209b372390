"""Find the header of a table below titles and comments, from its first rows.

What is left out must look like no header: a line with ``#`` at its beginning, or one of which less than half is filled
while most rows below are. What is taken for the header must be followed by rows, and holds no numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median_high

#: The first cells of a table, a list for each row; empty for an empty line.
Rows = Sequence[Sequence[str]]

# What is taken is not given back (++, *+): a long cell that is no number in the end is read once.
_NUMBER = re.compile(r"\s*+[-+(]?[$\u20ac\u00a3]?\s*+\d[\d.,' \u00a0]*+(?:[eE][-+]?\d++)?\s*+[%)]?\s*+")


def find_header(rows: Rows) -> int:
    """Return the position of the header among the first rows of a table; that of the first row where in doubt."""
    filled = [sum(1 for cell in row if cell.strip()) for row in rows]
    first = next((place for place, row in enumerate(rows) if row), 0)
    place = _after_comments(rows, filled, first)
    if place is None:
        return first
    header = place
    while header < len(rows) and _is_title(rows, filled, header):
        header += 1
    if header == place:
        return place
    titles = rows[place:header]
    return header if _is_header(rows, filled, header) and _are_titles(titles, rows, header) else place


def _after_comments(rows: Rows, filled: Sequence[int], first: int) -> int | None:
    """Return the position of the first row that is no comment; None where there is none.

    A header may begin with ``#``: it has as many cells as the row below it, which looks like no header, and holds no
    sentence or stands over numbers.
    """
    place, last = first, None
    while place < len(rows) and (not filled[place] or _is_comment(rows[place])):
        last, place = (place if filled[place] else last), place + 1
    if last is None:
        return first
    if place == len(rows):
        return None
    is_below_header = _is_header(rows, filled, place) and _stands_over_numbers(rows, place)
    if len(rows[last]) == len(rows[place]) and not is_below_header:
        is_name = len(rows[last]) > 1 and all(len(cell.lstrip("# ").split()) < 3 for cell in rows[last])
        if is_name or any(_NUMBER.fullmatch(cell) for cell in rows[place]):
            return last
    return place


def _is_comment(row: Sequence[str]) -> bool:
    return row[0].lstrip().startswith("#")


def _is_title(rows: Rows, filled: Sequence[int], place: int) -> bool:
    """Tell whether a row holds few cells, the first ones, where most rows below hold more."""
    if not filled[place]:
        return True
    below = median_high([count for count in filled[place + 1 :] if count] or [0])
    has_few = 2 * filled[place] < below or (filled[place] == 1 and below > 1)
    return has_few and bool(rows[place][0].strip() or len(rows[place]) > 3)


def _are_titles(titles: Rows, rows: Rows, header: int) -> bool:
    """Tell whether rows above what may be the header are more than a header with few names."""
    width = len(rows[header])
    is_apart = not any(cell.strip() for cell in titles[-1])
    is_padded = width > 3 and any(len(row) == width for row in titles)
    is_sentence = any(" " in cell.strip() or ":" in cell for row in titles if len(row) != width for cell in row)
    return is_apart or is_padded or is_sentence or _stands_over_numbers(rows, header)


def _is_header(rows: Rows, filled: Sequence[int], place: int) -> bool:
    """Tell whether a row may be the header of those below it."""
    if place + 1 >= len(rows):
        return False
    cells = [cell.strip() for cell in rows[place] if cell.strip()]
    widest = max(len(row) for row in rows[place + 1 :])
    is_wide = filled[place] > 1 and len(rows[place]) + 1 >= widest
    return is_wide and not any(_NUMBER.fullmatch(cell) for cell in cells) and 2 * len(set(cells)) > len(cells)


def _stands_over_numbers(rows: Rows, header: int) -> bool:
    """Tell whether some column below a row without numbers holds nothing else."""
    for place in range(len(rows[header])):
        cells = [row[place] for row in rows[header + 1 :] if len(row) > place and row[place].strip()]
        if cells and all(map(_NUMBER.fullmatch, cells)):
            return True
    return False
