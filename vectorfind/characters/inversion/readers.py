"""Who looks at a picture and at what a generator makes of it: landmarks, and activations.

Of photographs MediaPipe's landmark network, where it was fetched, else the property CNN of
photographs; of drawn faces that which learned from them. Which a generator makes is told by its
images: they are nearer to those that the one or the other property CNN learned from.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.landmarks.detected import DetectedScorer
from property_cnn.landmarks.scorer import FACE_LOGIT, LandmarksScorer
from property_cnn.network.scorer import Scorer
from property_cnn.pictures import reduced
from vectorfind.characters.inversion.align import FaceSquare, face_square
from vectorfind.models.scorers import DEFAULT, DETECTED, LANDMARKS, PHOTOS, load_any_scorer

LARGEST_SEARCHED = 1024
"""Longer side of the picture that faces are searched in; their landmarks are as exact there."""

LEAST_MAP = 3
"""Least side of the maps of activations that are compared."""


@dataclass(frozen=True, eq=False)
class Look:
    """What a reader sees in N images.

    Attributes:
        maps: activations (N, C, H, W) of its convolutions.
        points: (N, 468, 2) x, y of landmarks in sides of the images; None of other readers.
        logits: (N,) that a face is there; None likewise.
    """

    maps: tuple[Tensor, ...]
    points: Tensor | None = None
    logits: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Reader:
    """A network that looks at images.

    Attributes:
        name: of its scorer.
        scorer: it.
    """

    name: str
    scorer: LandmarksScorer | Scorer

    def look(self, images: Tensor) -> Look:
        """What it sees in images (N, 3, R, R) in [-1, 1]; differentiable."""
        with recorded(self.scorer.network) as maps:
            if not isinstance(self.scorer, LandmarksScorer):
                self.scorer(images)
                return Look(tuple(maps))
            points, logits = self.scorer.landmarks(images)
        return Look(tuple(maps), points[..., :2] / images.shape[-1], logits)

    def sees_face(self, look: Look) -> bool:
        """Whether the first image shows a face; True of readers that cannot tell."""
        return look.logits is None or float(look.logits[0]) >= FACE_LOGIT


@contextmanager
def recorded(network: nn.Module) -> Iterator[list[Tensor]]:
    """The maps that convolutions give inside, but for those that take each channel alone."""
    maps: list[Tensor] = []

    def keep(layer: nn.Conv2d, inputs: tuple[Tensor], output: Tensor) -> None:
        if layer.groups == 1 and output.ndim == 4 and min(output.shape[-2:]) >= LEAST_MAP:
            maps.append(output)

    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    hooks = [layer.register_forward_hook(keep) for layer in convolutions]
    try:
        yield maps
    finally:
        for hook in hooks:
            hook.remove()


def makes_photographs(images: Tensor) -> bool:
    """Whether a generator's images (N, 3, R, R), two or more, are photographs, not drawn faces."""
    shifts = [
        load_any_scorer(name, images.device).feature_shift(images) for name in (PHOTOS, DEFAULT)
    ]
    return shifts[0] < shifts[1]


def reader_for(images: Tensor) -> Reader:
    """Who looks at the images of a generator that makes such as these, on their device."""
    if not makes_photographs(images):
        return Reader(DEFAULT, load_any_scorer(DEFAULT, images.device))
    try:
        return Reader(LANDMARKS, load_any_scorer(LANDMARKS, images.device))
    except CheckpointError:  # not fetched
        return Reader(PHOTOS, load_any_scorer(PHOTOS, images.device))


def find_face(picture: np.ndarray, face: int, what: str, device: torch.device) -> FaceSquare:
    """The square that FFHQ has around a face of a picture.

    Args:
        picture: (H, W, 3) uint8.
        face: 1 for the largest, 2 for the next, and so on.
        what: what errors call the picture.
        device: where the networks run.

    Raises:
        CheckpointError: the networks were not fetched.
        InputError: the picture has no face, or not as many.
    """
    scorer: DetectedScorer = load_any_scorer(DETECTED, device)
    small = reduced(picture, LARGEST_SEARCHED)
    images = torch.from_numpy(small / 127.5 - 1).float().movedim(2, 0)[None]
    with torch.inference_mode():
        points, logits, counts = scorer.landmarks(images, face - 1)
    count = int(counts[0])
    if not count or (face == 1 and float(logits[0]) < FACE_LOGIT):
        raise InputError(
            f"no face is found in {what}; give --no-align if it is aligned already, or a picture "
            "that shows one from the front"
        )
    if face > count:
        raise InputError(f"face {face} of {what}, in which {count} are found; give 1 to {count}")
    scale = np.array(picture.shape[1::-1]) / np.array(small.shape[1::-1])
    return face_square(points[0, :, :2].cpu().numpy() * scale)
