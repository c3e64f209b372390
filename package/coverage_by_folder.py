"""Print what ``coverage json`` found, a line for each folder of a package: lines and branches, and how many ran."""

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path, PurePath
from typing import Any

ROW = "{:<32}{:>9}{:>10}{:>11}{:>10}"


def main(report: dict[str, Any], package: str) -> None:
    """Print the table of a package.

    Parameters
    ----------
    report : dict
        What ``coverage json`` writes.
    package : str
        Name of the folder whose subfolders have a line each.
    """
    folders: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for file, found in report["files"].items():
        parts = PurePath(file).parts
        below = parts[parts.index(package) + 1 : -1]
        counts = {name: count for name, count in found["summary"].items() if isinstance(count, int)}
        folders[f"{package}/{below[0]}/" if below else f"{package}/*.py"].update(counts)
        folders["total"].update(counts)
    print(ROW.format("folder", "lines", "covered", "branches", "covered"))
    for folder, counts in sorted(folders.items(), key=lambda item: (item[0] == "total", item[0])):
        lines, branches = counts["num_statements"], counts["num_branches"]
        print(
            ROW.format(
                folder,
                lines,
                f"{counts['covered_lines'] / max(lines, 1):.1%}",
                branches,
                f"{counts['covered_branches'] / branches:.1%}" if branches else "",
            )
        )


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_bytes()), sys.argv[2])
