"""Measures of a generator against its data: AUROC, Fréchet distance, entanglement, neighbours."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import linalg
from sklearn.metrics import roc_auc_score
from torch import Tensor

from property_cnn.common.errors import InputError

Array = NDArray[np.floating]


def frechet_distance(first: Array, second: Array) -> float:
    """Fréchet distance between the Gaussians of two sets of features (Heusel et al., 2017).

    Args:
        first, second: (N, F) and (M, F), more rows than columns.

    Returns:
        |m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½), at least 0, in squared units of the features.
    """
    if min(len(first), len(second)) <= first.shape[1]:
        raise InputError(
            f"{len(first)} and {len(second)} rows of {first.shape[1]} features; "
            "need more rows than features"
        )
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    shift = first.mean(axis=0) - second.mean(axis=0)
    one, two = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    # the eigenvalues of C1 C2 are those of the symmetric L' C2 L with C1 = L L'
    values, vectors = linalg.eigh(one)
    root = vectors * np.sqrt(values.clip(0.0))
    cross = linalg.eigvalsh(root.T @ two @ root).clip(0.0)
    distance = shift @ shift + np.trace(one) + np.trace(two) - 2.0 * np.sqrt(cross).sum()
    return float(max(distance, 0.0))


def auroc(positive: Tensor, negative: Tensor) -> float:
    """Share of (positive, negative) pairs in which the positive is larger; ties count half."""
    scores = torch.cat([positive.flatten(), negative.flatten()]).double().nan_to_num().cpu()
    truth = torch.arange(len(scores)) < positive.numel()
    return float(roc_auc_score(truth, scores))


def linear_r2(inputs: Array, targets: Array, ridge: float = 1e-3) -> Array:
    """How much of each target a linear map of the inputs explains, on the half not fitted.

    Args:
        inputs: (N, D); targets: (N, P). The first half is fitted by ridge regression.
        ridge: penalty as a share of the mean variance of the inputs.

    Returns:
        (P,) R², at most 1.
    """
    half = len(inputs) // 2
    inputs, targets = np.asarray(inputs, np.float64), np.asarray(targets, np.float64)
    centre, level = inputs[:half].mean(axis=0), targets[:half].mean(axis=0)
    x, y = inputs[:half] - centre, targets[:half] - level
    gram = x.T @ x
    gram[np.diag_indices_from(gram)] += ridge * np.trace(gram) / len(gram)
    weights = linalg.solve(gram, x.T @ y, assume_a="pos")
    left = targets[half:] - level - (inputs[half:] - centre) @ weights
    total = targets[half:] - targets[half:].mean(axis=0)
    return 1.0 - (left**2).mean(axis=0) / (total**2).mean(axis=0)


def nearest(queries: Array, candidates: Array, count: int) -> tuple[NDArray[np.int64], Array]:
    """Nearest candidates of each query by root-mean-square difference, nearest first.

    Args:
        queries: (Q, D); candidates: (N, D).

    Returns:
        (Q, count) indices and (Q, count) distances.
    """
    distances = np.stack([np.sqrt(((candidates - query) ** 2).mean(axis=1)) for query in queries])
    order = np.argsort(distances, axis=1, kind="stable")[:, :count]
    return order, np.take_along_axis(distances, order, axis=1)
