"""Processes for tests to kill. They begin as copies of one that has imported all that is slow."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from typing import Any

IMPORTED = ("pytest", "stylegan_ft.finetune.run", "torch._dynamo", "vectorfind.runs.test")


def started(function: Callable[..., Any], *given: Any) -> BaseProcess:
    """A process at work on function(*given), a function of a module."""
    process = forks().Process(target=function, args=given, daemon=True)
    process.start()
    return process


def forks() -> ForkServerContext:
    """What starts them, and joins them by pipes."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*IMPORTED])  # no more than this: threads would not be copied
    return context
