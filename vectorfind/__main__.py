"""The program `vectorfind`, also as `python -m vectorfind`."""

from __future__ import annotations

from property_cnn.jobs.engines.memory import keep_freed_memory
from vectorfind.cli import main
from vectorfind.cli.process import (
    Stopped,
    catch_signals,
    end,
    finish,
    patient_streams,
)


def run() -> None:
    """Runs the command line with this process's arguments, as its only user."""
    keep_freed_memory()
    printed = patient_streams()
    try:
        catch_signals()
        main(prog_name="vectorfind")
    except Stopped as stopped:
        end(128 + stopped.number, str(stopped))
    except SystemExit as ended:
        finish(ended.code, printed)


if __name__ == "__main__":
    run()
