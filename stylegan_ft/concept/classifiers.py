"""The four ensembles as others use them: images in, soft-voted probabilities out."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from property_cnn.common.devices import choose_device
from property_cnn.common.errors import CheckpointError, InputError, ScorerError
from property_cnn.common.files import file_digest, load_tensors, save_tensors
from property_cnn.common.networks import in_dtype
from stylegan_ft.concept.network import Member, as_input
from stylegan_ft.concept.settings import CONCEPT, MemberSettings

SHIPPED = Path(__file__).parent.parent / "weights" / "concept.safetensors"
"""Weights that come with the package."""

FORMAT = "stylegan_ft concept classifiers 1"
KEY = "concept"

_BATCH = 64  # images at once: the maps of one member stay in the processor's cache


class ConceptClassifiers:
    """Tells gender, quality, age and glasses, each by the mean of an ensemble's probabilities.

    Args:
        members: attribute -> its ensemble, the same number and size of members each.
        digest: names the weights.

    Attributes:
        thread_safe: True: several threads may use it at once.

    Raises:
        InputError: an attribute is missing or too much.
    """

    thread_safe = True

    def __init__(self, members: Mapping[str, Sequence[Member]], digest: str = ""):
        if set(members) != set(CONCEPT) or not all(members.values()):
            raise InputError(f"ensembles of {', '.join(members)}; need {', '.join(CONCEPT)}")
        self.members = {name: list(members[name]) for name in CONCEPT}
        self.digest = digest
        for member in self._all():
            member.eval().requires_grad_(False)
        self.to("cpu")

    @classmethod
    def load(
        cls, path: str | os.PathLike = "default", device: str | torch.device | None = "cpu"
    ) -> ConceptClassifiers:
        """The classifiers in a file of `save_classifiers`, or the shipped ones ("default").

        Raises:
            CheckpointError: the file is missing, damaged, or holds something else.
        """
        path = SHIPPED if str(path) == "default" else Path(path)
        tensors, metadata = load_tensors(path)
        try:
            card = json.loads(metadata[KEY])
            if card["format"] != FORMAT:
                raise KeyError(card["format"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{path} holds no concept classifiers; name another") from error
        try:
            return cls(_members(tensors, card), file_digest(path)).to(choose_device(device))
        except (InputError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise CheckpointError(
                f"the weights in {path} do not fit its settings; make the classifiers again"
            ) from error

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.members[CONCEPT[0]][0].linear.weight.device

    def to(self, device: str | torch.device) -> ConceptClassifiers:
        """Moves the weights; returns itself."""
        for member in self._all():
            member.to(device, memory_format=torch.channels_last)
        return self

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """Probabilities of the four attributes.

        Args:
            images: (N, 3, H, W) in [-1, 1], any size and device.

        Returns:
            (N, 4) float32 on the classifiers' device, columns `CONCEPT`.

        Raises:
            ScorerError: the images have another shape.
        """
        if images.ndim != 4 or images.shape[1] != 3:
            raise ScorerError(f"images are (N, 3, H, W), not {tuple(images.shape)}")
        side = self.members[CONCEPT[0]][0].settings.side
        parts = [images.new_zeros((0, len(CONCEPT)), dtype=torch.float32, device=self.device)]
        for batch in images.split(_BATCH):
            inputs = as_input(batch, side, self.device)
            columns = [
                torch.stack([member(inputs).sigmoid() for member in ensemble]).mean(dim=0)
                for ensemble in self.members.values()
            ]
            parts.append(torch.stack(columns, dim=1))
        return torch.cat(parts)

    def _all(self) -> list[Member]:
        return [member for ensemble in self.members.values() for member in ensemble]


def save_classifiers(
    path: str | os.PathLike,
    members: Mapping[str, Sequence[Member]],
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Writes the ensembles in half precision.

    Args:
        path: a .safetensors file.
        members: attribute -> its ensemble, of folded members.
        metadata: more plain values to keep with it, e.g. how it was made.
    """
    tensors = {
        f"{name}.{fold}.{key}": tensor
        for name, ensemble in members.items()
        for fold, member in enumerate(ensemble)
        for key, tensor in member.state_dict().items()
    }
    first = members[CONCEPT[0]]
    own = {"format": FORMAT, "folds": len(first), "network": asdict(first[0].settings)}
    text = json.dumps({**(metadata or {}), **own}, sort_keys=True)
    save_tensors(path, in_dtype(tensors), {KEY: text})


def _members(tensors: Mapping[str, Tensor], card: Mapping[str, Any]) -> dict[str, list[Member]]:
    sizes = dict(card["network"])
    settings = MemberSettings(side=int(sizes["side"]), widths=tuple(sizes["widths"]))
    members: dict[str, list[Member]] = {name: [] for name in CONCEPT}
    with torch.device("meta"):  # so that sizes which do not fit the weights allocate nothing
        wanted = Member(settings, folded=True).state_dict()
    for name, ensemble in members.items():
        for fold in range(int(card["folds"])):
            state = {key: tensors[f"{name}.{fold}.{key}"].float() for key in wanted}
            if any(state[key].shape != tensor.shape for key, tensor in wanted.items()):
                raise ValueError("shapes differ")
            with torch.device("meta"):
                member = Member(settings, folded=True)
            member.load_state_dict(state, assign=True)
            ensemble.append(member)
    return members
