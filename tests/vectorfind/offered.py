"""The toy generator with a layer on offer of which directions may move only a part."""

from __future__ import annotations

import copy

import numpy as np
import torch

from property_cnn.common.errors import InputError
from property_cnn.properties import PROPERTIES
from tests.vectorfind.conftest import RANGE, SIDE, ToyGenerator

TWIN = "w+4-7"
MOVED = PROPERTIES[4:]


class OfferingGenerator(ToyGenerator):
    """Offers w+4-7, [w, w']: the last four bands of the image follow w', the others w."""

    editable = {TWIN: (8, 16)}  # noqa: RUF012
    available_layers = (TWIN,)

    def with_layer(self, layer):
        if layer != TWIN:
            raise InputError(f"layer {layer!r}: this generator offers {TWIN}")
        more = copy.copy(self)
        more.layers = {**self.layers, TWIN: 16}
        return more

    def map(self, z, label):
        found = super().map(z, label)
        return found | {TWIN: found["w"].repeat(1, 2)}

    def synthesize(self, latents, layer):
        if layer != TWIN:
            return super().synthesize(latents, layer)
        first, second = ((w @ self.read) / RANGE for w in latents.chunk(2, dim=1))  # (N, 8) each
        bands = torch.cat([first[:, :4], second[:, 4:]], dim=1)
        return bands[:, None, :, None].expand(-1, 3, -1, SIDE)

    def truth(self, layer):
        if layer != TWIN:
            return super().truth(layer)
        return np.pad(super().truth("w"), ((0, 0), (8, 0)))
