"""The generator's network: names of weights, split mapping, truncation, level of detail."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from property_cnn.common.errors import InputError
from stylegan_ft.architectures.stylegan1.layers import upsample
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork, Truncation, infer_config
from stylegan_ft.architectures.stylegan1.settings import GeneratorConfig, default_channels

TINY = GeneratorConfig(
    resolution=16, z_dim=12, w_dim=10, label_dim=3, label_embedding=4, channels=(8, 8, 6),
    hidden_dim=14, wide_dim=20,
)  # fmt: skip


def latents(n: int, config: GeneratorConfig = TINY) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(1)
    z = torch.randn(n, config.z_dim, generator=rng)
    return z, torch.randn(n, config.label_dim, generator=rng)


@pytest.fixture
def network() -> GeneratorNetwork:
    return GeneratorNetwork(TINY, seed=5).requires_grad_(False)


def test_default_sizes_are_the_split_mappings():
    config = GeneratorConfig()
    assert config.layers == {"mapping_split1": 2560, "mapping_split2": 1024, "w": 512}
    network = GeneratorNetwork(config)
    assert network.mapping.dense0.weight.shape == (512, 528)
    assert network.mapping.label_weight.shape == (7, 16)
    assert network.mapping.dense_new0.weight.shape == (2048, 512)
    assert network.mapping.dense_new1.weight.shape == (512, 2048)
    halves = sum(t.numel() for t in network.state_dict().values()) * 2
    assert halves < 16 * 2**20  # bytes in fp16


def test_keys_are_the_originals(network):
    expected = {"mapping.label_weight", "truncation.w_avg", "synthesis.lod"}
    dense = [f"dense{i}" for i in range(8)] + ["dense_new0", "dense_new1"]
    expected |= {f"mapping.{name}.{part}" for name in dense for part in ("weight", "bias")}
    for i in range(6):
        first = "const" if i == 0 else "weight"
        parts = [first, "bias", "apply_noise.weight", "apply_noise.noise"]
        parts += ["style.weight", "style.bias"] + (["blur.kernel"] if i in (2, 4) else [])
        expected |= {f"synthesis.layer{i}.{part}" for part in parts}
    expected |= {f"synthesis.output{k}.{part}" for k in range(3) for part in ("weight", "bias")}
    state = network.state_dict()
    assert set(state) == expected
    assert state["synthesis.layer0.const"].shape == (1, 8, 4, 4)
    assert state["synthesis.layer4.weight"].shape == (6, 8, 3, 3)
    assert state["synthesis.layer4.blur.kernel"].shape == (6, 1, 3, 3)
    assert state["synthesis.layer4.apply_noise.noise"].shape == (1, 1, 16, 16)
    assert state["synthesis.layer4.style.weight"].shape == (12, 10)
    assert state["synthesis.output2.weight"].shape == (3, 6, 1, 1)
    assert state["truncation.w_avg"].shape == (10,)


@pytest.mark.parametrize(
    "config",
    [
        TINY,
        GeneratorConfig(
            resolution=8, z_dim=6, w_dim=5, label_dim=0, label_embedding=0, split=False,
            channels=(4, 3), hidden_dim=7, wide_dim=0, mapping_layers=4,
        ),
    ],
)  # fmt: skip
def test_sizes_are_told_from_the_weights(config):
    assert infer_config(GeneratorNetwork(config).state_dict()) == config


def test_mapping_by_hand(network):
    mapping, (z, label) = network.mapping, latents(3)
    x = torch.cat([z, label @ mapping.label_weight], dim=1)
    x = x / torch.sqrt((x**2).mean(dim=1, keepdim=True) + 1e-8)

    def dense(x, name):
        layer = getattr(mapping, name)
        scale = 0.01 * math.sqrt(2 / layer.weight.shape[1])
        x = x @ (layer.weight * scale).T + 0.01 * layer.bias
        return torch.maximum(x, 0.2 * x)

    for i in range(6):
        x = dense(x, f"dense{i}")
    w1, w2 = dense(x, "dense6"), dense(x, "dense_new0")
    old, new = dense(w1, "dense7"), dense(w2, "dense_new1")
    out = mapping(z, label)
    assert list(out) == list(TINY.vectors)
    torch.testing.assert_close(out["mapping.5"], x)
    assert torch.equal(out["z"], torch.cat([z, label], dim=1))
    torch.testing.assert_close(out["mapping_split1"], torch.cat([w1, w2], dim=1))
    torch.testing.assert_close(out["mapping_split2"], torch.cat([old, new], dim=1))
    torch.testing.assert_close(out["w"], old + new)


def test_every_layer_resumes_to_the_same_w(network):
    out = network.mapping(*latents(4))
    for name, mid in out.items():
        assert mid.shape == (4, TINY.vectors[name])
        assert torch.equal(network.mapping.resume(mid, name), out["w"]), name


def test_the_new_path_starts_with_nearly_no_effect():
    split = GeneratorNetwork(TINY, seed=5).requires_grad_(False)
    plain = GeneratorNetwork(dataclasses.replace(TINY, split=False), seed=5).requires_grad_(False)
    expected = ["z", *(f"mapping.{i}" for i in range(8)), "w"]
    assert list(plain.mapping(*latents(2))) == list(plain.config.vectors) == expected
    assert list(plain.config.layers) == ["z", "w"]
    old = {k: v for k, v in split.state_dict().items() if "dense_new" not in k}
    plain.load_state_dict(old)
    with_new = split.mapping(*latents(64))["w"]
    without = plain.mapping(*latents(64))["w"]
    assert float((with_new - without).norm() / without.norm()) < 0.01


def test_label_moves_w(network):
    z, label = latents(2)
    assert not torch.allclose(network.mapping(z, label)["w"], network.mapping(z, -label)["w"])


def test_truncation_pulls_the_first_layers_only():
    truncation = Truncation(w_dim=3, layers=4)
    truncation.w_avg.copy_(torch.tensor([1.0, 2.0, 3.0]))
    w = torch.tensor([[3.0, 2.0, 1.0]])
    assert torch.equal(truncation(w), w[:, None].expand(1, 4, 3))
    out = truncation(w, psi=0.5, trunc_layers=2)
    torch.testing.assert_close(out[0, :2], torch.tensor([[2.0, 2.0, 2.0]] * 2))
    torch.testing.assert_close(out[0, 2:], w.expand(2, 3))


def test_same_seed_gives_the_same_images_and_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    images = [GeneratorNetwork(TINY, seed=s)(*latents(2)).detach() for s in (0, 0, 1)]
    assert torch.equal(images[0], images[1])
    assert not torch.equal(images[0], images[2])
    assert torch.equal(torch.get_rng_state(), before)
    assert images[0].shape == (2, 3, 16, 16)


def test_rows_do_not_depend_on_their_batch(network):
    z, label = latents(5)
    alone = torch.cat([network(z[i : i + 1], label[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(network(z, label), alone, rtol=1e-4, atol=1e-4)


def test_level_of_detail_runs_fewer_blocks_and_blends(network):
    w = network.mapping(*latents(2))["w"]
    synthesis = network.synthesis
    full, half = synthesis(w, lod=0), synthesis(w, lod=1, upsample_output=False)
    assert half.shape == (2, 3, 8, 8)
    torch.testing.assert_close(synthesis(w, lod=1), upsample(half))
    torch.testing.assert_close(synthesis(w, lod=0.25), 0.75 * full + 0.25 * upsample(half))
    assert synthesis(w, lod=2, upsample_output=False).shape == (2, 3, 4, 4)
    synthesis.lod.fill_(1.0)
    torch.testing.assert_close(synthesis(w), upsample(half))
    with pytest.raises(InputError, match="between 0 and 2"):
        synthesis(w, lod=3)


def test_styles_of_each_layer_are_taken_in_their_order(network):
    w = network.mapping(*latents(2))["w"]
    styles = w[:, None].repeat(1, 6, 1)
    same = network.synthesis(styles)  # but for rounding, which instance norm makes larger
    torch.testing.assert_close(same, network.synthesis(w), rtol=1e-4, atol=1e-4)
    styles[:, 4:] = 0  # the layers at full size
    coarse = network.synthesis(w, lod=1)
    torch.testing.assert_close(network.synthesis(styles, lod=1), coarse)
    assert not torch.allclose(network.synthesis(styles), network.synthesis(w))


def test_fresh_noise_changes_the_image_only_where_it_has_weight(network):
    w = network.mapping(*latents(1))["w"]
    fresh = network.synthesis(w, noise_rng=torch.Generator().manual_seed(0))
    torch.testing.assert_close(fresh, network.synthesis(w), rtol=1e-4, atol=1e-5)
    network.synthesis.layer5.apply_noise.weight.fill_(0.5)
    fresh = network.synthesis(w, noise_rng=torch.Generator().manual_seed(0))
    assert not torch.allclose(fresh, network.synthesis(w), atol=1e-2)


def test_all_weights_that_matter_get_a_gradient():
    network = GeneratorNetwork(TINY)
    network(*latents(2)).square().mean().backward()
    idle = {name for name, p in network.named_parameters() if p.grad is None}
    assert idle == {f"synthesis.output{k}.{p}" for k in (0, 1) for p in ("weight", "bias")}


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="power of two"):
        GeneratorConfig(resolution=48)
    with pytest.raises(InputError, match="takes 4 numbers"):
        GeneratorConfig(resolution=32, channels=(8, 8))


def test_default_channels_are_the_originals():
    assert default_channels(256) == (512, 512, 512, 512, 256, 128, 64)
