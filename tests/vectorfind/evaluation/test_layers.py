"""Re-scoring by layer on a generator whose layers carry known properties."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from property_cnn.common.errors import InputError
from property_cnn.properties import PROPERTIES
from tests.vectorfind.conftest import RANGE, SIDE, ToyGenerator, ToyScorer
from vectorfind.evaluation.layers import layer_blocks, layer_effects
from vectorfind.models.pair import Models


class WideGenerator(ToyGenerator):
    """Two layers of synthesis: the first carries the first four properties, the second the rest."""

    layers = {"mapping_split1": 16, "mapping_split2": 16, "w": 8, "w+": 16}  # noqa: RUF012

    def map(self, z, label):
        mapped = super().map(z, label)
        return mapped | {"w+": mapped["w"].repeat(1, 2)}

    def synthesize(self, latents, layer):
        if layer != "w+":
            return super().synthesize(latents, layer)
        first, second = latents[:, :8] @ self.read, latents[:, 8:] @ self.read
        bands = torch.cat([first[:, :4], second[:, 4:]], dim=1) / RANGE
        return bands[:, None, :, None].expand(-1, 3, -1, SIDE)


def test_blocks_end_with_all():
    assert layer_blocks(5, 2) == [(0, 2), (2, 4), (4, 5), (0, 5)]


def test_a_property_is_moved_by_the_layer_that_carries_it(found):
    directions = replace(found("svm", "w"), models=Models(WideGenerator(), ToyScorer()))
    made = []
    blocks, effects = layer_effects(directions, count=6, progress=made.append)
    assert blocks == [(0, 1), (1, 2), (0, 2)]
    assert sum(made) == 2 * 6 * 3 * 3
    for index, name in enumerate(directions.properties):
        score = PROPERTIES.index(name)
        own = effects.mean[:, index, score]
        carrying = int(score >= 4)
        assert own[carrying] == pytest.approx(own[2], rel=1e-4)
        assert own[carrying] > 0.2
        assert own[1 - carrying] == pytest.approx(0, abs=1e-4)
    assert np.isfinite(effects.low).all()


def test_directions_of_other_layers_and_generators_without_w_plus_are_refused(found):
    with pytest.raises(InputError):
        layer_effects(found("svm", "w"), count=2)
    directions = replace(found(), models=Models(WideGenerator(), ToyScorer()))
    with pytest.raises(InputError, match="find some with --layer w"):
        layer_effects(directions, count=2)
