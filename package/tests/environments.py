"""Environments of their own, which see the packages of this one: what is installed there stays there."""

import sysconfig
import venv
from pathlib import Path


def make_environment(folder: Path, *, with_pip: bool = False) -> Path:
    """Make an environment in which everything that is installed here can be imported; give its interpreter."""
    venv.create(folder, with_pip=with_pip)
    here = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    lines = [f"import site; site.addsitedir({path!r})\n" for path in sorted(here)]
    (site_packages(folder) / "those_here.pth").write_text("".join(lines), encoding="utf-8")
    return Path(sysconfig.get_path("scripts", "venv", {"base": str(folder)})) / "python"


def site_packages(folder: Path) -> Path:
    """Return where an environment's own packages are installed."""
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
