"""The command line in a process of its own that tells how much memory it took.

    python -m vectorfind.bench.child FILE test -n 4000 ...

What the system says of a process that has ended may be what the one that started it held.
"""

from __future__ import annotations

import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_memory() -> float:
    """Most bytes that this process held at once; NaN where the system does not say."""
    try:
        lines = STATUS.read_text(encoding="utf-8").splitlines()
        return 1024.0 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:
        return float("nan")
    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def main() -> None:
    """Runs the command line with the arguments after the first, a file for the bytes."""
    from vectorfind.__main__ import run

    output = Path(sys.argv.pop(1))
    try:
        run()
    finally:
        output.write_text(str(peak_memory()), encoding="utf-8")


if __name__ == "__main__":
    main()
