"""Names that clients may give their requests."""

from __future__ import annotations

import re

#: Names that a client may give its request; another is replaced.
ACCEPTED = re.compile(rb"[A-Za-z0-9._:+=/-]{1,128}").fullmatch
