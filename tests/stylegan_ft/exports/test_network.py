"""Parts of an export are told by what they give: here functions of NumPy, without a runtime."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from property_cnn.common.errors import CheckpointError
from stylegan_ft.exports.generator import ExportedGenerator
from stylegan_ft.exports.network import ExportedMapping, ExportedNetwork
from stylegan_ft.exports.parts import Part, Slot

FLOAT = np.dtype("float32")


def part(call, *sizes, batch=None):
    """A part with one input (batch, *sizes)."""
    return Part("net", "numpy", [Slot("x", (batch, *sizes), FLOAT)], call, "made", 0, ())


def mapping(layers: int | None = None) -> Part:
    """z of 4 numbers -> w of 4, or the same w for each of some layers."""

    def call(arrays):
        return [arrays[0] if layers is None else np.repeat(arrays[0][:, None], layers, axis=1)]

    return part(call, 4)


def painted(channels: int):
    """Images of 2 × 2 whose every channel has the w's number of that place."""
    return lambda arrays: [np.repeat(arrays[0], 4, axis=-1).reshape(-1, 4, 2, 2)[:, :channels]]


@pytest.mark.parametrize("batch", [None, 1, 2])
def test_outputs_without_rows_beside_the_images_do_no_harm(batch):
    def call(arrays):
        return [np.float32(1.0), *painted(3)(arrays)]

    network = ExportedNetwork({"mapping": mapping(), "synthesis": part(call, 4, batch=batch)})
    w = torch.randn(3, 1, 4)
    assert torch.equal(network(w)[:, :, 0, 0], w[:, 0, :3])


def test_outputs_that_are_no_numbers_are_refused_in_a_line():
    for batch in (None, 1):
        with pytest.raises(CheckpointError, match=r"numpy cannot run it .*not of numbers"):
            ExportedMapping(part(lambda arrays: [np.array([["a", "b"]] * 2)], 4, batch=batch))


def test_a_mapping_that_gives_nothing_is_refused():
    for shape in [(2, 0), (2, 0, 5)]:
        with pytest.raises(CheckpointError, match="a mapping gives"):
            ExportedMapping(part(lambda arrays, shape=shape: [np.zeros(shape, FLOAT)], 4))


def test_grey_and_clear_images_become_rgb_as_those_of_every_generator():
    w = torch.tensor([[-1.0, 0.5, 1.0, 0.0]])
    rgb = {1: (-1.0, -1.0, -1.0), 3: (-1.0, 0.5, 1.0), 4: (0.0, 0.75, 1.0)}
    for channels, expected in rgb.items():
        parts = {"mapping": mapping(), "synthesis": part(painted(channels), 4)}
        network = ExportedNetwork(parts, "-1..1")
        generator = ExportedGenerator(network, digest="made")
        assert torch.equal(generator.synthesize(w)[0, :, 1, 1], torch.tensor(expected))
        assert any("white" in note for note in network.notes) == (channels == 4)


def test_what_does_not_fit_says_what_the_mapping_gives():
    for layers, gives in [(None, "gives 4 numbers$"), (3, "gives 4 numbers for 3 layers$")]:
        parts = {"mapping": mapping(layers), "synthesis": part(painted(3), 2, 5)}
        with pytest.raises(CheckpointError, match=gives):
            ExportedNetwork(parts)
