"""The health check of the images: exit code 0 if GET of a path on this machine is answered with 200, else 1."""

import http.client
import os
import sys

#: Seconds for the answer, below the timeout of the health checks.
PATIENCE = 3


def is_healthy(port: int, path: str) -> bool:
    """Ask once."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not is_healthy(int(os.environ["PORT"]), sys.argv[1]))
