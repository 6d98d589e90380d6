"""What the command line's options take."""

from __future__ import annotations

from enum import StrEnum


class Sensor(StrEnum):
    """Values of ``--sensor``."""

    AUTO = "auto"
    ZEEK = "zeek"
    SURICATA = "suricata"
    TSHARK = "tshark"
    ALL = "all"


class Engine(StrEnum):
    """Values of ``--engine``."""

    EMBEDDED = "embedded"
    SPARK = "spark"


class Format(StrEnum):
    """Values of ``--format``."""

    TERMINAL = "terminal"
    JSON = "json"
    CSV = "csv"
