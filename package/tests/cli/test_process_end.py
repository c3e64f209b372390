"""How the process of a command ends: with its own exit code, whatever native libraries do afterwards."""

import subprocess
import sys

import pytest

from classification_model.runtime.model_folder.packaged import package_version

ABORT_AT_EXIT = """
import ctypes, sys
libc = ctypes.CDLL(None)
libc.__cxa_atexit(libc.abort, None, None)
from classification_model import cli
"""


def run(arguments: list[str], prepare: str = "", output: str = "-") -> subprocess.CompletedProcess[str]:
    """Run the command line in a process that aborts when the exit handlers of its native libraries run."""
    code = f"{ABORT_AT_EXIT}\n{prepare}\nsys.argv[1:] = {arguments!r}\ncli.run()"
    line = '"$0" -c "$1"' if output == "-" else 'PYTHONUNBUFFERED= "$0" -c "$1" > "$2"'
    command = ["bash", "-c", line, sys.executable, code, output]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.skipif(sys.platform != "linux", reason="__cxa_atexit of glibc")
@pytest.mark.parametrize(
    ("arguments", "code", "out", "err"),
    [
        (["--version"], 0, f"{package_version()}\n", ""),
        (["verify", "none"], 2, "", "error: expected a model in none"),
    ],
)
def test_a_command_ends_with_its_own_code_whatever_exit_handlers_do(
    arguments: list[str], code: int, out: str, err: str
) -> None:
    """A handler that aborts is not called; what was printed is there whole."""
    done = run(arguments)
    assert (done.returncode, done.stdout) == (code, out), done.stderr
    assert done.stderr.startswith(err)


def test_python_exit_handlers_run_before_the_end() -> None:
    """What a command leaves to Python's end, such as a temporary folder, is removed."""
    done = run([], "import atexit\ncli.app = lambda: atexit.register(print, 'removed')")
    assert (done.returncode, done.stdout) == (0, "removed\n"), done.stderr


def test_output_that_cannot_be_written_at_the_end_is_no_success() -> None:
    """A full disk behind standard output is exit code 2, also for what an exit handler prints."""
    done = run([], "import atexit\ncli.app = lambda: atexit.register(print, 'removed')", "/dev/full")
    assert done.returncode == 2


def test_an_unforeseen_exception_is_exit_code_1() -> None:
    """An exception that no command catches shows its traceback, and is never a success."""
    done = run([], "def fail(): raise RuntimeError('unforeseen')\ncli.app = fail")
    assert done.returncode == 1
    assert done.stderr.endswith("RuntimeError: unforeseen\n")
