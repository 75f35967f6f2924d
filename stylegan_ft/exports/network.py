"""What the parts of an export take and give, told by their shapes and by a few images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from property_cnn.common.errors import CheckpointError
from stylegan_ft.architectures.build import W_AVG_SAMPLES, rounded_mean
from stylegan_ft.architectures.layered import SHOWN_AS
from stylegan_ft.architectures.settings import LARGEST
from stylegan_ft.exports.files import MAPPING, SYNTHESIS, WHOLE
from stylegan_ft.exports.parts import Part, Slot

RANGES = {"-1..1": (-1.0, 1.0), "0..1": (0.0, 1.0), "0..255": (0.0, 255.0)}
"""Name -> what black and white are in an export's images."""

PROBED = 4
"""Latents whose images tell the range; the first two are the same."""

SAME = 1e-3
"""Share of their range by which images of one latent may differ."""

_SIGNED = "-1..1"
_BYTES = 16.0  # images that reach so far are of numbers to 255


class ExportedMapping:
    """From z and label to w, as `stylegan_ft.architectures.mapping.MappingNetwork` does it.

    Args:
        part: with z and perhaps a label as inputs; its first output of two or three axes is w, or
            the w of every layer.

    Attributes:
        z_dim, c_dim, w_dim: sizes; a label of 0 is none.
        layers: of synthesis, for which it gives a w each; None where it gives one.
        several: whether these differ: then w is all of them, one after the other.
        vectors: name -> size of z, with the label behind it, and w.
    """

    def __init__(self, part: Part):
        self.part = part
        self.z_dim, self.c_dim = latent_sizes(part)
        outputs = part.probe(probe_inputs(part))
        fit = (k for k, out in enumerate(outputs) if out.ndim in (2, 3) and out.size)
        self.index = next(fit, None)
        if self.index is None:
            raise CheckpointError(
                f"{part.what} gives {_shapes(outputs)}; a mapping gives (N, w_dim) or (N, L, w_dim)"
            )
        w = outputs[self.index]
        self.layers = w.shape[1] if w.ndim == 3 else None
        self.several = w.ndim == 3 and not np.allclose(w, w[:, :1], atol=1e-5)
        self.w_dim = math.prod(w.shape[1:]) if self.several else w.shape[-1]
        self.vectors = {"z": self.z_dim + self.c_dim, "w": self.w_dim}

    def __call__(self, z: Tensor, label: Tensor | None = None) -> dict[str, Tensor]:
        """All vectors: name -> (N, size)."""
        return self._run(z if label is None else torch.cat([z, label], dim=1))

    def resume(self, latents: Tensor, layer: str) -> Tensor:
        """w (N, w_dim) of the vectors of a layer."""
        return latents if layer == "w" else self._run(latents)["w"]

    @cached_property
    def w_avg(self) -> Tensor:
        """The mean w (w_dim,) over latents of a fixed seed, and over all classes in turn."""
        z = probe_latents(W_AVG_SAMPLES, self.z_dim, self.c_dim)
        return rounded_mean(self._run(z)["w"].double())

    def _run(self, latents: Tensor) -> dict[str, Tensor]:
        if not len(latents):
            return {"z": latents, "w": latents.new_zeros(0, self.w_dim)}
        w = self.part(inputs_of(self.part, latents))[self.index].astype(np.float32)
        if w.ndim == 3:
            w = w.reshape(len(w), -1) if self.several else w[:, 0]
        return {"z": latents, "w": torch.from_numpy(np.ascontiguousarray(w))}


class NoMapping:
    """z as it is, of a network without a w."""

    def __init__(self, z_dim: int, c_dim: int):
        self.z_dim, self.c_dim = z_dim, c_dim
        self.vectors = {"z": z_dim + c_dim}

    def __call__(self, z: Tensor, label: Tensor | None = None) -> dict[str, Tensor]:
        return {"z": z if label is None else torch.cat([z, label], dim=1)}

    def resume(self, latents: Tensor, layer: str) -> Tensor:
        return latents


