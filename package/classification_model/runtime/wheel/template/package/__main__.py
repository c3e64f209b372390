"""``python -m`` with the name of this package: verify its model, or predict a file with it."""

import argparse
import sys

from . import model_folder
from .requirement import require_runtime


def main() -> None:
    """Run `classification-model verify` or `classification-model predict` on the model inside this package."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {__package__}",
        description="Verify the classification model in this package, or predict a file with it.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser("verify", help="verify the model and the installed files of its package")
    commands.add_parser("predict", add_help=False, help="predict every row of a file; see predict --help")
    command, options = parser.parse_known_args()
    try:
        require_runtime()
    except ImportError as error:
        parser.exit(2, f"error: {error}\n")
    from classification_model import cli  # noqa: PLC0415 - if it is the one that is required

    folder = str(model_folder())
    if command.command == "verify":
        if options:
            parser.error(f"verify: expected no arguments, found {' '.join(options)}")
        sys.argv[1:] = ["verify", folder]
    else:
        sys.argv[1:] = ["predict", "--model", folder, *options]
    cli.run()


if __name__ == "__main__":
    main()
