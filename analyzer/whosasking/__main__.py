"""``python -m whosasking``."""

from whosasking.cli import main

if __name__ == "__main__":
    main()
