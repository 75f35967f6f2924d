"""A user's own networks: duck typing, and clear words for what is missing."""

import pytest
import torch

from property_cnn.common.errors import InputError
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.models.pair import load_models
from vectorfind.models.protocols import (
    Generator,
    Scorer,
    device_of,
    digest_of,
    resolve_generator,
    resolve_scorer,
)


def test_objects_pass_through_and_need_no_base_class():
    generator, scorer = ToyGenerator(), ToyScorer()
    assert resolve_generator(generator) is generator
    assert resolve_scorer(scorer) is scorer
    assert isinstance(generator, Generator)
    assert isinstance(scorer, Scorer)


def test_a_missing_part_is_named():
    with pytest.raises(InputError, match="the generator, a object, has no z_dim, label_dim, lay"):
        resolve_generator(object())
    with pytest.raises(InputError, match="the scorer, a function, has no properties"):
        resolve_scorer(lambda images: images)


def test_layers_and_properties_must_hold_something():
    generator, scorer = ToyGenerator(), ToyScorer()
    generator.layers, scorer.properties = {}, "eyes"
    with pytest.raises(InputError, match="offers no layers"):
        resolve_generator(generator)
    with pytest.raises(InputError, match="tuple of names"):
        resolve_scorer(scorer)


def test_objects_are_moved_only_when_a_device_is_given():
    class Movable(ToyScorer):
        device = torch.device("cpu")
        moves = 0

        def to(self, device):
            self.moves += 1
            return self

    scorer = Movable()
    assert resolve_scorer(scorer).moves == 0
    assert resolve_scorer(scorer, "cpu").moves == 1
    with pytest.raises(InputError, match="device 'abacus' cannot be used"):
        resolve_scorer(scorer, "abacus")


def test_digest_and_device_have_defaults():
    assert digest_of(object()) == ""
    assert digest_of(ToyGenerator()) == "toy-generator"
    assert device_of(object()) == torch.device("cpu")


def test_half_precision_needs_a_gpu():
    with pytest.raises(InputError, match="dtype float16 needs a GPU, not cpu; use float32"):
        load_models(ToyGenerator(), ToyScorer(), dtype="float16")
    with pytest.raises(InputError, match="unknown dtype"):
        load_models(ToyGenerator(), ToyScorer(), dtype="float8")


def test_synthesis_is_cheapest_from_w_or_the_last_layer():
    generator = ToyGenerator()
    assert load_models(generator, ToyScorer()).last_layer == "w"
    generator.layers = {"early": 16, "late": 8}
    assert load_models(generator, ToyScorer()).last_layer == "late"
