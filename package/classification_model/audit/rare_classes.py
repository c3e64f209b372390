"""Classes with too few held-out rows for their metrics to mean much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEAST_HELD_OUT = 10
MOST_NAMED = 5


def rare_classes(labels: NDArray[Any], classes: Sequence[str], held_out: NDArray[np.bool_] | float) -> str | None:
    """Name the classes with fewer than ten held-out rows, the rarest first.

    Parameters
    ----------
    labels
        Label of each row, shape (n_rows,).
    classes
        All labels.
    held_out
        Mask of the held-out rows, or before they are drawn their share, 0 to 1.
    """
    is_drawn = not isinstance(held_out, float)
    of_class = {name: labels == name for name in classes}
    counts = {
        name: int((rows & held_out).sum()) if is_drawn else round(float(rows.sum() * held_out))
        for name, rows in of_class.items()
    }
    rare = sorted((count, name) for name, count in counts.items() if count < LEAST_HELD_OUT)
    if not rare:
        return None
    about = "" if is_drawn else "about "
    named = ", ".join(f"{about}{count} of {name!r}" for count, name in rare[:MOST_NAMED])
    more = f", and {len(rare) - MOST_NAMED} more classes" if len(rare) > MOST_NAMED else ""
    return f"fewer than {LEAST_HELD_OUT} rows of a class in the hold-out, too few to judge the model by: {named}{more}"
