"""What came of bringing a photograph into a generator, as a value and as a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from property_cnn.common.arrays import read_npz, write_npz
from property_cnn.common.errors import CheckpointError

KIND = "inversion"
VERSION = 1

_ARRAYS = ("latents", "latents_w", "label")
_METADATA = ("layer", "layer_w", "generator_digest", "loading", "distances", "made_from")


@dataclass(frozen=True, eq=False)
class Inversion:
    """A picture as latents of a generator.

    Attributes:
        latents: (1, d) float32 at `layer`.
        layer: where they enter: "w+", or `layer_w`.
        latents_w: (1, d) what was found in w, from which w+ went on.
        layer_w: where that enters; w, or the last layer of a generator without one.
        label: (1, label_dim) zeros: w needs none.
        generator_digest: names the generator's weights and how it was loaded (`digest_of`).
        loading: psi, trunc_layers and size that it was loaded with.
        distances: layer -> name -> how far its image is from the picture, see `measures.NAMES`.
        made_from: what else tells how it was made: the photograph's digest, where the face was cut
            out, who read the images, settings; whether the search came to its end.
        images: name -> (1, 3, R, R) in [-1, 1]: the photograph, then each layer's image; none of
            an inversion that was loaded.
    """

    latents: np.ndarray
    layer: str
    latents_w: np.ndarray
    layer_w: str
    label: np.ndarray
    generator_digest: str
    loading: Mapping[str, Any]
    distances: Mapping[str, Mapping[str, float]]
    made_from: Mapping[str, Any]
    images: Mapping[str, np.ndarray] = field(default_factory=dict)

    def save(self, path: str | os.PathLike) -> None:
        """Writes it as one .npz, all but the images."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        metadata = {name: getattr(self, name) for name in _METADATA}
        write_npz(path, KIND, arrays, {"version": VERSION, **metadata})


def load_inversion(path: str | os.PathLike) -> Inversion:
    """Back from `Inversion.save`.

    Raises:
        CheckpointError: no such file, damaged, or it holds something else.
    """
    arrays, metadata = read_npz(path, KIND)
    try:
        if metadata["version"] != VERSION:
            raise CheckpointError(
                f"{path} is an inversion of version {metadata['version']}; this library reads "
                f"{VERSION}: make it again"
            )
        parts = {name: metadata[name] for name in _METADATA}
        parts |= {name: arrays[name] for name in _ARRAYS}
        if any(arrays[name].ndim != 2 or len(arrays[name]) != 1 for name in _ARRAYS):
            raise ValueError("not one row")
        if not all(np.isfinite(arrays[name]).all() for name in _ARRAYS):
            raise ValueError("not finite")
        return Inversion(**parts)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{path} is damaged or holds no {KIND}; make it again") from error
