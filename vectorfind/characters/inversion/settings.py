"""What inversion does unless told otherwise; without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from property_cnn.common.checks import Factor, OneOf, Positive, Seed, Settings, Whole
from vectorfind.config import Layers, Psi, Size

LAYERS = ("w", "w+")
"""Layers that a picture can be inverted at: one vector for all of synthesis, or one a layer."""

SEVERAL_SIZES = 256
"""Side of images, unless told otherwise, of the generator of photographs, which makes several."""


@dataclass(frozen=True)
class LossWeights(Settings):
    """What each part of the objective counts.

    Attributes:
        pixels: mean squared difference of pixels in [-1, 1], the mean over a pyramid.
        perceptual: squared difference of a reader's activations, each place's of unit length.
        landmarks: mean squared distance of landmarks, in tenths of the face's width.
        usual: squared distance from the mean w in standard deviations, a dimension.
        together: mean squared deviation of the layers' w from their mean, in the same unit.
    """

    pixels: Factor = 1.0
    perceptual: Factor = 1.0
    landmarks: Factor = 1.0
    usual: Factor = 0.02
    together: Factor = 0.02


@dataclass(frozen=True)
class InvertSettings(Settings):
    """How a photograph is brought into a generator.

    Attributes:
        layer: of the latents that are kept: "w+" is nearer to the picture, "w" is more like what
            the generator makes of itself. None for w+ where the generator has it.
        steps: gradients of images, in all.
        starts: random latents of which the nearest is tried beside the mean.
        samples: latents that tell which are usual.
        learning_rate: Adam's at its height, in standard deviations of w.
        seed: of samples and starts.
        align: cut the face out of the picture as the faces of FFHQ were; None to do so where the
            generator makes photographs and a network can tell where the face is.
        face: which of several faces, by falling size; 1 is the largest.
        device, psi, trunc_layers: of a generator that is loaded, see `FindSettings`.
        size: side of its images; None for its own, but 256 of "mobilestylegan".
        weights: of the objective's parts.
    """

    layer: Annotated[str, OneOf("layer", LAYERS)] | None = None
    steps: Annotated[int, Whole(2, 100_000)] = 200
    starts: Annotated[int, Whole(1, 10_000)] = 16
    samples: Annotated[int, Whole(16, 1_000_000)] = 4096
    learning_rate: Positive = 0.1
    seed: Seed = 0
    align: bool | None = None
    face: Annotated[int, Whole(1, 32)] = 1
    device: str | None = None
    psi: Psi | None = None
    trunc_layers: Layers | None = None
    size: Size | None = None
    weights: LossWeights = field(default_factory=LossWeights)
