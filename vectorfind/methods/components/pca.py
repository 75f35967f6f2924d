"""GANSpace: principal components of a layer's vectors.

Härkönen, Hertzmann, Lehtinen and Paris, "GANSpace: Discovering Interpretable GAN Controls" (2020).
Their edits of some layers alone are here the layers `w+A-B`. People named their components after
looking; here the scores name them.
"""

from __future__ import annotations

import numpy as np

from vectorfind.methods.base import FitTask
from vectorfind.methods.components.method import ComponentMethod
from vectorfind.methods.components.principal import principal


class PcaMethod(ComponentMethod):
    """The principal components of the largest variance."""

    name = "pca"
    sentence = (
        "GANSpace: the principal component of the layer's vectors along which the score changes "
        "most."
    )
    title, label = "PCA", "PCA"

    def axes(self, task: FitTask, vectors: np.ndarray) -> np.ndarray:
        """The first of them (K, d), by falling variance."""
        settings = task.settings
        return principal(vectors, settings.components.count, settings.seed).axes


PCA = PcaMethod()
