"""Heads of lower resolutions: planted ones are found again, and the work can be stopped."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError
from stylegan_ft.architectures.mobile.layers import inverse_haar
from stylegan_ft.formats.mobile import files as mobile
from stylegan_ft.generator import load_generator
from stylegan_ft.shipped import SHIPPED
from stylegan_ft.training import heads
from stylegan_ft.training.heads import HeadSettings, Moments, fit_head, haar, train_heads
from tests.stylegan_ft import mobile_by_hand as by_hand

SMALL = HeadSettings(sizes=(8, 16), images=12, components=4, steps=20, every=4)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("heads")
    ir = by_hand.write_ir(folder / "ir", by_hand.weights())
    return by_hand.write_wheel(folder / "random_face.whl", ir)


def test_haar_is_undone_and_its_low_band_is_twice_the_mean():
    images = torch.randn(2, 3, 8, 6, generator=torch.Generator().manual_seed(0))
    bands = haar(images)
    torch.testing.assert_close(inverse_haar(bands), images)
    low = 2 * torch.nn.functional.avg_pool2d(images, 2)
    torch.testing.assert_close(bands[:, :3], low)


def test_a_planted_head_is_found():
    rng = torch.Generator().manual_seed(1)
    count, channels, pixels, w_dim = 120, 10, 64, 6
    w = torch.randn(count, w_dim, generator=rng)
    affine = 0.2 * torch.randn(channels, w_dim, generator=rng)
    weight = torch.randn(12, channels, generator=rng)
    bias = torch.randn(12, 1, generator=rng)
    rows = []
    for one in w:
        maps = torch.randn(channels, pixels, generator=rng)
        wavelets = weight @ (maps * (1 + affine @ one)[:, None]) + bias
        shapes = maps.view(1, channels, 8, 8), wavelets.view(1, 12, 8, 8)
        rows.append(heads._moments(*shapes))
    stacked = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
    moments = Moments(w, **stacked)
    fit = fit_head(moments, HeadSettings(components=6, steps=400))
    assert fit.r2 > 0.995
    assert fit.low_r2 > 0.995
    plain = fit_head(moments, HeadSettings(components=1, steps=1))
    assert plain.r2 < 0.95  # the scales are needed
    found = (fit.state["affine.weight"] @ w.T + fit.state["affine.bias"][:, None])[:, :5]
    made = fit.state["weight"][:, :, None] * found
    planted = weight[:, :, None] * (1 + affine @ w.T)[:, :5]
    assert (made - planted).norm() < 0.1 * planted.norm()


def test_stopped_anywhere_it_ends_in_the_same_bytes_and_heads_are_used(path, tmp_path, monkeypatch):
    train_heads(path, tmp_path / "whole.safetensors", SMALL, quiet=True)
    real = heads._sampled

    def stopped(network, settings, index):
        if index == 7:
            raise KeyboardInterrupt
        return real(network, settings, index)

    with monkeypatch.context() as patch:
        patch.setattr(heads, "_sampled", stopped)
        with pytest.raises(KeyboardInterrupt):
            train_heads(path, tmp_path / "again.safetensors", SMALL, quiet=True)
    seen = []
    monkeypatch.setattr(heads, "_sampled", lambda *given: seen.append(given[2]) or real(*given))
    train_heads(path, tmp_path / "again.safetensors", SMALL, quiet=True)
    assert seen == list(range(4, 12))
    made = [(tmp_path / f"{name}.safetensors").read_bytes() for name in ("whole", "again")]
    assert made[0] == made[1]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.safetensors", "whole.safetensors"]
    monkeypatch.setattr(mobile, "SHIPPED_HEADS", tmp_path / "whole.safetensors")
    for size in (8, 16):
        assert load_generator(path, "cpu", size=size).resolution == size
    monkeypatch.setattr(mobile, "heads_mark", lambda state: "of others")
    with pytest.raises(InputError, match="makes images of 32, 64"):
        load_generator(path, "cpu", size=8)


def test_what_is_no_mobilestylegan_and_sizes_without_features_are_refused(path, tmp_path):
    with pytest.raises(CheckpointError, match="a MobileStyleGAN is needed"):
        train_heads(SHIPPED["default"], tmp_path / "x.safetensors", SMALL)
    with pytest.raises(InputError, match=r"size 64: heads can be had of \[8, 16, 32\]"):
        train_heads(path, tmp_path / "x.safetensors", replace(SMALL, sizes=(64,)), quiet=True)


def test_moments_that_are_altered_are_not_gone_on_from(path, tmp_path, monkeypatch):
    def stopped(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(heads, "fit_head", stopped)
    with pytest.raises(KeyboardInterrupt):
        train_heads(path, tmp_path / "x.safetensors", SMALL, quiet=True)
    kept = tmp_path / "x.moments.safetensors"
    data = bytearray(kept.read_bytes())
    data[-3] ^= 1
    kept.write_bytes(data)
    with pytest.raises(CheckpointError, match="is damaged or no checkpoint; remove it"):
        train_heads(path, tmp_path / "x.safetensors", SMALL, quiet=True)
