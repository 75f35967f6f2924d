"""What the hair segmenter learns from: the protocol of a teacher, and callables as teachers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from property_cnn.common.errors import InputError, ScorerError


class Teacher(Protocol):
    """A network that tells for each pixel of a face how likely it shows each class.

    Attributes:
        classes: C names of the classes.
        hair: number of the class that is hair.
        digest: text that names the weights, so that stored answers are not mistaken for others'.
    """

    classes: tuple[str, ...]
    hair: int
    digest: str

    def __call__(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) images in [-1, 1] -> (N, C, h, w) probabilities of exclusive classes.

        The size h × w may be another than the images'. With one class alone, its channel is the
        probability of hair.
        """
        ...


class CallableTeacher:
    """Any function of images as a teacher, e.g. a user's own face parser.

    Args:
        function: (N, 3, H, W) images in [-1, 1] -> (N, C, h, w) probabilities.
        classes: C names; one of them is `hair`.
        hair: the name of the hair class.
        digest: text that names what the function computes; change it when the answers change.

    Raises:
        InputError: no class has that name, or the digest is empty.
    """

    def __init__(
        self,
        function: Callable[[Tensor], Tensor],
        classes: Sequence[str] = ("hair",),
        hair: str = "hair",
        digest: str = "callable",
    ):
        if not digest:
            raise InputError("the teacher's digest is empty; give a text that names its answers")
        self.function, self.classes, self.digest = function, tuple(classes), digest
        self.hair = hair_class(self.classes, hair)

    def __call__(self, images: Tensor) -> Tensor:
        return self.function(images)


def hair_class(classes: Sequence[str], name: str = "hair") -> int:
    """Number of the class of that name, in any case of letters.

    Raises:
        InputError: none of the classes has it.
    """
    lower = [entry.strip().lower() for entry in classes]
    if name.lower() not in lower:
        raise InputError(f"no class {name!r} among {', '.join(classes)}; name the one that is hair")
    return lower.index(name.lower())


@torch.inference_mode()
def class_probabilities(teacher: Teacher, images: Tensor) -> Tensor:
    """(N, C, H, W) float32 answers of a teacher, enlarged bilinearly to the images' size.

    Raises:
        ScorerError: the answer has another shape, or is no probabilities.
    """
    answer = teacher(images)
    expected = (len(images), len(teacher.classes))
    if not isinstance(answer, Tensor) or answer.ndim != 4 or answer.shape[:2] != expected:
        given = tuple(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
        raise ScorerError(f"the teacher gave {given}; expected {(*expected, 'h', 'w')}")
    answer = answer.float()
    if not ((answer >= -1e-4) & (answer <= 1 + 1e-4)).all():
        raise ScorerError("the teacher gave values outside [0, 1]; it must give probabilities")
    if answer.shape[-2:] != images.shape[-2:]:
        answer = F.interpolate(answer, images.shape[-2:], mode="bilinear", align_corners=False)
    return answer.clamp(0, 1)


def hair_probability(teacher: Teacher, images: Tensor) -> Tensor:
    """(N, 1, H, W) float32 probability of hair in images (N, 3, H, W); see the teacher's class."""
    return class_probabilities(teacher, images)[:, teacher.hair : teacher.hair + 1]
