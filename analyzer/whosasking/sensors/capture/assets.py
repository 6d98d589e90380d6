"""Where the Zeek scripts and Suricata rules lie: in the installed package, or in the checkout it runs from."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from whosasking.errors import InputError

_PACKAGE: Final = Path(__file__).resolve().parents[2]
_PLACES: Final = (_PACKAGE / "_sensors", _PACKAGE.parents[1])


def zeek_scripts() -> Path:
    """Return the folder of the Zeek package. Raises InputError when this installation lacks it."""
    return _find("zeek_scripts", "__load__.zeek")


def suricata_rules() -> Path:
    """Return the folder of the Suricata rules. Raises InputError when this installation lacks it."""
    return _find("suricata_rules", "whosasking.yaml")


def _find(folder: str, landmark: str) -> Path:
    for place in _PLACES:
        if (place / folder / landmark).is_file():
            return place / folder
    raise InputError(f"this installation of whosasking lacks its {folder}: install it anew")
