"""Measures how fast the library runs on a machine, and how much of the machine it uses."""

from __future__ import annotations

from property_cnn.common.prompt import lazy_names

__all__ = ["BenchRow", "BenchSettings", "bench", "bench_lines", "write_bench"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "BenchRow": "vectorfind.bench.rows",
        "BenchSettings": "vectorfind.bench.settings",
        "bench": "vectorfind.bench.suite",
        "bench_lines": "vectorfind.bench.rows",
        "write_bench": "vectorfind.bench.rows",
    },
)
