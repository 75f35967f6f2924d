"""Freed memory kept by the process."""

import os
import platform
import subprocess
import sys

import pytest
from click.testing import CliRunner

from property_cnn.jobs.engines.memory import keep_freed_memory
from vectorfind import __main__ as program

FREES = """
from property_cnn.jobs.engines.memory import keep_freed_memory
import numpy as np
assert {keeps} is False or keep_freed_memory()
blocks = [np.ones(2**22) for _ in range(8)]  # 256 MiB
del blocks
pages = int(open("/proc/self/statm").read().split()[1])
print(pages * 4096 > 2**28)
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc" or sys.platform != "linux", reason="needs glibc on Linux"
)
@pytest.mark.parametrize("keeps", [True, False])
def test_what_a_process_frees_stays_with_it_where_that_was_asked(keeps):
    program = FREES.format(keeps=keeps)
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.strip() == str(keeps)


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert keep_freed_memory() is False


def test_only_the_program_asks_for_it(monkeypatch):
    calls = []
    monkeypatch.setattr(program, "keep_freed_memory", lambda: calls.append("memory"))
    monkeypatch.setattr(program, "patient_streams", lambda: None)
    monkeypatch.setattr(program, "catch_signals", lambda: None)
    monkeypatch.setattr(program, "finish", lambda code, printed: sys.exit(code))
    CliRunner().invoke(program.main, ["--version"])
    assert calls == []
    monkeypatch.setattr(sys, "argv", ["/somewhere/__main__.py", "--version"])
    with pytest.raises(SystemExit) as ended:
        program.run()
    assert (ended.value.code, calls) == (0, ["memory"])


def test_nothing_ends_the_suites_own_process():
    with pytest.raises(RuntimeError, match="end the suite with exit code 0"):
        os._exit(0)
