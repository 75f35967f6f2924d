"""The program `vectorfind`, also as `python -m vectorfind`."""

from __future__ import annotations

from vectorfind.cli import main
from vectorfind.cli.allocator import keep_freed_memory


def run() -> None:
    """Runs the command line with this process's arguments, as its only user."""
    keep_freed_memory()
    main(prog_name="vectorfind")


if __name__ == "__main__":
    run()
