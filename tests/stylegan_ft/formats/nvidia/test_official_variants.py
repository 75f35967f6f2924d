"""NVlabs' pickles with other filters, activations, channels and layouts than the usual ones."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from property_cnn.common.errors import CheckpointError
from stylegan_ft.formats.convert import convert_file
from stylegan_ft.formats.describe import describe_file
from stylegan_ft.formats.load import read_checkpoint
from stylegan_ft.generator import LayeredGenerator, load_generator
from tests.stylegan_ft.foreign_files import (
    STYLEGAN3,
    THIRD,
    nvlabs_modules,
    official,
    random_network,
    write_official,
)
from tests.stylegan_ft.formats.nvidia.damage import TRIALS, refused_of_damaged
from tests.stylegan_ft.stylegan2_by_hand import (
    ACTIVATIONS,
    images_by_hand,
    mapping_by_hand,
    random_stylegan2,
)

LAYERS = ("z", "mapping.1", "w", "w+", "w+1-2", "s")

LINES = {
    "one": (1,),
    "two": (1, 1),
    "uneven": (1, 2),
    "five": (1, 2, 5, 3, 1),
    "nine, kept as a line": (1, 2, 4, 7, 9, 6, 4, 2, 1),
    "twelve, a line too": tuple(range(1, 13)),
}


def arguments(synthesis: dict | None = None, mapping: dict | None = None, **more) -> dict:
    """Those of `stylegan2_by_hand.tiny`, as stylegan2-ada-pytorch keeps them."""
    return {
        "z_dim": 6, "c_dim": 0, "w_dim": 8, "img_resolution": 16, "img_channels": 3,
        "mapping_kwargs": {"num_layers": 3, "layer_features": 7, **(mapping or {})},
        "synthesis_kwargs": {"channel_base": 80, "channel_max": 9, **(synthesis or {})},
        **more,
    }  # fmt: skip


CHANNELS = (9, 9, 5)


def drawn() -> Tensor:
    return torch.randn(3, 6, generator=torch.Generator().manual_seed(2))


def images_at_every_layer(generator: LayeredGenerator, z: Tensor) -> list[Tensor]:
    """The images of z, left and re-entered at each layer."""
    found = []
    for layer in LAYERS:
        offered = generator.with_layer(layer)
        found.append(offered.synthesize(offered.map(z)[layer], layer))
    return found


def check(path: Path, config, state: dict[str, Tensor]) -> float:
    """The largest difference of w, and of images at every layer, from the definition."""
    generator, z = load_generator(path, "cpu"), drawn()
    w = mapping_by_hand(state, z, activation=config.mapping_activation)[-1]
    ws = w[:, None].expand(-1, generator.synthesis_layers, -1)
    expected = images_by_hand(config, state, ws)
    assert 0.1 < expected.abs().mean() < 100
    found = (images - expected for images in images_at_every_layer(generator, z))
    return max(float(part.abs().max()) for part in (generator.map(z)["w"] - w, *found))


@pytest.mark.parametrize("taps", LINES.values(), ids=LINES)
@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
def test_filters_reach_what_the_original_hands_them_to(tmp_path, taps, architecture):
    network = random_stylegan2(architecture, channels=CHANNELS, resample_filter=taps)
    state = network.state_dict()
    given = (len(taps),) if len(taps) >= 8 else (len(taps),) * 2
    shapes = {
        "b4.resample_filter": given, "b16.resample_filter": given,
        "b16.conv0.resample_filter": given, "b16.conv1.resample_filter": (4, 4),
    }  # fmt: skip
    if architecture == "resnet":
        shapes["b8.skip.resample_filter"] = given
    for name, shape in shapes.items():
        assert state[f"synthesis.{name}"].shape == shape
    synthesis = {"architecture": architecture, "resample_filter": list(taps)}
    path = write_official(tmp_path / "m.pkl", G_ema=official(state, arguments(synthesis)))
    assert read_checkpoint(path).config == network.config
    assert check(path, network.config, state) < 1e-4


@pytest.mark.parametrize("given", [None, 2.5])
def test_none_and_a_number_are_a_filter_of_one_tap(tmp_path, given):
    network = random_stylegan2(channels=CHANNELS, resample_filter=(1,))
    network_file = official(network.state_dict(), arguments({"resample_filter": given}))
    path = write_official(tmp_path / "m.pkl", G_ema=network_file)
    assert check(path, network.config, network.state_dict()) < 1e-4


@pytest.mark.parametrize("taps", [(1, 2), tuple(range(1, 10))])
def test_a_plain_state_dict_tells_its_filter(tmp_path, taps):
    network = random_stylegan2(channels=CHANNELS, resample_filter=taps)
    torch.save(network.state_dict(), tmp_path / "m.pt")
    assert check(tmp_path / "m.pt", network.config, network.state_dict()) < 1e-4


def test_files_that_gave_every_layer_the_filter_still_load(tmp_path):
    network = random_stylegan2(channels=CHANNELS, resample_filter=(1, 2))
    state = network.state_dict()
    path = write_official(
        tmp_path / "m.pkl", G_ema=official(state, arguments({"resample_filter": [1, 2]}))
    )
    convert_file(path, tmp_path / "m.safetensors")
    assert load_file(tmp_path / "m.safetensors")["synthesis.b8.conv1.resample_filter"].shape == (
        4,
        4,
    )
    former = dict(state)
    for size in (4, 8, 16):
        former[f"synthesis.b{size}.conv1.resample_filter"] = torch.ones(2, 2)
    torch.save(former, tmp_path / "former.pt")
    for file in ("m.safetensors", "former.pt"):
        assert check(tmp_path / file, network.config, state) < 1e-4


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("architecture", ["skip", "resnet"])
def test_activations_are_the_originals(tmp_path, activation, architecture):
    network = random_stylegan2(
        architecture, channels=CHANNELS, activation=activation, conv_clamp=1.5,
        mapping_activation=activation,
    )  # fmt: skip
    synthesis = {"architecture": architecture, "activation": activation, "conv_clamp": 1.5}
    given = arguments(synthesis, {"activation": activation})
    state = network.state_dict()
    path = write_official(tmp_path / "m.pkl", G_ema=official(state, given))
    assert read_checkpoint(path).config == network.config
    assert check(path, network.config, state) < 1e-4


def test_half_precision_is_near_to_full_with_a_curved_activation():
    network = random_stylegan2(num_fp16_res=2, activation="swish")
    ws = torch.randn(2, network.num_ws, 8, generator=torch.Generator().manual_seed(1))
    styles = network.styles(ws)
    full, half = network.images(styles), network.images(styles, half=True)
    assert not torch.equal(full, half)
    torch.testing.assert_close(half, full, rtol=0, atol=0.02 * float(full.abs().max()))


@pytest.mark.parametrize(("channels", "told"), [(1, "are grey"), (4, "alpha channel")])
def test_grey_and_transparent_images_become_rgb_and_say_so(tmp_path, channels, told):
    network = random_stylegan2(channels=CHANNELS, img_channels=channels)
    state = network.state_dict()
    path = write_official(
        tmp_path / "m.pkl", G_ema=official(state, arguments(img_channels=channels))
    )
    z, generator = drawn(), load_generator(path, "cpu")
    w = mapping_by_hand(state, z)[-1]
    own = images_by_hand(network.config, state, w[:, None].expand(-1, network.num_ws, -1))
    if channels == 1:
        expected = torch.cat([own, own, own], dim=1)
    else:
        alpha = own[:, 3:].clamp(-1, 1) / 2 + 0.5
        expected = own[:, :3] * alpha + 1 - alpha
    for images in images_at_every_layer(generator, z):
        torch.testing.assert_close(images.double(), expected, rtol=0, atol=1e-4)
    assert any(told in note for note in describe_file(path).notes)
    convert_file(path, tmp_path / "m.safetensors")
    again = load_generator(tmp_path / "m.safetensors", "cpu")
    w = again.map(z)["w"]
    assert torch.equal(again.synthesize(w), generator.synthesize(w))


def test_images_of_two_channels_are_refused(tmp_path):
    state = random_stylegan2(channels=CHANNELS, img_channels=2).state_dict()
    path = write_official(tmp_path / "m.pkl", G_ema=official(state, arguments(img_channels=2)))
    for load in (describe_file, load_generator):
        with pytest.raises(CheckpointError, match=r"m\.pkl: .*images have 2 channels"):
            load(path)


def test_stylegan3_may_be_grey(tmp_path):
    network = random_network(STYLEGAN3)
    state = network.state_dict()
    name = next(name for name in state if name.endswith("16_3.weight"))
    grey = {name.replace("16_3.", "16_1."): tensor for name, tensor in state.items()}
    for part in ("weight", "bias"):
        new = name.replace("16_3.weight", f"16_1.{part}")
        grey[new] = grey[new][1:2]
    path = write_official(tmp_path / "m.pkl", G_ema=official(grey, {**THIRD, "img_channels": 1}))
    generator = load_generator(path, "cpu")
    z = torch.randn(2, 7, generator=torch.Generator().manual_seed(0))
    images = generator.synthesize(generator.map(z)["w"])
    expected = network(z)[:, 1:2].expand(-1, 3, -1, -1)
    torch.testing.assert_close(images, expected, rtol=0, atol=1e-4)


def other(seed: int) -> object:
    """A generator of the same settings with other weights."""
    return official(random_stylegan2(channels=CHANNELS, seed=seed).state_dict(), arguments())


def discriminator() -> object:
    found = official(random_stylegan2(channels=CHANNELS, seed=9).state_dict(), arguments())
    found.meta["class_name"] = "Discriminator"
    return found


@pytest.mark.parametrize("kind", [tuple, list])
@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_the_last_generator_of_a_tuple_or_list_is_the_averaged_one(tmp_path, kind, protocol):
    expected = random_stylegan2(channels=CHANNELS, seed=2).state_dict()
    held = {
        "1 of 1": [other(2)],
        "1 of 2": [other(2), discriminator()],
        "2 of 2": [other(1), other(2)],
        "3 of 3": [other(1), discriminator(), other(2)],
    }
    for place, networks in held.items():
        with nvlabs_modules():
            (tmp_path / "m.pkl").write_bytes(pickle.dumps(kind(networks), protocol))
        found = read_checkpoint(tmp_path / "m.pkl")
        assert found.kind == f"NVlabs pickle ({place})"
        assert all(torch.equal(found.state[name], expected[name]) for name in expected)


def test_lists_without_a_generator_are_refused(tmp_path):
    for held, told in (
        ([discriminator()], "1 of 1 is a 'Discriminator'"),
        ([other(1)] * 5, "no state dict"),
        ([], "no state dict"),
        ([3], "no state dict"),
    ):
        with nvlabs_modules():
            (tmp_path / "m.pkl").write_bytes(pickle.dumps(held, 4))
        with pytest.raises(CheckpointError, match=told):
            read_checkpoint(tmp_path / "m.pkl")


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_tensors_that_former_protocols_write_as_text_are_read(tmp_path, protocol):
    network = random_stylegan2(channels=CHANNELS)
    path = write_official(
        tmp_path / "m.pkl", protocol, G_ema=official(network.state_dict(), arguments())
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check(path, network.config, network.state_dict()) < 1e-4
        info = describe_file(path)
    assert info.parameters == sum(t.numel() for t in network.state_dict().values())


@pytest.mark.parametrize("architecture", ["stylegan2", "stylegan3"])
def test_arguments_of_forks_that_concern_training_are_left_out_and_told(tmp_path, architecture):
    more = {"freeze_layers": 2, "freeze_embed": True, "w_avg_beta": 0.9}
    if architecture == "stylegan2":
        network, given = random_stylegan2(channels=CHANNELS), arguments(mapping=more)
    else:
        network, given = random_network(STYLEGAN3), {**THIRD, "mapping_kwargs": more}
    path = write_official(tmp_path / "m.pkl", G_ema=official(network.state_dict(), given))
    found = read_checkpoint(path)
    assert found.config == network.config
    assert found.notes[1] == (
        "arguments that change no image were left out: freeze_layers, freeze_embed"
    )


@pytest.mark.parametrize("where", ["synthesis_kwargs", "mapping_kwargs", ""])
def test_unknown_arguments_of_forks_are_refused_by_name(tmp_path, where):
    given = arguments()
    (given[where] if where else given)["init_res"] = [4, 3]
    state = random_stylegan2(channels=CHANNELS).state_dict()
    path = write_official(tmp_path / "m.pkl", G_ema=official(state, given))
    with pytest.raises(CheckpointError, match=r"m\.pkl: .* have init_res, which this library"):
        load_generator(path, "cpu")


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_random_damage_gives_a_network_or_the_error(protocol):
    state = random_stylegan2(img_resolution=4, channels=(2,), mapping_layers=1).state_dict()
    given = arguments({"resample_filter": [1, 2]}, {"num_layers": 1}, img_resolution=4)
    network = official(state, given, "pass")
    with nvlabs_modules():
        data = pickle.dumps((network,), protocol)
    assert 350 < refused_of_damaged(data, protocol) <= TRIALS  # 2,100 together
