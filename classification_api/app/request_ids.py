"""Request IDs that clients may choose."""

from __future__ import annotations

import re

#: Accepted values of X-Request-ID; any other is replaced by a UUID.
ACCEPTED = re.compile(rb"[A-Za-z0-9._:+=/-]{1,128}").fullmatch
