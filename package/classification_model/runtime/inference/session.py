"""Make the onnxruntime session of a model."""

from __future__ import annotations

import os
from pathlib import Path

# Its wheels have telemetry, which writes an identifier into the user's home and keeps events to be sent. Whoever wants
# that sets the variable to 0; it is read when onnxruntime is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

from classification_model.errors import VerificationError
from classification_model.runtime.inference.external_data import refuse_external_data

_OPTIONS = {
    # Bytes of onnxruntime's own format, which it would recognize by itself, may name other files too, and nobody looked
    # through them.
    "session.load_model_format": "ONNX",
    # Files that tensors name are looked for here, and below a file there is none: should one be named in a way that
    # `refuse_external_data` does not know, onnxruntime reads nothing.
    "session.model_external_initializers_file_folder_path": str(Path(__file__).absolute() / "none"),
}


def start_session(content: bytes, what: str) -> onnxruntime.InferenceSession:
    """Start a session; it is safe for several threads at once.

    Parameters
    ----------
    content
        Bytes of an ONNX model.
    what
        What it is called in an error.

    Raises
    ------
    VerificationError
        If it keeps a tensor in another file, or onnxruntime cannot run it.
    """
    refuse_external_data(content, what)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # who has more cores, runs more rows at once
    options.log_severity_level = 4  # what it has to say is raised below
    for key, value in _OPTIONS.items():
        options.add_session_config_entry(key, value)
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except Exception as error:  # onnxruntime's errors share no base but this
        reason = str(error).partition("\n")[0][:300]
        msg = f"onnxruntime {onnxruntime.__version__} cannot run the {what} ({reason}): train it again"
        raise VerificationError(msg) from error
