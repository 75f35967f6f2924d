"""NVIDIA's TensorFlow pickles of progressive GAN: the networks of their definition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from property_cnn.common.errors import CheckpointError
from stylegan_ft.formats.convert import convert_file
from stylegan_ft.formats.describe import describe_file
from stylegan_ft.formats.load import read_checkpoint
from stylegan_ft.generator import load_generator
from tests.stylegan_ft import tensorflow_by_hand as by_hand
from tests.stylegan_ft.formats.nvidia.damage import TRIALS, refused_of_damaged
from tests.stylegan_ft.formats.nvidia.test_tensorflow import WRITERS

CHANNELS = (4, 4, 3)
DEFAULTS = {
    "normalize_latents": True, "use_wscale": True, "use_pixelnorm": True,
    "pixelnorm_epsilon": 1e-8, "use_leakyrelu": True, "dtype": "float32", "structure": None,
    "fmap_base": 8192, "fmap_decay": 1.0, "fmap_max": 512, "latent_size": by_hand.Z,
}  # fmt: skip
"""Arguments of G_paper, as a user may give them all."""


def network(
    labels: int = 0, fused: bool = True, images: int = 3, seed: int = 0, **more: object
) -> by_hand.FormerNetwork:
    variables = by_hand.progressive_variables(CHANNELS, labels, fused, images, seed)
    arguments = {"num_channels": images, "resolution": 16, "label_size": labels, **more}
    return by_hand.FormerNetwork("G_paper", variables, arguments)


def write(path: Path, averaged: object, **options: int) -> Path:
    """A file of G, D and Gs; the first two have other weights and another class of network."""
    other = by_hand.FormerNetwork("D_paper", {"lod": np.float32(1)}, {})
    path.write_bytes(by_hand.written((network(seed=1), other, averaged), **options))
    return path


def variables_of(held: by_hand.Network) -> dict[str, np.ndarray]:
    return dict(held.state["variables"])


@pytest.mark.parametrize("labels", [0, 2])
@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("given", [{}, DEFAULTS])
def test_images_are_those_of_the_definition(tmp_path, labels, fused, given):
    more = {**given, "fused_scale": fused} if given or not fused else {}
    held = network(labels, fused, **more)
    path = write(tmp_path / "karras2018.pkl", held)
    rng = np.random.default_rng(5)
    z, label = rng.normal(size=(3, by_hand.Z)), rng.normal(size=(3, labels))
    expected = by_hand.progressive_by_hand(variables_of(held), z, label if labels else None)
    generator = load_generator(path, "cpu")
    found = generator.map(torch.tensor(z), torch.tensor(label).float() if labels else None)
    images = generator.synthesize(found["z"], "z").numpy()
    assert images.shape == expected.shape == (3, 3, 16, 16)
    assert 0.1 < np.abs(expected).mean() < 100
    assert np.abs(images - expected).max() < 1e-4
    checkpoint = read_checkpoint(path)
    assert checkpoint.kind == "NVlabs TensorFlow pickle (Gs)"
    assert checkpoint.architecture == "pggan"
    assert checkpoint.config.channels == CHANNELS
    assert (checkpoint.config.z_dim, checkpoint.config.label_dim) == (by_hand.Z, labels)


@pytest.mark.parametrize(("python", "protocol"), WRITERS)
def test_every_protocol_of_both_pythons_gives_the_same_weights(tmp_path, python, protocol):
    expected = read_checkpoint(write(tmp_path / "four", network())).state
    found = read_checkpoint(write(tmp_path / "file", network(), protocol=protocol, python=python))
    assert found.state.keys() == expected.keys()
    assert all(torch.equal(found.state[name], expected[name]) for name in expected)
    assert len(found.notes) == 1
    assert "was not run" in found.notes[0]


def test_it_is_described_and_converted(tmp_path):
    path = write(tmp_path / "model.pkl", network(images=1))
    info, generator = describe_file(path), load_generator(path, "cpu")
    assert (info.resolution, info.z_dim, info.w_dim) == (16, by_hand.Z, None)
    assert "CC BY-NC 4.0" in info.licence
    assert "are grey" in info.notes[-1]
    convert_file(path, tmp_path / "out.safetensors")
    again = load_generator(tmp_path / "out.safetensors", "cpu")
    z = torch.ones(2, by_hand.Z)
    assert torch.equal(again.synthesize(z, "z"), generator.synthesize(z, "z"))


def changed(name: str, value: object) -> by_hand.FormerNetwork:
    held = network()
    variables = variables_of(held) | {name: value}
    held.state["variables"] = [pair for pair in variables.items() if pair[1] is not None]
    return held


REFUSED = {
    "growth is not finished, 0.50": lambda: changed("lod", np.float32(0.5)),
    "use_pixelnorm is 'False'": lambda: network(use_pixelnorm=False),
    "normalize_latents is 'False'": lambda: network(normalize_latents=False),
    "use_wscale is 'False'": lambda: network(use_wscale=False),
    "use_leakyrelu is 'False'": lambda: network(use_leakyrelu=False),
    "pixelnorm_epsilon is '0.1'": lambda: network(pixelnorm_epsilon=0.1),
    "fused_scale is 'False', but its weights have True": lambda: network(fused_scale=False),
    "latent_size is '9', but its weights have 6": lambda: network(latent_size=9),
    "resolution is '32', but its weights have 16": lambda: network(resolution=32),
    "label_size is 'a'|arguments": lambda: network(latent_size=None, label_size="a"),
    "z_dim 0": lambda: network(label_size=by_hand.Z),
    "have spectral_norm, which": lambda: network(spectral_norm=True),
    "lacks lod": lambda: changed("lod", None),
    "lacks 4x4/Dense/weight": lambda: changed("4x4/Dense/weight", None),
    "lacks 8x8/Conv0/weight": lambda: changed("8x8/Conv0_up/weight", None),
    "lacks ToRGB_lod0/bias": lambda: changed("ToRGB_lod0/bias", None),
    "has 60 outputs, not 64": lambda: changed("4x4/Dense/weight", np.ones((6, 60), "f4")),
    "has 2 axes, not 4": lambda: changed("8x8/Conv1/weight", np.ones((6, 6), "f4")),
    "of shape": lambda: changed("8x8/Conv1/weight", np.ones((3, 3, 5, 4), "f4")),
    "has 'extra'": lambda: changed("extra", np.zeros(2, "f4")),
}


@pytest.mark.parametrize("told", REFUSED)
def test_others_are_refused_in_a_line(tmp_path, told):
    path = write(tmp_path / "model.pkl", REFUSED[told]())
    for load in (describe_file, load_generator):
        with pytest.raises(CheckpointError, match=f"model.pkl.*({told})"):
            load(path)


def test_a_function_of_another_name_is_told(tmp_path):
    held = network()
    held.state["build_func_name"] = "G_mine"
    found = read_checkpoint(write(tmp_path / "model.pkl", held))
    assert found.architecture == "pggan"
    assert "'G_mine'" in found.notes[1]


@pytest.mark.parametrize(("python", "protocol"), [(3, 4), (2, 2), (2, 0)])
def test_random_damage_gives_a_network_or_the_error(python, protocol):
    variables = by_hand.progressive_variables((2, 1))
    small = by_hand.FormerNetwork("G_paper", variables, {"resolution": 8})
    data = by_hand.written(small, protocol, python)
    assert 200 < refused_of_damaged(data, protocol) <= TRIALS  # 2,100 together