class ExportedNetwork(nn.Module):
    """The parts of an export together.

    Args:
        parts: mapping and synthesis, or whole -> the part.
        given_range: one of `RANGES`; None to tell it by images.

    Attributes:
        mapping: from z and label to w.
        num_ws: layers of synthesis that take a w of their own; 0 without a w.
        channels: of the images, one of `SHOWN_AS`.
        height, width: of the images, in pixels.
        range: one of `RANGES`.
        notes: what a user should know.

    Raises:
        CheckpointError: the parts are none of a generator, or do not fit each other.
    """

    def __init__(self, parts: Mapping[str, Part], given_range: str | None = None):
        super().__init__()
        self.parts = dict(parts)
        self._images = parts.get(WHOLE) or parts[SYNTHESIS]
        whole = WHOLE in parts
        if whole:
            self.mapping = NoMapping(*latent_sizes(self._images))
            self.num_ws = 0
        else:
            self.mapping = ExportedMapping(parts[MAPPING])
            self.num_ws = self._layers()
        latents = probe_latents(PROBED, self.mapping.z_dim, self.mapping.c_dim)
        latents[1] = latents[0]
        ws = self.mapping.resume(latents, "z")
        ws = ws if whole else ws[:, None].repeat(1, self.num_ws, 1)
        outputs = self._images.probe(self._inputs(ws))
        self._index = next((k for k, out in enumerate(outputs) if _axis(out) is not None), None)
        if self._index is None:
            raise CheckpointError(
                f"{self._images.what} gives {_shapes(outputs)}; images are (N, 3, H, W)"
                + ("; give the folder that has the synthesis too" if whole else "")
            )
        probed = outputs[self._index]
        self._channels_at = _axis(probed)
        _, self.channels, self.height, self.width = np.moveaxis(probed, self._channels_at, 1).shape
        self.range = given_range or told_range(probed)
        self.notes = self._notes(probed, given_range)

    def forward(self, ws: Tensor) -> Tensor:
        """Images (N, C, H, W) in [-1, 1] of ws (N, num_ws, w_dim); without a w, of z (N, d)."""
        found = self._images(self._inputs(ws))[self._index].astype(np.float32)
        found = np.moveaxis(found, self._channels_at, 1)
        images = torch.from_numpy(np.ascontiguousarray(found))
        black, white = RANGES[self.range]
        return images if self.range == _SIGNED else (images - black) * (2 / (white - black)) - 1

    def _layers(self) -> int:
        """How many layers take a w, after the mapping's w was found to fit synthesis."""
        mapping, part = self.mapping, self._images
        if len(part.inputs) != 1 or len(part.inputs[0].shape) not in (2, 3):
            raise CheckpointError(
                f"{part.what} takes {_slots(part)}; a synthesis takes (N, w_dim) or (N, L, w_dim) "
                "alone"
            )
        *layers, size = part.inputs[0].shape[1:]
        fits = size in (None, mapping.w_dim if not mapping.several else None)
        count = (layers[0] or mapping.layers) if layers else 1
        if mapping.several:
            fits = bool(layers) and count == mapping.layers
            fits = fits and size in (None, mapping.w_dim // mapping.layers)
        if not fits or not count:
            gives = f"{mapping.w_dim} numbers" + (
                f" for {mapping.layers} layers" if mapping.layers else ""
            )
            raise CheckpointError(
                f"{part.what} takes {_slots(part)}, but the mapping gives {gives}"
            )
        return 1 if mapping.several else count

    def _inputs(self, ws: Tensor) -> list[np.ndarray]:
        if WHOLE in self.parts:
            return inputs_of(self._images, ws)
        numbers, rank = ws.detach().numpy(), len(self._images.inputs[0].shape)
        if self.mapping.several:
            return [numbers.reshape(len(ws), self.mapping.layers, -1)]
        return [numbers if rank == 3 else numbers[:, 0]]

    def _notes(self, probed: np.ndarray, given_range: str | None) -> tuple[str, ...]:
        first, second = probed[0].astype(np.float64), probed[1].astype(np.float64)
        black, white = RANGES[self.range]
        kind = "given" if given_range else "told by images"
        whole = WHOLE in self.parts
        notes = {
            f"range={self.range} ({kind})": self.range != _SIGNED or given_range,
            f"images of {self.height} x {self.width}": self.height != self.width,
            SHOWN_AS[self.channels]: self.channels != 3,
            "runs one image at a time": self._images.batch == 1,
            "labels are taken for classes": self.mapping.c_dim > 0,
            "one network from z to images: z is its only layer": whole,
            "its mapping gives each layer another w: w is all of them": (
                not whole and self.mapping.several
            ),
            "its images differ from run to run: it draws noise anew": bool(
                np.abs(first - second).max() > SAME * (white - black)
            ),
        }
        return tuple(note for note, holds in notes.items() if holds)


def latent_sizes(part: Part) -> tuple[int, int]:
    """Sizes of z and of the label that a part takes, the latter 0 without one.

    Raises:
        CheckpointError: it takes something else.
    """
    sizes = [_vector_size(slot) for slot in part.inputs]
    if len(sizes) not in (1, 2) or None in sizes or not sizes[0]:
        raise CheckpointError(
            f"{part.what} takes {_slots(part)}; a latent (N, z_dim) of a fixed size, and perhaps "
            "a label (N, c_dim) behind it, are wanted"
        )
    return sizes[0], sum(sizes[1:])


def inputs_of(part: Part, latents: Tensor) -> list[np.ndarray]:
    """The arrays that a part takes, of latents with the label behind them (N, z_dim + c_dim)."""
    numbers, start, found = latents.detach().cpu().numpy(), 0, []
    for slot in part.inputs:
        size = _vector_size(slot)
        found.append(numbers[:, start : start + size].reshape(len(numbers), *slot.shape[1:]))
        start += size
    return found


def probe_latents(count: int, z_dim: int, c_dim: int) -> Tensor:
    """Latents of a fixed seed, and behind each a class, in turn: (count, z_dim + c_dim)."""
    z = torch.randn(count, z_dim, generator=torch.Generator().manual_seed(0))
    return torch.cat([z, torch.eye(c_dim)[torch.arange(count) % c_dim]], 1) if c_dim else z


def probe_inputs(part: Part) -> list[np.ndarray]:
    """Two latents, as the part takes them."""
    return inputs_of(part, probe_latents(2, *latent_sizes(part)))


def told_range(images: np.ndarray) -> str:
    """Which of `RANGES` images seem to be in."""
    low, high = float(images.min()), float(images.max())
    if images.dtype == np.uint8 or (high > _BYTES and low > -high / 4):
        return "0..255"
    return "0..1" if low >= 0 and high > 0 else _SIGNED


def _vector_size(slot: Slot) -> int | None:
    """Size of a vector of shape (N, size) or (N, size, 1, 1); None if it is none or open."""
    tail = slot.shape[1:]
    if not tail or None in tail or max(tail) > LARGEST or math.prod(tail) != max(tail):
        return None if tail != (0,) else 0
    return math.prod(tail)


def _axis(images: np.ndarray) -> int | None:
    """The axis of the channels of images; None if these are none."""
    if images.ndim != 4 or 0 in images.shape:
        return None
    return next((axis for axis in (1, 3) if images.shape[axis] in SHOWN_AS), None)


def _slots(part: Part) -> str:
    texts = (
        f"{slot.name[:40]!r} ({', '.join('?' if s is None else str(s) for s in slot.shape)})"
        for slot in part.inputs
    )
    return ", ".join(texts) or "nothing"


def _shapes(arrays: list[np.ndarray]) -> str:
    return ", ".join(str(array.shape) for array in arrays[:6]) or "nothing"
