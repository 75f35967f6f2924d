"""Latents, labels and strengths of any shape, type and size, and names of files and folders."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import strategies as st

from tests.hostile.strategies.values import values

_DTYPES = ("float32", "float64", "float16", "int64", "bool", "complex64", "U3", "object")
_FILLS = (0.5, -1.0, 0.0, float("nan"), float("inf"), 1e38, 1e-45)


def arrays(width: int) -> st.SearchStrategy[object]:
    """Arrays near (N, width), as NumPy's, as tensors and as lists; and anything else."""
    sizes = st.sampled_from((0, 1, 2, 3, width, width - 1, width + 1))
    shapes = st.one_of(
        st.tuples(st.integers(0, 3), st.just(width)), st.lists(sizes, max_size=4).map(tuple)
    )

    def make(shape: tuple[int, ...], dtype: str, fill: float, kind: str) -> object:
        with np.errstate(all="ignore"):
            array = np.full(shape, fill if dtype not in ("int64", "bool") else 1).astype(dtype)
        if kind == "tensor" and dtype not in ("U3", "object"):
            return torch.from_numpy(array)
        return array.tolist() if kind == "list" else array

    dtypes = st.sampled_from((*_DTYPES, "float32", "float32"))
    kinds = st.sampled_from(("array", "tensor", "list"))
    good = st.builds(make, shapes, dtypes, st.sampled_from(_FILLS), kinds)
    return st.one_of(good, good, values)


def strengths(properties: tuple[str, ...]) -> st.SearchStrategy[dict[str, object]]:
    """Property -> strength, of any kind."""
    names = st.sampled_from((*properties, "wings", ""))
    amounts = st.one_of(
        st.floats(-3, 3), st.sampled_from((float("nan"), 1e38, -1e38, 1e5)), arrays(1), values
    )
    return st.dictionaries(names, amounts, max_size=3)


NAMES = (
    "a", "a.npz", "a.png", "a.csv", "a.gif", "a.safetensors", " ", ".", "./", "a/", "a/b/c", "é",
    "\u202e", "-x", "~", "*", "$HOME", "a\nb", "a\0b", "\udcff", "x" * 255, "x" * 256 + ".npz",
    "/".join(["d"] * 2100), "folder", "folder/a", "file", "file/a", "pipe", "loop", "loop/a",
    "dangling", "dangling/a", "CON", "a:b", "..a",
)  # fmt: skip
"""Paths in a folder that has a `folder`, a `file`, a named `pipe` and links that lead nowhere."""

names = st.sampled_from(NAMES)
