"""StyleSpace: planted channels, specific ones before entangled ones, its layer alone."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

import vectorfind
from property_cnn.common.errors import InputError
from property_cnn.properties import PROPERTIES
from tests.vectorfind.conftest import RANGE, SIDE, ToyGenerator, ToyScorer
from vectorfind.config import ComponentSettings, FindSettings
from vectorfind.methods.base import FitTask
from vectorfind.methods.components.stylespace import STYLESPACE, Channels
from vectorfind.models.pair import Models
from vectorfind.sampling.sampler import Samples

SIGNS = torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0])


class SpacedGenerator(ToyGenerator):
    """Offers s: eight channels, of which channel 7 - k is property k's, at every other place with
    the sign turned.
    """

    available_layers = ("s",)

    def with_layer(self, layer):
        more = copy.copy(self)
        more.layers = {**self.layers, layer: 8}
        return more

    def map(self, z, label):
        found = super().map(z, label)
        return found | {"s": (found["w"] @ self.read * SIGNS).flip(1)}

    def synthesize(self, latents, layer):
        if layer != "s":
            return super().synthesize(latents, layer)
        bands = latents.flip(1) * SIGNS / RANGE
        return bands[:, None, :, None].expand(-1, 3, -1, SIDE)


class Blind(SpacedGenerator):
    def synthesize(self, latents, layer):
        return super().synthesize(latents, layer).detach()


def task(vectors, scores, names, properties=None, **components):
    n = len(vectors)
    samples = Samples(
        np.zeros((n, 1)), np.zeros((n, 0)), {"s": vectors.astype(np.float32)},
        scores.astype(np.float32), names, np.full(n, True),
    )  # fmt: skip
    settings = FindSettings(n=n, layer="s", components=ComponentSettings(**components))
    return FitTask(samples, {"all": np.arange(n)}, settings, properties or names)


def test_a_channel_of_one_score_is_worth_more_than_one_of_all():
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((2, 3000))
    noise = rng.standard_normal((3000, 4))
    channels = np.stack([first + second, first + 1.2 * noise[:, 0], second, noise[:, 1]], axis=1)
    scores = np.stack([first, second], axis=1)
    fields = STYLESPACE.fit(task(channels, scores, ("a", "b")))
    assert fields["a"].components.tolist() == [1]  # though channel 0 goes with it as closely
    assert fields["b"].components.tolist() == [2]
    alone = STYLESPACE.fit(task(channels, scores, ("a", "b"), ("a",)))["a"]
    assert alone.components.tolist() == [1]  # the other score counts all the same


def test_several_channels_move_by_as_many_standard_deviations_each():
    rng = np.random.default_rng(0)
    score = rng.standard_normal(3000)
    noise = rng.standard_normal((3000, 3))
    channels = np.stack([3 * score, -score, 0 * score, 0 * score], axis=1)
    channels[:, :3] += 0.1 * noise
    field = STYLESPACE.fit(task(channels, score[:, None], ("a",), channels=2))["a"]
    assert field.components.tolist() == [0, 1]
    expected = np.array([3, -1, 0, 0]) / np.sqrt(10)
    assert np.allclose(field.of_groups()[0], expected, atol=0.01)
    assert field.share == pytest.approx(1.0, abs=0.01)


def test_the_best_channels_are_ranked_first():
    rng = np.random.default_rng(0)
    channels = rng.standard_normal((3000, 6))
    scores = np.stack([channels[:, 4], channels[:, 2] + 0.5 * channels[:, 4]], axis=1)
    found = STYLESPACE.components(task(channels, scores, ("a", "b"), count=2))
    assert sorted(found.numbers.tolist()) == [2, 4]
    assert np.array_equal(found.axes, np.eye(6, dtype=np.float32)[found.numbers])
    assert found.spreads == pytest.approx(channels[:, found.numbers].std(axis=0), rel=1e-5)


def test_directions_are_found_tested_saved_and_loaded(tmp_path):
    found = vectorfind.find_directions(
        1500, method="stylespace", generator=SpacedGenerator(), scorer=ToyScorer(),
        group_by=("hair_color",), workers=1, quiet=True,
    )  # fmt: skip
    assert found.layer == "s"  # offered, and asked for by the method
    for name, field in found.fields.items():
        number = found.scored.index(name)
        assert field.components.tolist() == [7 - number]
        assert field.of_groups()[0, 7 - number] == SIGNS[number]
    assert vectorfind.evaluate(found, cases=4, quiet=True).statistics.passed[0] == 4
    found.save(tmp_path / "d.npz")
    loaded = vectorfind.load_directions(tmp_path / "d.npz", SpacedGenerator(), ToyScorer())
    assert loaded.fits() == found.fits()


def test_other_layers_and_channels_that_do_not_move_are_told():
    generator = SpacedGenerator()
    options = {"generator": generator, "scorer": ToyScorer(), "method": "stylespace"}
    with pytest.raises(InputError, match="finds channels of the layer s, not of w; give layer s"):
        vectorfind.find_directions(600, "w", **options)
    assert generator.mapped == 0
    with pytest.raises(InputError, match="not of w"):
        vectorfind.find_directions(600, **options | {"generator": ToyGenerator()})
    flat = task(np.ones((60, 3)), np.random.default_rng(0).standard_normal((60, 1)), ("a",))
    with pytest.raises(InputError, match="no channel of s changes with a"):
        STYLESPACE.fit(flat)
    with pytest.raises(InputError, match="not of w"):
        STYLESPACE.components(replace(flat, settings=replace(flat.settings, layer="w")))


def leaning(scores):
    """Each score bends, and leans on its neighbour."""
    return torch.sin(scores / 4) + 0.1 * scores.roll(1, dims=1)


def exactly(scorer, generator=None, n=600, **options):
    return vectorfind.find_directions(
        n, method="stylespace", generator=generator or SpacedGenerator(), scorer=scorer,
        components=ComponentSettings(slopes="exact", faces=30), group_by=(), workers=1, quiet=True,
        **options,
    )  # fmt: skip


def test_derivatives_find_the_planted_channels_too(tmp_path):
    found = exactly(ToyScorer())
    for name, field in found.fields.items():
        number = found.scored.index(name)
        assert field.components.tolist() == [7 - number]
        assert field.of_groups()[0, 7 - number] == SIGNS[number]
        assert field.effect == pytest.approx(1.0, abs=0.01)  # the score is the channel
    found.save(tmp_path / "d.npz")
    loaded = vectorfind.load_directions(tmp_path / "d.npz", SpacedGenerator(), ToyScorer())
    assert loaded.settings.components == found.settings.components


def test_derivatives_are_those_of_finite_differences():
    models = Models(SpacedGenerator(), ToyScorer(leaning)).with_layer("s")
    vectors = np.random.default_rng(0).standard_normal((200, 8)).astype(np.float32)
    given = task(vectors, models.read(vectors, "s"), PROPERTIES, slopes="exact", faces=12)
    channels = Channels.of(replace(given, models=models))
    spreads = given.samples.scores.std(axis=0)
    for channel in range(8):
        step = 1e-2 * np.eye(8, dtype=np.float32)[channel]
        ends = [models.read(vectors[:12] + way * step, "s") for way in (1, -1)]
        slope = (ends[0] - ends[1]).mean(axis=0) / 2e-2
        expected = slope * vectors[:, channel].std() / spreads
        np.testing.assert_allclose(channels.effects[channel], expected, atol=2e-3)


def test_derivatives_tell_what_moves_a_score_from_what_varies_with_it():
    """Channel 0 is nearly as channel 7, which alone makes the first score."""
    vectors = np.random.default_rng(0).standard_normal((400, 8)).astype(np.float32)
    vectors[:, 0] = vectors[:, 7] + 0.1 * vectors[:, 0]
    models = Models(SpacedGenerator(), ToyScorer()).with_layer("s")
    effects = {}
    for slopes in ("samples", "exact"):
        given = task(vectors, models.read(vectors, "s"), PROPERTIES, slopes=slopes, faces=20)
        found = Channels.of(replace(given, models=models))
        effects[slopes] = np.abs(found.effects[[0, 7], 0])
    assert effects["samples"].min() > 0.9
    np.testing.assert_allclose(effects["exact"], [0, 1], atol=1e-4)


def test_networks_without_gradients_are_told():
    line = "the scorer gives no gradients; use slopes samples, or another scorer"
    with pytest.raises(InputError, match=line):
        exactly(ToyScorer(torch.Tensor.detach))
    with pytest.raises(InputError, match="the generator gives no gradients; use slopes samples"):
        exactly(ToyScorer(), Blind())
    with pytest.raises(InputError, match="slopes exact needs the networks"):
        STYLESPACE.fit(task(np.eye(60, 8), np.eye(60, 1), ("a",), slopes="exact"))
    with pytest.raises(InputError, match="slopes"):
        ComponentSettings(slopes="guessed")
