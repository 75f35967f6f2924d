"""`python -m vectorfind` is the command `vectorfind`."""

from __future__ import annotations

from vectorfind.cli import main

if __name__ == "__main__":
    main(prog_name="vectorfind")
