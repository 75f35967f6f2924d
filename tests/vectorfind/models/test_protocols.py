"""A user's own networks: duck typing, and clear words for what is missing."""

import numpy as np
import pytest
import torch

from property_cnn.common.errors import InputError
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.models.pair import Models, load_models
from vectorfind.models.protocols import (
    Generator,
    Scorer,
    device_of,
    digest_of,
    resolve_generator,
    resolve_scorer,
)
from vectorfind.sampling.store import fill_store


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
    with pytest.raises(InputError, match="give a tuple, as"):
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


class Declares:
    z_dim, label_dim, layers = 4, 0, {"z": 4}

    def __init__(self, **parts):
        self.__dict__ |= parts

    def map(self, z, label):
        return {"z": z.numpy()}

    def synthesize(self, latents, layer):
        return np.broadcast_to(
            latents.numpy().mean(axis=1)[:, None, None, None], (len(latents), 3, 2, 2)
        )


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"z_dim": 0}, "the generator's z_dim is 0; give a whole number from 1"),
        ({"z_dim": 2.5}, "the generator's z_dim is 2.5"),
        ({"label_dim": -1}, "the generator's label_dim is -1; give a whole number from 0"),
        ({"layers": {}}, "offers no layers"),
        ({"layers": 5}, "the generator's layers is 5; give a mapping"),
        ({"layers": {"z": "4"}}, "the generator's layers of z is '4'"),
        ({"layers": {3: 4}}, "a name in the generator's layers is 3; give a text"),
    ],
)
def test_what_a_generator_declares_is_checked(parts, message):
    with pytest.raises(InputError, match=message):
        resolve_generator(Declares(**parts))


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        (5, "the scorer's properties is 5; give a tuple"),
        ("eyes", "is the text 'eyes'"),
        (("eyes", 5), "the scorer's properties is 5; give a text"),
        (("eyes", "eyes"), "a property of the scorer stands twice"),
    ],
)
def test_what_a_scorer_declares_is_checked(properties, message):
    scorer = ToyScorer()
    scorer.properties = properties
    with pytest.raises(InputError, match=message):
        resolve_scorer(scorer)


def test_networks_may_give_arrays():
    z = np.ones((2, 4), np.float32)
    models = Models(Declares(z_dim=np.int64(4)), ToyScorer())
    mapped = models.map(z, np.empty((2, 0), np.float32))
    assert torch.equal(mapped["z"], torch.ones(2, 4))
    assert torch.equal(models.synthesize(mapped["z"], "z"), torch.ones(2, 3, 2, 2))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([1, 2], "map gave a list; expected layer"),
        ({"z": None}, "map of z gave a NoneType; expected a tensor or an array"),
        ({"z": "x"}, "map of z gave a str"),
        ({"z": np.full((2, 4), np.nan)}, "map gave NaN or infinity at z"),
        ({"z": np.ones((2, 3))}, r"map gave {'z': \(2, 3\)}, but its layers say {'z': \(2, 4\)}"),
    ],
)
def test_what_a_generator_gives_is_checked(answer, message):
    models = Models(Declares(map=lambda z, label: answer), ToyScorer())
    with pytest.raises(InputError, match=message):
        models.map(np.ones((2, 4), np.float32), np.empty((2, 0), np.float32))


@pytest.mark.parametrize("error", [KeyError("mine"), OSError(28, "mine"), ValueError("mine")])
def test_what_a_users_network_raises_passes_as_it_is_and_finished_work_is_kept(error, tmp_path):
    calls = []

    def spoil(scores):
        calls.append(len(scores))
        if sum(calls) > 512:
            raise error
        return scores

    models = Models(ToyGenerator(), ToyScorer(spoil))
    with pytest.raises(type(error)) as raised:
        fill_store(tmp_path, models, 1024, batch_size=512)
    assert raised.value is error
    calls.clear()
    assert len(fill_store(tmp_path, models, 512)) == 512
    assert not calls  # all of it was there


def test_a_truncation_that_differs_a_little_has_a_digest_of_its_own():
    def digest(psi):
        generator = ToyGenerator()
        generator.psi = psi
        return digest_of(generator)

    assert digest(0.7) == "toy-generator-psi0.7"
    assert digest(2) == digest(2.0) == "toy-generator-psi2"
    assert digest(0.7000002) == "toy-generator-psi0.7000002"
