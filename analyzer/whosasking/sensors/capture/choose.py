"""Which sensors read a capture: the best one here, a named one, or all."""

from __future__ import annotations

import importlib.util
import shutil
from enum import StrEnum
from typing import Final

from whosasking.errors import InputError

ORDER: Final = ("zeek", "suricata", "tshark")
"""Best first: Zeek sees most, Suricata next; tshark reads where neither is installed."""
_TO_INSTALL: Final = {
    "zeek": "zeek is not on PATH",
    "suricata": "suricata is not on PATH",
    "tshark": "tshark is not on PATH",
}
_PYSHARK: Final = "tshark is here but its reader is not: pip install 'whosasking[pcap]'"


class Sensor(StrEnum):
    """Values of ``--sensor``."""

    AUTO = "auto"
    ZEEK = "zeek"
    SURICATA = "suricata"
    TSHARK = "tshark"
    ALL = "all"


def chosen(wanted: Sensor) -> list[str]:
    """Return the sensors to run, best first. Raises InputError when none that was asked for is here."""
    if wanted in ORDER:
        why = missing(wanted)
        if why is not None:
            raise InputError(f"--sensor {wanted}: {why}")
        return [str(wanted)]
    here = [name for name in ORDER if missing(name) is None]
    if not here:
        raise InputError(
            "a packet capture needs a sensor, and none is here: install Zeek, Suricata, or tshark with "
            f"'whosasking[pcap]' ({'; '.join(why for name in ORDER if (why := missing(name)))})"
        )
    return here if wanted is Sensor.ALL else here[:1]


def missing(name: str) -> str | None:
    """Return why a sensor cannot run here, None when it can."""
    if shutil.which(name) is None:
        return _TO_INSTALL[name]
    if name == "tshark" and importlib.util.find_spec("pyshark") is None:
        return _PYSHARK
    return None
