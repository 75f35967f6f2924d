"""Planted latents are found again from their images; a search that was stopped goes on exactly."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from property_cnn.common.errors import InputError
from tests.vectorfind.characters.inversion.conftest import LAYERS, W_DIM, noise
from vectorfind.characters.inversion.optimise import (
    Objective,
    State,
    nearest_start,
    scheduled,
    search,
    stages,
)
from vectorfind.characters.inversion.settings import InvertSettings, LossWeights
from vectorfind.characters.inversion.usual import usual_latents
from vectorfind.models.pair import Models
from vectorfind.sampling.lessons import Unscored

FAITHFUL = LossWeights(perceptual=0.001, usual=0.0, together=0.0)
QUICK = InvertSettings(steps=60, starts=8, samples=512, weights=FAITHFUL)


@pytest.fixture
def problem(generator, reader):
    """Objective, distribution and planted latents, at w or w+."""

    def make(layer="w", weights=FAITHFUL):
        models = Models(generator.with_layer("w+"), Unscored())
        usual = usual_latents(models, "w", QUICK.samples, 0)
        planted = models.generator.map(noise(1, W_DIM, seed=8), None)[layer]
        planted = planted + 0.5 * noise(*planted.shape, seed=9) * (layer == "w+")
        target = models.synthesize(planted, layer)
        return Objective(models, reader, target, usual, weights), usual, planted.numpy()

    return make


def run(objective, usual, settings=QUICK, plus=0, state=None, keep=lambda arrays: None):
    start = lambda: nearest_start(objective, usual, settings.starts, "w")  # noqa: E731
    return search(objective, start, ("w", plus), settings, (lambda n: None, keep), state)


def test_a_planted_w_is_found(problem):
    objective, usual, planted = problem()
    settings = replace(QUICK, steps=100)
    found = objective.vectors(torch.from_numpy(run(objective, usual, settings).w)).numpy()
    apart = usual.whitened(found)[0] - usual.whitened(planted)[0]
    assert np.abs(apart).max() < 0.05  # deviations; samples are 1.4 apart


def test_w_plus_comes_nearer_than_w(problem):
    objective, usual, _ = problem("w+")
    state = run(objective, usual, plus=LAYERS)
    with torch.no_grad():
        in_w = float(objective(torch.from_numpy(state.w), "w"))
    assert state.best.shape == (1, LAYERS, W_DIM)
    assert float(state.least[0]) < in_w / 3


def test_what_is_unusual_costs(problem):
    free, usual, _ = problem()
    held = problem(weights=replace(FAITHFUL, usual=1.0))[0]
    lengths = [np.linalg.norm(run(each, usual).w) for each in (free, held)]
    assert lengths[1] < 0.8 * lengths[0]


def test_layers_are_held_together(problem):
    spreads = []
    for together in (0.0, 10.0):
        weights = replace(FAITHFUL, together=together)
        objective, usual, _ = problem("w+", weights)
        spreads.append(run(objective, usual, plus=LAYERS).best.std(axis=1).mean())
    assert spreads[1] < spreads[0] / 3


@pytest.mark.parametrize("steps", [3, 20, 50])  # in the trial, in w, in w+
def test_a_stopped_search_goes_on_exactly(problem, steps):
    objective, usual, _ = problem("w+")
    whole = run(objective, usual, plus=LAYERS)
    kept, count = [], [0]

    def stop(images):
        count[0] += 1
        if count[0] == steps:
            raise KeyboardInterrupt

    start = lambda: nearest_start(objective, usual, QUICK.starts, "w")  # noqa: E731
    with pytest.raises(KeyboardInterrupt):
        search(objective, start, ("w", LAYERS), QUICK, (stop, kept.append))
    again = run(objective, usual, plus=LAYERS, state=State.of(kept[-1]))
    assert (again.best == whole.best).all()
    assert (again.w == whole.w).all()


def test_the_nearest_of_the_random_starts_is_chosen(problem):
    objective, usual, _ = problem()
    mean, nearest = nearest_start(objective, usual, 8, "w")
    assert not mean.any()
    each = usual.whitened(usual.latents[:8])[:, None]
    with torch.no_grad():
        losses = objective(torch.from_numpy(each), "w").numpy()
    np.testing.assert_array_equal(nearest, each[losses.argmin()])


def test_a_generator_without_gradients_is_refused(problem):
    objective, _, _ = problem()
    real = objective.models.generator.synthesize
    objective.models.generator.synthesize = lambda *given: real(*given).detach()
    with pytest.raises(InputError, match="gives no gradients"):
        objective(torch.zeros(1, 1, W_DIM, requires_grad=True), "w")


def test_steps_are_parted_among_the_stages():
    assert stages(200, plus=True) == (20, 80, 80)
    assert stages(200, plus=False) == (20, 160, 0)
    assert all(min(stages(2, plus)[:2]) >= 1 for plus in (True, False))


def test_the_rate_rises_and_falls():
    rates = [scheduled(share) for share in np.linspace(0, 1, 101)]
    assert 0 < rates[0] < 0.1
    assert max(rates) > 0.99
    assert rates[-1] < 1e-3
    assert (np.diff(rates[6:]) < 0).all()
