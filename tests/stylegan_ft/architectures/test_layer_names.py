"""Names of layers: sizes, ranges, parts that directions may move, and what errors say."""

from __future__ import annotations

import pytest

from property_cnn.common.errors import InputError
from stylegan_ft.architectures.layer_names import LayerNames

PLAIN = LayerNames({"z": 6, "mapping.0": 7, "w": 8}, z_dim=6, num_ws=5, style_size=40)
LABELLED = LayerNames({"z": 9, "w": 8}, z_dim=6, num_ws=5)


@pytest.mark.parametrize(
    ("layer", "size"),
    [("z", 6), ("mapping.0", 7), ("w", 8), ("w+", 40), ("w+0-4", 16), ("w+3", 16), ("s", 40)],
)
def test_sizes(layer, size):
    assert PLAIN.size(layer) == size


@pytest.mark.parametrize(
    ("layer", "span"), [("w+1-3", (1, 4)), ("w+4", (4, 5)), ("w+0-0", (0, 1)), ("w+", None)]
)
def test_ranges_are_inclusive_and_free_in_their_second_half(layer, span):
    assert PLAIN.span(layer) == span
    assert PLAIN.editable(layer) == (None if span is None else (8, 16))


def test_directions_leave_the_label_alone():
    assert LABELLED.editable("z") == (0, 6)
    assert PLAIN.editable("z") is None
    assert PLAIN.editable("w") is None


@pytest.mark.parametrize("layer", ["w+5", "w+2-5", "w+3-1"])
def test_ranges_outside_synthesis_are_refused(layer):
    with pytest.raises(InputError, match=r"synthesis has the layers 0 to 4; give w\+A-B"):
        PLAIN.size(layer)


@pytest.mark.parametrize("layer", ["", "W", "w+a", "w+-1", "w+1-2-3", "mapping.1", "w+٣", "s0"])
def test_unknown_names_are_refused_with_all_there_are(layer):
    with pytest.raises(InputError, match=r"z, mapping.0, w, w\+, w\+A-B, s, A and B from 0 to 4"):
        PLAIN.size(layer)


def test_a_network_without_style_space_has_no_s():
    assert "s" not in LABELLED.available_layers
    with pytest.raises(InputError, match="layer 's'"):
        LABELLED.size("s")


def test_layers_stand_in_the_networks_order():
    names = ["s", "w+3", "w", "w+", "z", "w+1-2", "mapping.0", "w"]
    ordered = ["z", "mapping.0", "w", "w+1-2", "w+3", "w+", "s"]
    assert list(PLAIN.sizes(names)) == ordered
    assert PLAIN.sizes(["w+1", "z"]) == {"z": 6, "w+1": 16}
