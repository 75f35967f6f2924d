"""A generator and a scorer together: latents in, checked scores out, on their devices."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np
import torch

from property_cnn.common.checks import choose
from property_cnn.common.errors import InputError, ScorerError
from property_cnn.common.prompt import Shown
from vectorfind.config import DTYPES, FindSettings
from vectorfind.models.protocols import (
    Generator,
    Scorer,
    device_of,
    named,
    resolve_generator,
    resolve_scorer,
)


@dataclass(frozen=True, eq=False, repr=False)
class Models(Shown):
    """The two networks that every stage runs, with the precision they run in.

    Attributes:
        generator: see `protocols.Generator`.
        scorer: see `protocols.Scorer`.
        dtype: precision of synthesis and scoring; the mapping is float32 always.
    """

    generator: Generator
    scorer: Scorer
    dtype: str = "float32"

    def facts(self) -> dict[str, str]:
        """Kinds and digests of the networks."""
        return {
            "generator": named(self.generator),
            "scorer": f"{named(self.scorer)}\n{', '.join(self.scored)}",
            "precision": self.dtype,
        }

    @property
    def scored(self) -> tuple[str, ...]:
        """Names of the scorer's properties."""
        return tuple(self.scorer.properties)

    @property
    def last_layer(self) -> str:
        """The layer nearest to the image, from which synthesis is cheapest."""
        return "w" if "w" in self.generator.layers else list(self.generator.layers)[-1]

    @property
    def on_cpu(self) -> bool:
        """Whether both networks run on the CPU."""
        return all(device_of(net).type == "cpu" for net in (self.generator, self.scorer))

    @property
    def thread_safe(self) -> bool:
        """Whether both networks say that several threads may use them at once."""
        return all(getattr(net, "thread_safe", False) for net in (self.generator, self.scorer))

    def with_layer(self, layer: str) -> Models:
        """The same with this layer among the generator's, which is asked to offer it.

        Raises:
            InputError: it neither has nor offers such a layer.
        """
        generator = self.generator
        if layer in generator.layers:
            return self
        if not hasattr(generator, "with_layer"):
            choose("layer", layer, generator.layers)
        offered = generator.with_layer(layer)
        if layer not in offered.layers:
            raise InputError(
                f"the generator offered {', '.join(offered.layers)} when asked for {layer}; its "
                "`with_layer` must give one that has that layer (see vectorfind.models.protocols)"
            )
        return replace(self, generator=offered)

    def editable(self, layer: str) -> tuple[int, int]:
        """Start and stop of the part of a layer's vectors that directions may move.

        Raises:
            InputError: the generator names a part that the vectors do not have.
        """
        size = self.generator.layers[layer]
        start, stop = getattr(self.generator, "editable", {}).get(layer, (0, size))
        if not 0 <= start < stop <= size:
            raise InputError(
                f"the generator's `editable` says {start} to {stop} of {layer}, which has {size}"
            )
        return start, stop

    @torch.inference_mode()
    def map(self, z: np.ndarray, label: np.ndarray) -> dict[str, torch.Tensor]:
        """Latents (N, z_dim) and labels (N, label_dim) -> every layer's vectors (N, d), one pass.

        Raises:
            InputError: the generator gave other layers or sizes than it declares, or NaN.
        """
        device = device_of(self.generator)
        labelled = self.generator.label_dim > 0
        latents = self.generator.map(
            _tensor(z, device),
            _tensor(label, device) if labelled else None,
        )
        if not isinstance(latents, Mapping):
            raise InputError(
                f"the generator's map gave a {type(latents).__name__}; expected layer -> (N, d)"
            )
        latents = {name: _given(f"map of {name}", each) for name, each in latents.items()}
        given = {name: tuple(vectors.shape) for name, vectors in latents.items()}
        declared = {name: (len(z), size) for name, size in self.generator.layers.items()}
        if any(given.get(name) != shape for name, shape in declared.items()):
            raise InputError(f"the generator's map gave {given}, but its layers say {declared}")
        latents = {name: latents[name].float().to(device) for name in declared}
        for name, vectors in latents.items():
            if not bool(vectors.isfinite().all()):
                raise InputError(f"the generator's map gave NaN or infinity at {name}")
        return latents

    @torch.inference_mode()
    def synthesize(self, latents: torch.Tensor | np.ndarray, layer: str) -> torch.Tensor:
        """Vectors (N, d) that re-enter at `layer` -> images (N, 3, H, W) in [-1, 1].

        Raises:
            InputError: the generator gave images of another shape.
        """
        device = device_of(self.generator)
        vectors = _tensor(latents, device)
        with self._precision(device):
            images = _given("synthesize", self.generator.synthesize(vectors, layer))
        if images.ndim != 4 or images.shape[:2] != (len(vectors), 3):
            raise InputError(
                f"the generator's synthesize gave shape {tuple(images.shape)}; "
                f"expected ({len(vectors)}, 3, H, W)"
            )
        return images.float()

    @torch.inference_mode()
    def score(self, images: torch.Tensor) -> np.ndarray:
        """Images (N, 3, H, W) -> float32 scores (N, A); rows of NaN where one cannot be read.

        Raises:
            ScorerError: the scores are infinite, or their shape is not (N, A).
        """
        device = device_of(self.scorer)
        with self._precision(device):
            scores = self.scorer(images.to(device))
        return check_scores(scores, len(images), self.scored)

    def read(self, latents: torch.Tensor | np.ndarray, layer: str) -> np.ndarray:
        """Vectors (N, d) at `layer` -> scores (N, A) of their images."""
        return self.score(self.synthesize(latents, layer))

    def _precision(self, device: torch.device):
        if self.dtype == "float32":
            return nullcontext()
        return torch.autocast(device.type, dtype=getattr(torch, self.dtype))


