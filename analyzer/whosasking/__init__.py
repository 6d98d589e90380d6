"""whosasking: who looked you up in WHOIS and RDAP, and with what process (ATT&CK T1596.002)."""

__version__ = "0.1.0"
