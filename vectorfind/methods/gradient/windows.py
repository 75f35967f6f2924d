"""Samples as gradient networks are trained on them: a window at a time, in little memory."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch

from vectorfind.sampling.sampler import SHARD, SampleSource

WINDOW = 64 * SHARD
"""Most samples of a window."""

BLOCK = 2048
"""Samples read, or predicted, at a time."""


class Reader:
    """Vectors of samples, centred and divided by one number, on the centre's device.

    Args:
        samples: in memory or on disk.
        layer: whose vectors.
        centre: (d,) is subtracted.
        scale: divides.
        dtype: of what is read.
    """

    def __init__(
        self,
        samples: SampleSource,
        layer: str,
        centre: torch.Tensor,
        scale: float,
        dtype: torch.dtype = torch.float32,
    ):
        self.centre, self.scale, self.device, self.dtype = centre, scale, centre.device, dtype
        self._samples, self._layer = samples, layer
        self._rows, self._cached = np.empty(0, int), torch.empty(0)

    def read(self, rows: np.ndarray, dtype: torch.dtype | None = None) -> torch.Tensor:
        """The vectors (B, d) of rows (B,), in the reader's dtype or another."""
        # Copied to aligned memory: where NumPy placed them, products may round otherwise.
        size = (len(rows), len(self.centre))
        x = torch.empty(size, dtype=dtype or self.dtype, device=self.device)
        for part, some in zip(x.split(BLOCK), blocks(rows), strict=True):
            vectors = torch.from_numpy(self._samples.vectors(self._layer, some)).to(self.device)
            part.copy_((vectors - self.centre).div_(self.scale))
        return x

    def window(self, rows: np.ndarray) -> torch.Tensor:
        """`read`, whose last answer is kept: where all is one window, it is read once."""
        if not np.array_equal(rows, self._rows):
            self._cached = torch.empty(0)  # freed before the next is read
            self._rows, self._cached = rows, self.read(rows)
        return self._cached

    def forget(self) -> None:
        """Frees what `window` keeps."""
        self._rows, self._cached = np.empty(0, int), torch.empty(0)


def centre_and_scale(
    samples: SampleSource, layer: str, rows: np.ndarray
) -> tuple[torch.Tensor, float]:
    """Mean (d,) float32 of the rows' vectors, and the root-mean-square of their entries from it."""
    origin = count = 0  # sums are taken from the first block's mean, else squares lose digits
    for some in blocks(rows):
        x = samples.vectors(layer, some).astype(np.float64)
        if count == 0:
            origin = x.mean(axis=0)
            total = squares = np.zeros_like(origin)
        x -= origin
        total = total + x.sum(axis=0)
        squares = squares + np.square(x, out=x).sum(axis=0)
        count += len(some)
    shift = total / count
    scale = math.sqrt(np.mean(squares / count - shift**2)) or 1.0
    return torch.tensor(origin + shift, dtype=torch.float32), scale


def window_rows(
    rows: np.ndarray, number: int, stream: Callable[..., np.random.Generator]
) -> np.ndarray:
    """The rows of one window, sorted.

    Shards of consecutive samples are drawn in another order each pass and cut into windows, so
    that every row is in one window of a pass; up to WINDOW samples a pass is one window.

    Args:
        rows: sorted numbers of samples.
        number: of the window, counted through all passes.
        stream: keys -> random generator.
    """
    shards = np.unique(rows // SHARD)
    windows = math.ceil(len(shards) / (WINDOW // SHARD))
    turn, place = divmod(number, windows)
    order = stream("pass", turn).permutation(shards)
    return rows[np.isin(rows // SHARD, np.array_split(order, windows)[place])]


def blocks(rows: np.ndarray) -> list[np.ndarray]:
    """Rows in pieces of BLOCK."""
    return [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