def load_models(
    generator: str | os.PathLike | Generator = "default",
    scorer: str | os.PathLike | Scorer = "default",
    device: str | None = None,
    dtype: str = "float32",
    psi: float | None = FindSettings.psi,
    trunc_layers: int | None = FindSettings.trunc_layers,
    size: int | None = FindSettings.size,
) -> Models:
    """The two networks, by name, path or object, checked to run together.

    Args:
        generator, scorer, device, psi, trunc_layers, size: see `protocols.resolve_generator`.
        dtype: precision of synthesis and scoring.

    Raises:
        InputError: unknown dtype or device, a half precision off the GPU, or an object that
            lacks a part of its protocol.
        CheckpointError: a checkpoint is missing, damaged or foreign.
    """
    choose("dtype", dtype, DTYPES)
    how = {"psi": psi, "trunc_layers": trunc_layers, "size": size}
    how = {name: value for name, value in how.items() if value is not None}
    network = resolve_generator(generator, device, **how)
    models = Models(network, resolve_scorer(scorer, device), dtype)
    places = {device_of(models.generator).type, device_of(models.scorer).type}
    if dtype != "float32" and places != {"cuda"}:
        raise InputError(f"dtype {dtype} needs a GPU, not {', '.join(sorted(places))}; use float32")
    return models


def check_scores(scores: object, count: int, properties: tuple[str, ...]) -> np.ndarray:
    """A scorer's answer as a float32 array (count, A), whole rows of NaN where it has any.

    Raises:
        ScorerError: the shape is another, the answer is no array of numbers, or holds infinities.
    """
    if isinstance(scores, torch.Tensor):
        scores = scores.detach().float().cpu().numpy()
    try:
        array = np.array(scores, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ScorerError(
            f"the scorer gave a {type(scores).__name__}; expected an array ({count}, "
            f"{len(properties)}) of numbers"
        ) from error
    if array.shape != (count, len(properties)):
        raise ScorerError(
            f"the scorer gave shape {array.shape}; expected ({count}, {len(properties)}): "
            f"{', '.join(properties)} for each of {count} images"
        )
    if np.isinf(array).any():
        names = [name for name, bad in zip(properties, np.isinf(array).any(0), strict=True) if bad]
        raise ScorerError(
            f"the scorer gave infinities for {', '.join(names)}; give finite scores, "
            "or NaN for an image that cannot be read"
        )
    array[np.isnan(array).any(axis=1)] = np.nan
    return array


def check_readable(readable: np.ndarray, what: str) -> None:
    """Raises ScorerError if more than half of the images, of any shape of mask, are unreadable."""
    unreadable = int(readable.size - readable.sum())
    if 2 * unreadable > readable.size:
        raise ScorerError(
            f"the scorer could not read {unreadable} of {readable.size} {what} (NaN in their "
            "rows); at most half may be so: does it fit this generator's images?"
        )


def _given(what: str, answer: object) -> torch.Tensor:
    """What a generator gave, an array too, as a tensor; InputError for what is no numbers."""
    if isinstance(answer, torch.Tensor):
        return answer
    try:
        return torch.tensor(np.asarray(answer))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"the generator's {what} gave a {type(answer).__name__}; expected a tensor or an array"
        ) from error


def _tensor(values: torch.Tensor | np.ndarray, device: torch.device) -> torch.Tensor:
    """The values as float32 on the device.

    Arrays are copied into PyTorch's memory, which is aligned: on memory that NumPy placed, the
    CPU's matrix products may round otherwise from run to run.
    """
    if isinstance(values, torch.Tensor):
        return values.to(device, torch.float32)
    return torch.tensor(values, dtype=torch.float32, device=device)
