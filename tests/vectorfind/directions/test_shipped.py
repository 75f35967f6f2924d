"""The shipped directions: they fit the shipped networks, are small, and their card is theirs."""

import pytest

from property_cnn.common.errors import CheckpointError
from tests.vectorfind.conftest import ToyGenerator
from vectorfind.directions.directions import load_directions
from vectorfind.directions.shipped import CARD, SHIPPED, shipped_networks
from vectorfind.models.protocols import digest_of


def test_they_load_on_the_networks_that_they_are_tied_to():
    directions = load_directions(SHIPPED["default"], device="cpu")
    networks = directions.models.generator, directions.models.scorer
    assert tuple(map(digest_of, networks)) == shipped_networks()
    assert directions.layer == "w"
    assert {"eyes", "mouth", "pose"} <= set(directions.properties)
    card = CARD.read_text("utf-8")
    assert all(f"`{digest}`" in card for digest in shipped_networks())
    assert SHIPPED["default"].stat().st_size < 2**20


def test_other_networks_are_refused():
    with pytest.raises(CheckpointError, match="was found on the generator"):
        load_directions(SHIPPED["default"], ToyGenerator(), device="cpu")
