"""Sections of the terminal report, a file each: ``show(page, ...)`` prints it, or nothing when there is nothing."""
