"""Verify that the portable model gives the labels and probabilities of the pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classification_model.errors import ExportError
from classification_model.export.proof.evidence import TOLERANCE
from classification_model.runtime.portable import PortableModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classification_model.export.proof.evidence import Evidence
    from classification_model.runtime.model_folder.manifest import Parity


def prove_portable(content: bytes, classes: Sequence[str], evidence: Evidence) -> Parity:
    """Hold a portable model against what the pipeline made of some rows.

    Parameters
    ----------
    content
        What `compile_portable` made.
    classes
        Labels in the order of the probabilities.
    evidence
        What the pipeline made of rows.

    Raises
    ------
    ExportError
        If onnxruntime does not run it, or a probability differs by more than 1e-12, or a label outside of that around
        its threshold: the message names the row.
    """
    try:
        labels, probabilities = PortableModel(content).predict(evidence.columns, evidence.rows.count)
    except Exception as error:  # onnxruntime's errors share no base but this
        msg = f"onnxruntime does not run the portable model: {str(error).partition(chr(10))[0][:300]}"
        raise ExportError(msg) from error
    numbers = {label: number for number, label in enumerate(classes)}
    found = np.array([numbers.get(label, -1) for label in labels])
    parity = evidence.report([probabilities], [found])
    if not parity.holds:
        differences = evidence.differences([probabilities])
        row = int(np.argmax(differences if parity.largest_difference > TOLERANCE else evidence.other_classes([found])))
        msg = (
            f"the portable model disagrees with the pipeline by {differences[row]:.3g} on {evidence.name_row(row)}, "
            f"more than {TOLERANCE:g} allow, or in its label"
        )
        raise ExportError(msg)
    return parity
