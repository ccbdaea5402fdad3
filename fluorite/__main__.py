"""``python -m fluorite``: the same as the command ``fluorite``."""

from fluorite.cli import main

if __name__ == "__main__":
    main()
