"""A face that knows how to move: its vector, where each property leads, and how it answers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from property_cnn.common.checks import check_names, refused
from property_cnn.common.errors import InputError
from vectorfind.characters.responses import Response


@dataclass(frozen=True, eq=False)
class Way:
    """Where a property leads from a face's vector: displacements at some strengths, lines between.

    Attributes:
        strengths: (K,) rising, with 0 among them or between them.
        moves: (K, d) what is added to the vector there.
    """

    strengths: np.ndarray
    moves: np.ndarray

    def at(self, strengths: np.ndarray) -> np.ndarray:
        """Displacements (N, d) at strengths (N,), which are clipped to those known."""
        amounts = np.clip(strengths, self.strengths[0], self.strengths[-1])
        after = np.clip(np.searchsorted(self.strengths, amounts), 1, len(self.strengths) - 1)
        start, stop = self.strengths[after - 1], self.strengths[after]
        share = ((amounts - start) / (stop - start)).astype(np.float32)[:, None]
        return (1 - share) * self.moves[after - 1] + share * self.moves[after]


@dataclass(frozen=True, eq=False)
class Face:
    """A face at a layer, and its sliders; vectors of d numbers.

    Attributes:
        layer: where the vectors re-enter the generator.
        latent: (d,) the face's own.
        label: (label_dim,) of the face; () without labels.
        ways: property -> where it leads.
        responses: property -> how the face answers it.
    """

    layer: str
    latent: np.ndarray
    label: np.ndarray
    ways: Mapping[str, Way]
    responses: Mapping[str, Response]

    @property
    def properties(self) -> tuple[str, ...]:
        """What has a slider."""
        return tuple(self.responses)

    @property
    def rest(self) -> dict[str, float]:
        """property -> slider of the unedited face."""
        return {name: self.responses[name].rest for name in self.properties}

    def strengths(self, sliders: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """property -> strengths (N,) of its direction, at sliders that are numbers or (N,).

        Sliders outside [-1, 1] are clipped, with a warning.

        Raises:
            InputError: unknown property, no number, or arrays of several lengths.
        """
        check_names("property of the character", tuple(sliders), self.properties)
        given = {name: _numbers(name, value) for name, value in sliders.items()}
        beyond = [name for name, each in given.items() if (np.abs(each) > 1).any()]
        if beyond:
            warnings.warn(f"sliders of {', '.join(beyond)} are clipped to [-1, 1]", stacklevel=4)
        sizes = {len(each) for each in given.values() if each.ndim}
        if len(sizes) > 1:
            raise InputError(f"sliders of {sorted(sizes)} values; give one number or as many each")
        count = sizes.pop() if sizes else 1
        return {
            name: np.broadcast_to(self.responses[name].strength(each), count)
            for name, each in given.items()
        }

    def vectors(self, **sliders: Any) -> np.ndarray:
        """Vectors (N, d) float32 at the layer, each property moving the face by its own way.

        Args:
            sliders: property=number, or property=(N,) numbers; one that is left out rests.
        """
        strengths = self.strengths(sliders)
        count = max((len(each) for each in strengths.values()), default=1)
        moved = np.repeat(self.latent[None], count, axis=0)
        for name, amounts in strengths.items():
            moved = moved + self.ways[name].at(amounts)
        return moved


def _numbers(name: str, value: Any) -> np.ndarray:
    allowed = "a number in [-1, 1], or an array (N,)"
    try:
        numbers = np.asarray(value, np.float64)
    except (TypeError, ValueError) as error:
        raise refused(f"slider of {name}", value, allowed) from error
    if numbers.ndim > 1 or not np.isfinite(numbers).all() or numbers.size == 0:
        raise refused(f"slider of {name}", value, allowed)
    return numbers
