"""Curved edits and edits to targets, on scores that bend, against their closed forms."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

import vectorfind
from property_cnn.common.errors import InputError
from property_cnn.properties import PROPERTIES
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.config import DecoupledSettings
from vectorfind.directions.courses import Course
from vectorfind.models.pair import Models

EYES, MOUTH = PROPERTIES.index("eyes"), PROPERTIES.index("mouth")


def bent(scores):
    """Eyes saturate; a closed mouth, below -1, cannot close further."""
    made = scores.clone()
    made[:, EYES] = 3 * torch.tanh(scores[:, EYES] / 3) + 0.1 * scores[:, MOUTH]
    made[:, MOUTH] = scores[:, MOUTH].clamp(min=-1)
    return made


def found(**options):
    return vectorfind.find_directions(
        1500, "w", "decoupled", generator=ToyGenerator(), scorer=ToyScorer(bent), group_by=(),
        units="sigma", properties=("eyes", "mouth"), workers=1, quiet=True, **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def directions():
    return found()


@pytest.fixture(scope="module")
def faces():
    rng = np.random.default_rng(3)
    return tuple(rng.standard_normal((12, k)).astype(np.float32) for k in (14, 2))


def test_targets_are_reached_where_a_straight_step_misses(directions, faces):
    before = directions.models.score(directions.edit(*faces))
    std = directions.score_std[EYES]
    misses = []
    for options in ({}, {"target": True, "steps": 6}):
        after = directions.models.score(directions.edit(*faces, eyes=0.8, **options))
        misses.append(np.abs((after - before)[:, EYES] / std - 0.8))
        assert np.abs((after - before)[:, MOUTH]).max() < 0.1
    assert misses[0].max() > 0.1
    assert np.median(misses[1]) < 1e-3  # eyes near the end of what tanh gives take more steps
    assert misses[1].max() < 0.5 * misses[0].max()


def test_a_closed_mouth_cannot_close_and_is_told(directions, faces):
    driven = directions.drive(*faces, mouth=-1.5, steps=5)
    own = directions.models.score(directions.edit(*faces))[:, MOUTH]
    std = directions.score_std[MOUTH]
    beyond = own - 1.5 * std < -1 - 0.25 * std
    assert 0 < beyond.sum() < len(own)
    assert (driven.missed[:, 1] == beyond).all()
    np.testing.assert_allclose(driven.reached[:, 1], np.maximum(own - 1.5 * std, -1), atol=0.05)
    assert not driven.missed[:, 0].any()
    for edit in (partial(directions.edit, *faces), directions.at(*faces).edit):
        told = rf"targets not reached: mouth in {beyond.sum()} of 12"
        with pytest.warns(UserWarning, match=told) as warned:
            edit(mouth=-1.5, target=True, steps=5)
        assert warned[0].filename == __file__  # the caller's line, not the library's


def test_the_way_to_a_target_is_bounded(directions, faces):
    driven = directions.drive(*faces, mouth=-1.5, steps=20)
    latents = directions.models.map(*faces)["w"].numpy()
    step = np.linalg.norm(directions.vectors(latents, np.full(12, "all"))[:, 1], axis=1)
    assert (np.linalg.norm(driven.latents - latents, axis=1) <= 2.001 * 1.5 * step + 0.1).all()


def test_a_curve_is_followed():
    """On a field that turns about the origin, a curved edit stays on its circle."""

    def turning(latents, groups):
        return np.stack([-latents[:, 1], latents[:, 0]], axis=1)[:, None]

    reach = np.array([1.0])
    course = Course(turning, 400, False, None, "w", np.array([0]), reach, -reach, reach, 8)
    start = np.array([[1.0, 0.0], [0.0, 2.0]], np.float32)
    ended = course.moved(start, np.full(2, "all"), np.full((2, 1), np.pi / 2))
    np.testing.assert_allclose(ended, [[0, 1], [-2, 0]], atol=0.01)
    grid = course.moved_grid(start, np.full(2, "all"), np.array([[0.0], [np.pi / 2]]))
    np.testing.assert_allclose(grid[:, 0], start)
    np.testing.assert_allclose(grid[:, 1], ended)


def test_an_image_that_cannot_be_read_ends_its_way_and_counts_as_missed(faces):
    def spoil(scores):
        return torch.where(scores[:, [EYES]] > 2.0, torch.nan, scores)

    plain = found(decoupled=DecoupledSettings(damping=0.0))
    blind = replace(plain, models=Models(ToyGenerator(), ToyScorer(spoil)))
    driven = blind.drive(*faces, eyes=1.9, steps=4)
    assert np.isfinite(driven.latents).all()
    assert driven.missed[:, 0].any()
    read = ~np.isnan(driven.reached).any(axis=1)
    assert (driven.reached[read, 0] <= 2.0).all()


def test_the_test_takes_targets_as_any_method(directions):
    strengths = {"eyes": (-0.8, 0.0, 0.8), "mouth": (0.0, 0.5)}
    straight, driven = (
        vectorfind.evaluate(directions, 12, seed=2, strengths=strengths, quiet=True, **options)
        for options in ({}, {"target": True, "steps": 4})
    )
    assert (straight.z == driven.z).all()
    off = [np.abs(each.measured.slopes[:, 0, EYES] - 1) for each in (straight, driven)]
    assert np.median(off[1]) < 0.3 * np.median(off[0])
    np.testing.assert_array_equal(driven.control.scores, straight.control.scores)


def test_targets_need_units_and_steps_have_bounds(directions, faces):
    raw = vectorfind.find_directions(
        300, "w", generator=ToyGenerator(), scorer=ToyScorer(), group_by=(), workers=1, quiet=True
    )
    with pytest.raises(InputError, match="need strengths in standard deviations"):
        raw.edit(*faces, eyes=1.0, target=True)
    with pytest.raises(InputError, match="need strengths in standard deviations"):
        vectorfind.evaluate(raw, cases=2, target=True, quiet=True)
    with pytest.raises(InputError, match="steps"):
        directions.edit(*faces, eyes=1.0, steps=0)
    same = raw.edit(*faces, eyes=1.0, steps=5)  # along a line steps change nothing
    assert torch.equal(same, raw.edit(*faces, eyes=1.0))


def test_targets_in_the_scorers_units(directions, faces):
    own = directions.models.score(directions.edit(*faces))
    before = own[:, [EYES, MOUTH]].copy()
    step = 0.5 * directions.score_std[EYES]
    driven = directions.drive(*faces, steps=8, by={"eyes": step}, to={"mouth": 0.5})
    there = ~driven.missed.any(axis=1)
    assert there.sum() > len(there) / 2
    aimed = np.stack([before[:, 0] + step, np.full(len(before), 0.5)], axis=1)
    np.testing.assert_allclose(driven.reached[there], aimed[there], atol=0.05)
    with pytest.raises(InputError, match="eyes has two targets; give one"):
        directions.drive(*faces, by={"eyes": 1.0}, eyes=0.5)
    with pytest.raises(InputError, match="property to edit"):
        directions.drive(*faces, to={"nose": 1.0})


def test_scores_that_shall_stay_are_held_against_leaks(directions, faces):
    """Along directions that are not decoupled: eyes' here takes half of the mouth's along."""

    def leaky(latents, groups):
        vectors = directions.vectors(latents, groups)
        return np.stack([vectors[:, 0] + 0.5 * vectors[:, 1], vectors[:, 1]], axis=1)

    course = replace(directions.course(6, True), vectors_at=leaky)
    latents = directions.models.map(*faces)["w"].numpy()
    groups = np.full(len(latents), "all")
    own = directions.models.score(directions.edit(*faces))[:, MOUTH]
    free = own > -0.9  # where the mouth is not at its floor
    asked = np.tile(np.float32([0.6, 0.0]), (len(latents), 1))
    held = np.abs(course.driven(latents, groups, asked).reached[:, 1] - own)[free]
    let = replace(course, steps=1).driven(latents, groups, asked).reached[:, 1]
    assert np.median(held) < 0.1 * np.median(np.abs(let - own)[free])
