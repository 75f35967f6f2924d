"""SeFa: the directions of w that change a network's styles most, in closed form.

Shen and Zhou, "Closed-Form Factorization of Latent Semantics in GANs" (2021): eigenvectors of AᵀA,
A being the weights of the affine layers, one below the other. No sample is needed for them; samples
tell which of them a property takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from property_cnn.common.errors import InputError
from vectorfind.config import FindSettings
from vectorfind.methods.base import FitTask
from vectorfind.methods.components.method import ComponentMethod

if TYPE_CHECKING:
    from vectorfind.models.pair import Models  # loads PyTorch


class SefaMethod(ComponentMethod):
    """The eigenvectors of the largest eigenvalues."""

    name = "sefa"
    sentence = (
        "SeFa: the eigenvector of the weights of the affine layers that take w along which the "
        "score changes most."
    )
    title, label = "SeFa", "SeFa"

    def check_models(
        self, models: Models, settings: FindSettings, properties: Sequence[str]
    ) -> None:
        """Raises InputError where the generator does not tell the weights that the layer feeds."""
        style_weights(models, settings.layer)

    def axes(self, task: FitTask, vectors: np.ndarray) -> np.ndarray:
        """The first of them (K, d), by falling eigenvalue; in w+ the same in every layer's w."""
        if task.models is None:
            raise InputError(
                "SeFa reads a generator's weights; give the models that samples are of"
            )
        weights = style_weights(task.models, task.settings.layer)
        copies, rest = divmod(vectors.shape[1], weights.shape[1])
        if rest:
            raise InputError(
                f"the generator's style_weights take {weights.shape[1]} numbers, but vectors of "
                f"{task.settings.layer} have {vectors.shape[1]}"
            )
        axes = eigenvectors(weights)[: task.settings.components.count]
        return np.tile(axes, copies) / np.sqrt(copies)


SEFA = SefaMethod()


def style_weights(models: Models, layer: str) -> np.ndarray:
    """Weights (outputs, w_dim) float64 of the affine layers that take a layer's w.

    Raises:
        InputError: the generator does not tell them, or the layer feeds none.
    """
    generator = models.generator
    if not hasattr(generator, "style_weights"):
        raise InputError(
            f"the generator, a {type(generator).__name__}, has no style_weights(layer), which SeFa "
            "reads; give it that, or take a method that needs samples alone"
        )
    weights = generator.style_weights(layer)
    weights = weights.cpu().numpy() if hasattr(weights, "cpu") else np.asarray(weights)
    return weights.astype(np.float64)


def eigenvectors(weights: np.ndarray) -> np.ndarray:
    """Of AᵀA for weights A (outputs, d), by falling eigenvalue, as rows (d, d) of unit norm; the
    largest number of each is above 0.
    """
    _, vectors = np.linalg.eigh(weights.T @ weights)
    axes = vectors.T[::-1]
    largest = axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]
    return axes * np.sign(largest)[:, None]
