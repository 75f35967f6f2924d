"""The command line: each command parses its options, calls one library function and prints."""

from __future__ import annotations

from vectorfind.cli.main import main

__all__ = ["main"]
