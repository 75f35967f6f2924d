"""StyleSpace: single channels of the outputs of a network's affine layers.

Wu, Lischinski and Shechtman, "StyleSpace Analysis: Disentangled Controls for StyleGAN Image
Generation" (2021). They rank the channels for an attribute by how far its exemplars lie from the
mean, in standard deviations of the channel; with scores in place of exemplars that is a
correlation. And for a part of the image by its gradient by the channel; with scores in place of
parts that is the score's derivative. Other than a correlation, it tells the channel that moves a
score from one that merely varies with that. A channel counts the more the less it goes with the
other scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from property_cnn.common.errors import InputError
from vectorfind.config import FindSettings
from vectorfind.methods.base import FitTask
from vectorfind.methods.components.method import (
    ComponentField,
    ComponentMethod,
    Components,
    assigned,
    centred,
    correlations,
)
from vectorfind.methods.components.principal import readable_rows
from vectorfind.methods.jacobians import mean_slopes
from vectorfind.sampling.groups import WHOLE

if TYPE_CHECKING:
    from vectorfind.models.pair import Models  # loads PyTorch

LAYER = "s"
"""The style space."""


class StyleSpaceMethod(ComponentMethod):
    """Channels of style space that go with one score and not with the others."""

    name = "stylespace"
    sentence = (
        "StyleSpace: the channel of style space (layer s) that changes with the score and least "
        "with the other scores."
    )
    title = label = "StyleSpace"
    layer = LAYER

    def check_models(
        self, models: Models, settings: FindSettings, properties: Sequence[str]
    ) -> None:
        """Raises InputError for another layer than style space."""
        _check_layer(settings.layer)

    def axes(self, task: FitTask, vectors: np.ndarray) -> np.ndarray:
        """All channels (d, d), each a component."""
        _check_layer(task.settings.layer)
        return np.eye(vectors.shape[1], dtype=np.float32)

    def components(self, task: FitTask) -> Components:
        """Those channels that are worth most to one of the properties."""
        channels = Channels.of(task)
        best = np.argsort(-channels.values.max(axis=1), kind="stable")
        numbers = best[: task.settings.components.count]
        axes = np.zeros((len(numbers), len(best)), np.float32)
        axes[np.arange(len(numbers)), numbers] = 1.0
        return Components(numbers, axes, channels.spreads[numbers], channels.shares[numbers])

    def fit(self, task: FitTask) -> dict[str, ComponentField]:
        """A field a property, of the channel or the channels that are worth most to it.

        Several move by as many standard deviations each.
        """
        channels = Channels.of(task)
        places = assigned(channels.values, task.properties, task.settings.components.channels)
        fields = {}
        for column, (name, some) in enumerate(zip(task.properties, places, strict=True)):
            effects = channels.effects[some, column]
            direction = np.zeros(len(channels.spreads))
            direction[some] = np.where(effects < 0, -1.0, 1.0) * channels.spreads[some]
            length = np.linalg.norm(direction)
            if not length > 0:
                raise InputError(f"no channel of {LAYER} changes with {name}; give more samples")
            fields[name] = ComponentField(
                np.array([WHOLE]),
                (direction / length).astype(np.float32)[None],
                np.sort(some),
                float(channels.shares[some].sum()),
                float(np.abs(effects).mean()),
            )
        return fields


STYLESPACE = StyleSpaceMethod()


class Channels:
    """What samples, or derivatives, tell of the channels of style space.

    Args:
        vectors: (n, d) of samples.
        effects: (d, A) of one standard deviation of a channel on each score, in those of the score.
        columns: places of the P properties among the scores.

    Attributes:
        effects: (d, P) on the scores of the task's properties.
        values: (d, P) what each is worth to them: the size of the effect, times its share of the
            length of the effects on all scores.
        spreads: (d,) standard deviations.
        shares: (d,) of all variance.
    """

    def __init__(self, vectors: np.ndarray, effects: np.ndarray, columns: Sequence[int]):
        lengths = np.linalg.norm(effects, axis=1, keepdims=True)
        self.effects = effects[:, columns]
        self.values = self.effects**2 / np.where(lengths > 0, lengths, 1.0)
        variances = centred(vectors).var(axis=0, dtype=np.float64)
        self.spreads, self.shares = np.sqrt(variances), variances / (variances.sum() or 1.0)

    @classmethod
    def of(cls, task: FitTask) -> Channels:
        """Those of the task's samples, by correlations or, where its settings say so, by
        derivatives.

        Raises:
            InputError: another layer, or derivatives that cannot be had.
        """
        _check_layer(task.settings.layer)
        samples, rows, settings = task.samples, readable_rows(task), task.settings.components
        vectors = samples.vectors(LAYER, rows)
        if settings.slopes == "exact":
            some = vectors[: settings.faces]
            slopes = mean_slopes(task, some, samples.properties, "slopes exact", "slopes samples")
            effects = slopes.T * vectors.std(axis=0, dtype=np.float64)[:, None]
        else:
            effects = correlations(centred(vectors), samples.scores[rows])
        columns = [samples.properties.index(name) for name in task.properties]
        return cls(vectors, effects, columns)


def _check_layer(layer: str) -> None:
    if layer != LAYER:
        raise InputError(
            f"StyleSpace finds channels of the layer {LAYER}, not of {layer}; give layer {LAYER}, "
            "and a generator that has it (StyleGAN2, StyleGAN3, MobileStyleGAN)"
        )
