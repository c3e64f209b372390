"""The command line where the system attaches no filter to a socket, as a sandbox may have it."""

from __future__ import annotations

from app.cli import main
from app.connections import listening

listening.SO_ATTACH_FILTER = 9999

if __name__ == "__main__":
    main()
