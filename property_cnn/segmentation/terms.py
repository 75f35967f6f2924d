"""Distillation terms beside the mask loss: L = L_seg + Σ w · L_KD.

"kl": the teacher's softened answers, Hinton et al., "Distilling the knowledge in a neural network"
(2015). "at": Attention Transfer, Zagoruyko & Komodakis, "Paying more attention to attention"
(ICLR 2017). "sp": Similarity Preserving, Tung & Mori, "Similarity-preserving knowledge
distillation" (ICCV 2019). The last two compare inner maps, which hooks on named layers catch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from property_cnn.common.errors import InputError
from property_cnn.segmentation.settings import TermSettings


def soft_kl(
    student: Tensor, teacher: Tensor, temperature: float = 4.0, weights: Tensor | None = None
) -> Tensor:
    """T² · KL(softmax(teacher / T) ‖ softmax(student / T)), the mean over pixels.

    Args:
        student, teacher: (N, C, H, W) logits; with one channel, those of hair against the rest.
        temperature: T; T² keeps the gradients' size.
        weights: (N, H, W) factors of the pixels in [0, 1]; 1 if not given. The mean still divides
            by all pixels.
    """
    if student.shape[1] == 1:  # a sigmoid is the softmax over (0, logit)
        student = torch.cat([torch.zeros_like(student), student], dim=1)
        teacher = torch.cat([torch.zeros_like(teacher), teacher], dim=1)
    divergence = F.kl_div(
        (student / temperature).log_softmax(dim=1),
        (teacher / temperature).log_softmax(dim=1),
        reduction="none",
        log_target=True,
    )
    divergence = divergence.sum(dim=1)
    return temperature**2 * (divergence if weights is None else divergence * weights).mean()


def attention_transfer(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared difference of attention maps: squares averaged over channels, unit length.

    Args:
        student, teacher: (N, C, h, w) maps of any channels; the larger is averaged to the
            smaller one's size.
    """
    size = [min(pair) for pair in zip(student.shape[-2:], teacher.shape[-2:], strict=True)]
    maps = [
        F.normalize(F.adaptive_avg_pool2d(maps.square().mean(dim=1), size).flatten(1), dim=1)
        for maps in (student, teacher)
    ]
    return (maps[0] - maps[1]).square().mean()


def similarity_preserving(student: Tensor, teacher: Tensor) -> Tensor:
    """‖G_student − G_teacher‖² / N², G being the images' similarities, each row of unit length.

    Args:
        student, teacher: (N, ...) maps of the same N images, of any sizes; one image alone gives 0.
    """
    student_rows, teacher_rows = student.flatten(1), teacher.flatten(1)
    similarities = [
        F.normalize(rows @ rows.T, dim=1) for rows in (student_rows, teacher_rows)
    ]  # (N, N)
    return (similarities[0] - similarities[1]).square().sum() / len(student) ** 2


class LayerTaps:
    """Keeps what named layers of a network give, while it is entered.

    Args:
        network: any module.
        names: submodules as in `named_modules`.

    Attributes:
        maps: name -> the layer's last output (N, C, h, w).

    Raises:
        InputError: the network has no layer of that name.
    """

    def __init__(self, network: nn.Module, names: Sequence[str]):
        self.maps: dict[str, Tensor] = {}
        modules = dict(network.named_modules())
        for name in names:
            if name not in modules or not name:
                some = [entry for entry in modules if entry and entry.count(".") < 2][:12]
                raise InputError(f"no layer {name!r}; there are {', '.join(some)}, …")
        self._layers = {name: modules[name] for name in names}
        self._hooks: list = []

    def __enter__(self) -> LayerTaps:
        for name, module in self._layers.items():
            self._hooks.append(module.register_forward_hook(self._keeper(name)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()

    def _keeper(self, name: str):
        def keep(module: nn.Module, inputs: object, output: object) -> None:
            maps = output[0] if isinstance(output, tuple | list) else output
            if not isinstance(maps, Tensor) or maps.ndim not in (3, 4):
                raise InputError(f"layer {name!r} gives no maps; name one that does")
            self.maps[name] = _as_maps(maps, name)

        return keep


def _as_maps(output: Tensor, name: str) -> Tensor:
    """Maps (N, C, h, w); tokens (N, h·w, C) of a square picture are laid out as one."""
    if output.ndim == 4:
        return output
    side = round(output.shape[1] ** 0.5)
    if side * side != output.shape[1]:
        raise InputError(f"layer {name!r} gives {output.shape[1]} tokens, which form no square")
    return output.transpose(1, 2).unflatten(2, (side, side))


MAP_TERMS = {"at": attention_transfer, "sp": similarity_preserving}
"""The terms that compare inner maps, by name."""


def compared_layers(terms: Iterable[TermSettings]) -> tuple[list[str], list[str]]:
    """Names of the student's and of the teacher's layers whose maps some terms compare."""
    compared = [term for term in terms if term.kind in MAP_TERMS]
    return (
        [name for term in compared for name in term.student_layers],
        [name for term in compared for name in term.teacher_layers],
    )


def map_loss(
    term: TermSettings, student: Mapping[str, Tensor], teacher: Mapping[str, Tensor]
) -> Tensor:
    """A term of `MAP_TERMS`: the mean over its pairs of layers.

    Args:
        term: names kind and layers.
        student, teacher: name of a layer -> its maps.
    """
    pairs = zip(term.student_layers, term.teacher_layers, strict=True)
    compare = MAP_TERMS[term.kind]
    return torch.stack([compare(student[ours], teacher[theirs]) for ours, theirs in pairs]).mean()
