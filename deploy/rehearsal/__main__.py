"""Build every image and run every service, from the files that users have: ``make test-images`` calls it, as root.

Nothing of this repository is changed, and nothing that was started is left but the images, as layers for the next time.
"""

from __future__ import annotations

import os
import signal
import sys

from build_all import build_all
from company import Company
from production import tell_production
from scripts import tell_scripts
from story import RehearsalError, Story
from titanic import tell_titanic


def main() -> None:
    """Rehearse, and exit with 0 only if everything went as it has to go."""
    if os.geteuid() != 0:
        sys.exit("expected to be root, which makes the base image and runs containers: sudo make test-images")
    for number in (signal.SIGINT, signal.SIGTERM):  # so that all is stopped, also where this runs in the background
        signal.signal(number, signal.default_int_handler)
    story = Story()
    try:
        images = build_all(story)
        Company(story, images).tell()
        tell_titanic(story, images)
        tell_production(story, images)
        tell_scripts(story)
    except RehearsalError as error:
        sys.exit(f"the rehearsal failed: {error}")
    print(f"{story.passed} steps passed in {story.seconds:.0f} s")


if __name__ == "__main__":
    main()
