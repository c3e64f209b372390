"""Requests that a thread of the server works on, beside its event loop."""

from __future__ import annotations

import json

from conftest import ROW
from raw_http import post

#: Bodies of as many rows as a request may have, and of as many as may be explained.
LARGE = json.dumps({"inputs": [ROW] * 5000}).encode()
EXPLAINED = json.dumps({"inputs": [ROW] * 100}).encode()
#: Takes the longest of all.
SLOW = post(EXPLAINED, path="/predict?explain=true")
