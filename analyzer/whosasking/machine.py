"""What this machine has for us."""

from __future__ import annotations

import os


def cores() -> int:
    """Return how many cores this process may use: a container or ``taskset`` may leave it fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1
