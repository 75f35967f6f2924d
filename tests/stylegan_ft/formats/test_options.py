"""What files of genforce do not tell: names that carry it, what weights tell, and its digest."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.architectures.stylegan1.settings import GeneratorConfig
from stylegan_ft.formats.checkpoint import save_generator
from stylegan_ft.formats.describe import describe_file
from stylegan_ft.formats.load import read_checkpoint
from stylegan_ft.formats.options import split_name, with_name
from stylegan_ft.generator import generator_path, load_generator
from tests.stylegan_ft.formats.genforce import by_hand

PLAIN = GeneratorConfig(
    resolution=16, z_dim=8, w_dim=8, label_dim=0, label_embedding=0, split=False,
    channels=(8, 8, 8), hidden_dim=8, wide_dim=0,
)  # fmt: skip


def saved(path, state) -> str:
    torch.save(state, path)
    return str(path)


def test_a_name_carries_options(tmp_path):
    name = with_name("a.pth", {"fused_scale": False, "mapping_lr_mul": 0.1})
    assert name == "a.pth?fused_scale=false&mapping_lr_mul=0.1"
    assert split_name(name) == ("a.pth", {"fused_scale": "false", "mapping_lr_mul": "0.1"})
    assert with_name(name, {"fused_scale": "auto"}) == "a.pth?fused_scale=auto&mapping_lr_mul=0.1"
    assert with_name("a.pth", {}) == "a.pth"
    assert str(generator_path(name)) == name
    odd = tmp_path / "a?b=c"
    odd.write_bytes(b"x")
    assert split_name(odd) == (str(odd), {})
    with pytest.raises(InputError, match="name=value"):
        split_name("a.pth?fused_scale")


@pytest.mark.parametrize("fused", ["auto", True, False])
@pytest.mark.parametrize("final_tanh", [False, True])
@pytest.mark.parametrize("wscale", [True, False])
@pytest.mark.parametrize("lr_mul", [0.01, 1.0])
def test_images_are_those_of_the_options(tmp_path, fused, final_tanh, wscale, lr_mul):
    state = by_hand.stylegan1_state(PLAIN, use_wscale=wscale, lr_mul=lr_mul)
    given = {"fused_scale": fused, "final_tanh": final_tanh}
    path = saved(tmp_path / "g.pth", state)
    generator = load_generator(path, "cpu", options=given)  # the rest is told by the weights
    z = torch.randn(3, 8, generator=torch.Generator().manual_seed(1))
    settings = {"use_wscale": wscale, "lr_mul": lr_mul, "final_tanh": final_tanh}
    w = by_hand.stylegan1_w(state, z, wscale, lr_mul)
    fused_from = {"auto": 128, True: 0, False: math.inf}[fused]
    del settings["lr_mul"]
    expected = by_hand.stylegan1_images(state, w, fused_from=fused_from, **settings)
    vectors = generator.map(z)
    torch.testing.assert_close(vectors["w"].double(), w, rtol=1e-5, atol=1e-5)
    for layer in ("z", "w", "mapping.2", "w+"):
        offered = generator.with_layer(layer)
        images = offered.synthesize(offered.map(z)[layer], layer)
        torch.testing.assert_close(images.double(), expected, rtol=1e-4, atol=1e-4)
    explicit = {**given, "use_wscale": wscale, "mapping_lr_mul": lr_mul}
    again = load_generator(with_name(path, explicit), "cpu")
    assert torch.equal(again.synthesize(vectors["w"], "w"), generator.synthesize(vectors["w"], "w"))


def test_layers_are_fused_from_128_pixels_on(tmp_path):
    config = dataclasses.replace(PLAIN, resolution=128, channels=(2,) * 6)
    state = by_hand.stylegan1_state(config)
    path = saved(tmp_path / "g.pth", state)
    w = torch.randn(1, 8, generator=torch.Generator().manual_seed(1))
    found = {}
    for fused, start in (("auto", 128), ("true", 0), ("false", math.inf)):
        generator = load_generator(path, "cpu", options={"fused_scale": fused})
        found[fused] = generator.synthesize(w, "w")
        expected = by_hand.stylegan1_images(state, w.double(), fused_from=start)
        torch.testing.assert_close(found[fused].double(), expected, rtol=1e-4, atol=1e-4)
    assert float((found["auto"] - found["false"]).abs().max()) > 0.1
    assert float((found["auto"] - found["true"]).abs().max()) > 0.1


def test_what_was_told_assumed_and_given_is_said(tmp_path):
    path = saved(tmp_path / "g.pth", by_hand.stylegan1_state(PLAIN, use_wscale=False))
    for notes in (read_checkpoint(path).notes, describe_file(path).notes):
        assert notes == (
            "told by the weights: use_wscale=false, mapping_lr_mul=0.01",
            "not told by the file, assumed: fused_scale=auto, final_tanh=false",
        )
    named = with_name(path, {"final_tanh": True, "use_wscale": True})
    notes = describe_file(named).notes
    assert notes[0] == "given: final_tanh=true, use_wscale=true"
    assert read_checkpoint(named).notes == notes


def test_weights_between_two_spreads_tell_nothing(tmp_path):
    state = by_hand.stylegan1_state(PLAIN)
    state["mapping.dense0.weight"] /= 10
    state["synthesis.layer1.weight"] *= 0.4
    path = saved(tmp_path / "g.pth", state)
    assert read_checkpoint(path).config.lr_mul == 0.01
    assert "use_wscale=true, mapping_lr_mul=0.01" in read_checkpoint(path).notes[0]
    assert read_checkpoint(path).notes[0].startswith("not told")


def test_options_change_the_digest(tmp_path):
    path = saved(tmp_path / "g.pth", by_hand.stylegan1_state(PLAIN))
    names = [
        path,
        f"{path}?fused_scale=false",
        f"{path}?fused_scale=auto",
        f"{path}?final_tanh=true",
    ]
    digests = [load_generator(name, "cpu").digest for name in names]
    assert len({*digests}) == 4
    assert describe_file(names[1]).digest == digests[1]
    same = load_generator(path, "cpu", options={"fused_scale": False}).digest
    assert same == digests[1]


def test_foreign_options_and_values_are_refused(tmp_path):
    path = saved(tmp_path / "g.pth", by_hand.stylegan1_state(PLAIN))
    with pytest.raises(CheckpointError, match="option depth: it takes fused_scale, final_tanh"):
        load_generator(path, "cpu", options={"depth": 3})
    for options in ({"final_tanh": "perhaps"}, {"mapping_lr_mul": 0}, {"label_size": -1}):
        with pytest.raises(InputError, match="it must be"):
            load_generator(path, "cpu", options=options)
    own = tmp_path / "g.safetensors"
    save_generator(own, GeneratorNetwork(PLAIN))
    with pytest.raises(CheckpointError, match="the file tells its settings"):
        load_generator(own, "cpu", options={"final_tanh": True})
    with pytest.raises(CheckpointError, match="the file tells its settings"):
        load_generator(None, "cpu", options={"final_tanh": True})


def test_a_label_that_joins_the_latent_as_it_is(tmp_path):
    config = dataclasses.replace(PLAIN, z_dim=11)
    state = by_hand.stylegan1_state(config)
    path = saved(tmp_path / "g.pth", state)
    rng = torch.Generator().manual_seed(1)
    z, label = torch.randn(3, 8, generator=rng), torch.randn(3, 3, generator=rng)
    generator = load_generator(path, "cpu")
    assert (generator.z_dim, generator.label_dim) == (8, 3)
    assert describe_file(path).label_dim == 3
    assert "label_size=3" in describe_file(path).notes[0]
    w = by_hand.stylegan1_w(state, torch.cat([z, label], dim=1))
    torch.testing.assert_close(generator.map(z, label)["w"].double(), w, rtol=1e-5, atol=1e-5)
    without = load_generator(path, "cpu", options={"label_size": 0})
    assert (without.z_dim, without.label_dim) == (11, 0)
    of_two = load_generator(path, "cpu", options={"label_size": 2})
    assert (of_two.z_dim, of_two.label_dim) == (9, 2)


def test_rows_of_a_mean_w_are_averaged(tmp_path):
    state = by_hand.stylegan1_state(PLAIN)
    means = torch.randn(4, 8)
    path = saved(tmp_path / "g.pth", state | {"truncation.w_avg": means})
    found = read_checkpoint(path)
    torch.testing.assert_close(found.state["truncation.w_avg"], means.mean(dim=0))
    assert "4 rows of truncation.w_avg are averaged" in found.notes[0]
    path = saved(tmp_path / "one.pth", state | {"truncation.w_avg": means[:1]})
    assert not any("averaged" in note for note in read_checkpoint(path).notes)
    path = saved(tmp_path / "other.pth", state | {"truncation.w_avg": torch.randn(4, 3)})
    with pytest.raises(CheckpointError, match="w_avg"):
        load_generator(path, "cpu")
