"""Becomes a sensor that cannot outlive its parent nor take the machine.

``guard.py PARENT MEMORY FILE_SIZE COMMAND...``, run by path with ``python -I -S``, so it imports the standard library
only. PARENT is the process id whose end ends the sensor (Linux), MEMORY the bytes of address space and FILE_SIZE the
bytes of one file it may have.
"""

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1


def _limit(which: int, wanted: int) -> None:
    _, hard = resource.getrlimit(which)
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(which, (value, value))
    except (OSError, ValueError):  # macOS refuses some limits: a sensor without a bound is better than none
        sys.stderr.write("whosasking: this system does not bound the sensor's memory\n")


def main() -> None:
    """Bind this process to its parent, bound it, and become the command."""
    parent, memory, size, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(parent):  # it ended before the line above could tell
        raise SystemExit(1)
    _limit(resource.RLIMIT_AS, int(memory))
    _limit(resource.RLIMIT_FSIZE, int(size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.execvp(command[0], command)  # noqa: S606 - no shell, the arguments are a list


if __name__ == "__main__":
    main()
