"""Names of the layers where a StyleGAN can be left and re-entered, and the sizes of their vectors.

z             the latent as it is given, with the label behind it where there is one
mapping.0 …   output of each dense layer of the mapping
w             what the mapping gives, before truncation
w+            the w of every layer of synthesis, one after the other, before truncation
w+A-B, w+A    [w, w']: w' goes to the layers A to B of synthesis (from 0), w to all others
s             outputs of all affine layers of synthesis, after truncation (StyleGAN2 and 3)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from property_cnn.common.errors import InputError

_RANGE = re.compile(r"w\+([0-9]{1,4})(?:-([0-9]{1,4}))?")


@dataclass(frozen=True)
class LayerNames:
    """The layers that one generator has.

    Args:
        mapping: name -> size of the vectors from z to w, in the network's order; z alone where
            there is no w.
        z_dim: size of the latent alone.
        num_ws: layers of synthesis that take a w.
        style_size: size of the vectors of `s`; 0 for a network without that layer.
    """

    mapping: Mapping[str, int]
    z_dim: int
    num_ws: int
    style_size: int = 0

    @property
    def available_layers(self) -> tuple[str, ...]:
        """Every name; `w+A-B` stands for all ranges."""
        if "w" not in self.mapping:
            return tuple(self.mapping)
        return (*self.mapping, "w+", "w+A-B", *(["s"] if self.style_size else []))

    def size(self, layer: str) -> int:
        """Size of the layer's vectors.

        Raises:
            InputError: the network has no such layer.
        """
        if layer in self.mapping:
            return self.mapping[layer]
        if "w" not in self.mapping:
            raise InputError(f"layer {layer!r}: this generator has {', '.join(self.mapping)} alone")
        if layer == "w+":
            return self.num_ws * self.mapping["w"]
        if layer == "s" and self.style_size:
            return self.style_size
        if self.span(layer) is not None:
            return 2 * self.mapping["w"]
        raise InputError(
            f"layer {layer!r}: this generator has {', '.join(self.available_layers)}, "
            f"A and B from 0 to {self.num_ws - 1}"
        )

    def span(self, layer: str) -> tuple[int, int] | None:
        """[start, stop) of the layers of synthesis that `w+A-B` or `w+A` names, else None.

        Raises:
            InputError: the network does not have all of these layers.
        """
        match = _RANGE.fullmatch(layer) if self.num_ws else None
        if match is None:
            return None
        first = int(match[1])
        last = first if match[2] is None else int(match[2])
        if not first <= last < self.num_ws:
            raise InputError(
                f"layer {layer!r}: synthesis has the layers 0 to {self.num_ws - 1}; "
                "give w+A-B with A up to B"
            )
        return first, last + 1

    def editable(self, layer: str) -> tuple[int, int] | None:
        """[start, stop) of the part of a vector that a direction may move; None for all of it."""
        if layer == "z" and self.mapping["z"] > self.z_dim:
            return 0, self.z_dim
        if self.span(layer) is not None:
            return self.mapping["w"], 2 * self.mapping["w"]
        return None

    def sizes(self, layers: Iterable[str]) -> dict[str, int]:
        """Name -> size of some layers, in the network's order."""
        return {layer: self.size(layer) for layer in sorted(set(layers), key=self._place)}

    def _place(self, layer: str) -> tuple[int, ...]:
        if layer in self.mapping:
            return (0, list(self.mapping).index(layer))
        return (1, *(self.span(layer) or (self.num_ws + (layer == "s"),)))
