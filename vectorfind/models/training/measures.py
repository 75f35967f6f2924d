"""How well a scorer agrees with its teacher, and how much faster it is."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import torch

from property_cnn.common.streams import BOOTSTRAP, random_stream
from property_cnn.common.tasks import one_thread

COLUMNS = ("property", "r2", "r2_low", "r2_high", "corr", "error", "mean", "std")
"""Of the table: R² with its interval, correlation, mean absolute error, and the teacher's mean and
deviation, on images held out."""

RESAMPLES = 1000
ROUNDS = 5
"""Times that each scorer's speed is taken."""


def agreement(
    predicted: np.ndarray, wanted: np.ndarray, properties: Sequence[str], seed: int = 0
) -> pd.DataFrame:
    """The table of `COLUMNS`, a row a property.

    Args:
        predicted, wanted: (n, P) raw scores of the scorer and of its teacher.
        properties: P names.
        seed: of the bootstrap over images (percentiles 2.5 and 97.5).
    """
    counts = random_stream(seed, BOOTSTRAP, "scorer").multinomial(
        len(wanted), np.full(len(wanted), 1 / len(wanted)), RESAMPLES
    )
    low, high = np.quantile(_r2(predicted, wanted, counts), (0.025, 0.975), axis=0)
    return pd.DataFrame(
        {
            "property": list(properties),
            "r2": _r2(predicted, wanted, np.ones((1, len(wanted))))[0],
            "r2_low": low,
            "r2_high": high,
            "corr": [
                np.corrcoef(one, other)[0, 1]
                for one, other in zip(predicted.T, wanted.T, strict=True)
            ],
            "error": np.abs(predicted - wanted).mean(axis=0),
            "mean": wanted.mean(axis=0),
            "std": wanted.std(axis=0),
        },
        columns=list(COLUMNS),
    )


def _r2(predicted: np.ndarray, wanted: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(B, P) shares of variance explained, each image counted as often as (B, n) `counts` say."""
    wanted, predicted = wanted.astype(np.float64), predicted.astype(np.float64)
    error = counts @ np.square(predicted - wanted)
    centred = wanted - wanted.mean(axis=0)
    number = counts.sum(axis=1, keepdims=True)
    total = counts @ np.square(centred) - np.square(counts @ centred) / number
    return 1 - error / np.maximum(total, np.finfo(np.float64).tiny)


@one_thread()
def images_a_second(
    scorers: Mapping[str, Callable[[torch.Tensor], object]], images: torch.Tensor
) -> dict[str, float]:
    """Images a second of each scorer on one thread, on the same images (N, 3, H, W), by turns."""
    taken: dict[str, list[float]] = {name: [] for name in scorers}
    for _ in range(ROUNDS + 1):
        for name, scorer in scorers.items():
            started = time.perf_counter()
            scorer(images)
            taken[name].append(time.perf_counter() - started)
    return {name: len(images) / statistics.median(each[1:]) for name, each in taken.items()}
