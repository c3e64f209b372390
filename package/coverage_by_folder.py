"""Print what ``coverage json`` found, a line for each folder of a package: lines and branches, and how many ran.

    coverage_by_folder.py REPORT PACKAGE [FOLDER MINIMUM]

With a folder and a minimum, it ends with exit code 1 where less than that share of the folder's lines ran, in percent.
"""

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path, PurePath
from typing import Any

ROW = "{:<32}{:>9}{:>10}{:>11}{:>10}"


def main(report: dict[str, Any], package: str, folder: str = "", minimum: str = "0") -> None:
    """Print the table of a package, and refuse a folder whose lines ran too rarely.

    Parameters
    ----------
    report : dict
        What ``coverage json`` writes.
    package : str
        Name of the folder whose subfolders have a line each.
    folder : str
        The subfolder that is held to the minimum, such as ``runtime``.
    minimum : str
        Lowest share of its lines, in percent.
    """
    folders: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for file, found in report["files"].items():
        parts = PurePath(file).parts
        below = parts[parts.index(package) + 1 : -1]
        counts = {name: count for name, count in found["summary"].items() if isinstance(count, int)}
        folders[f"{package}/{below[0]}/" if below else f"{package}/*.py"].update(counts)
        folders["total"].update(counts)
    print(ROW.format("folder", "lines", "covered", "branches", "covered"))
    for name, counts in sorted(folders.items(), key=lambda item: (item[0] == "total", item[0])):
        lines, branches = counts["num_statements"], counts["num_branches"]
        print(
            ROW.format(
                name,
                lines,
                f"{counts['covered_lines'] / max(lines, 1):.1%}",
                branches,
                f"{counts['covered_branches'] / branches:.1%}" if branches else "",
            )
        )
    if folder:
        held = folders[f"{package}/{folder}/"]
        share = 100 * held["covered_lines"] / max(held["num_statements"], 1)
        if share < float(minimum):
            sys.exit(f"error: {package}/{folder}/: expected {minimum} % of the lines or more, found {share:.1f} %")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_bytes()), *sys.argv[2:])
