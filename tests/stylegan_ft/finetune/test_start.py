"""What each variant adds to the base, and which parameters it trains."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from property_cnn.common.errors import InputError
from property_cnn.properties import CONTROLLED, LABELS
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.finetune.settings import VARIANTS
from stylegan_ft.finetune.start import (
    starting_discriminator,
    starting_generator,
    with_labels,
    with_split,
)
from tests.stylegan_ft.tiny_runs import CONFIG, SIDE, base_network, discriminator, scorer


def images(network, label=None, n=16):
    z = torch.randn(n, network.config.z_dim, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        return network(z, label)


def test_split_keeps_the_old_weights_and_hardly_changes_the_images():
    base = base_network()
    network = with_split(base, seed=0)
    state = network.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in base.state_dict().items())
    new = torch.cat([state[f"mapping.dense_new{i}.weight"].flatten() for i in (0, 1)])
    assert abs(float(new.std()) - 0.15) < 0.02
    before, after = images(base), images(network)
    assert 0 < float((after - before).square().mean().sqrt()) < 0.02 * float(before.std())


def test_split_is_not_added_twice():
    base = GeneratorNetwork(replace(CONFIG, split=True), seed=4)
    state = with_split(base, seed=1).state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in base.state_dict().items())


@pytest.mark.parametrize("names", [CONTROLLED, LABELS])
def test_labels_hardly_change_the_images_of_a_plain_base(names):
    base = GeneratorNetwork(replace(CONFIG, z_dim=256), seed=0)
    network = with_labels(base, names, seed=0)
    label = torch.randn(16, len(names), generator=torch.Generator().manual_seed(6))
    before, after = images(base), images(network, label)
    assert 0 < float((after - before).square().mean().sqrt()) < 0.3 * float(before.std())
    assert network.config.label_dim == len(names)


def test_labels_of_a_labelled_base_keep_the_rows_of_the_wanted_properties():
    base = GeneratorNetwork(replace(CONFIG, label_dim=7, label_embedding=4), seed=0)
    network = with_labels(base, CONTROLLED, seed=0)
    rows = [LABELS.index(name) for name in CONTROLLED]
    label = torch.randn(16, 3, generator=torch.Generator().manual_seed(6))
    full = torch.zeros(16, 7)
    full[:, rows] = label
    # the sums behind them are taken in another order
    torch.testing.assert_close(images(network, label), images(base, full), rtol=1e-4, atol=1e-4)


def test_foreign_labels_are_refused():
    base = GeneratorNetwork(replace(CONFIG, label_dim=2, label_embedding=4), seed=0)
    with pytest.raises(InputError, match="labels of 2 numbers"):
        with_labels(base, CONTROLLED, seed=0)


def test_a_grey_base_is_refused():
    base = GeneratorNetwork(replace(CONFIG, image_channels=1), seed=0)
    with pytest.raises(InputError, match="images have 1 channels"):
        starting_generator(base, VARIANTS["v1"], seed=0)


def trained(network):
    return {name for name, parameter in network.named_parameters() if parameter.requires_grad}


def modules(network):
    return {name.split(".")[0] for name in trained(network)}


def test_v1_trains_the_mapping_and_the_last_three_layers_of_d():
    variant = VARIANTS["v1"]
    generator = starting_generator(base_network(), variant, seed=0)
    assert generator.config.label_dim == 7
    every = {name for name, _ in generator.named_parameters()}
    assert trained(generator) == {name for name in every if name.startswith("mapping.")}
    judge = starting_discriminator(variant, SIDE, discriminator())
    assert judge.label_dim == 7
    assert modules(judge) == {"layer6", "layer7", "layer8"}  # of 9


def test_v9_trains_the_mapping_the_coarse_synthesis_and_the_deep_layers_of_d():
    variant = VARIANTS["v9"]
    generator = starting_generator(base_network(), variant, seed=0)
    assert generator.config.split
    synthesis = {name.split(".")[1] for name in trained(generator) if "synthesis" in name}
    assert synthesis == {f"layer{i}" for i in range(6)}  # 4 × 4 to 16 × 16
    mapping = {name for name, _ in generator.named_parameters() if name.startswith("mapping.")}
    assert mapping <= trained(generator)
    judge = starting_discriminator(variant, SIDE, discriminator())
    assert judge.label_dim == 0
    assert modules(judge) == {f"layer{i}" for i in range(2, 9)}  # 32 × 32 is layers 0 and 1


@pytest.mark.parametrize("name", ["v5-1", "v5-2", "v5-3"])
def test_v5_trains_all_that_runs(name):
    generator = starting_generator(base_network(), VARIANTS[name], seed=0)
    left = {name for name, _ in generator.named_parameters()} - trained(generator)
    assert {part.split(".")[1] for part in left} == {"output0", "output1", "output2"}
    judge = starting_discriminator(VARIANTS[name], SIDE, scorer=scorer().network)
    assert trained(judge) == {name for name, _ in judge.named_parameters()}
    state = scorer().network.state_dict()
    kept = judge.body.state_dict()
    assert all(torch.equal(kept[name], tensor) for name, tensor in state.items())


def test_a_new_discriminator_is_trained_as_a_whole():
    judge = starting_discriminator(VARIANTS["v9"], SIDE, base=None)
    assert modules(judge) == {"input0"} | {f"layer{i}" for i in range(9)}


def test_label_outputs_start_beside_the_known_realness():
    known = discriminator()
    judge = starting_discriminator(VARIANTS["v1"], SIDE, known)
    pictures = torch.rand(4, 3, SIDE, SIDE) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(judge(pictures, torch.zeros(4, 7)), known(pictures))
        moved = judge(pictures, torch.ones(4, 7)) - known(pictures)
    assert 0 < float(moved.abs().max())
    assert math.isfinite(float(moved.abs().max()))


def test_a_discriminator_of_another_size_is_refused():
    with pytest.raises(InputError, match="32 pixels"):
        starting_discriminator(VARIANTS["v9"], 64, discriminator())


def test_v5_without_a_scorer_is_refused():
    with pytest.raises(InputError, match="needs the scorer"):
        starting_discriminator(VARIANTS["v5-1"], SIDE)
