"""Designs of a test's edits: the full grid while it is small, else spread points and sweeps."""

from dataclasses import replace

import numpy as np
import pytest

from property_cnn.common.errors import InputError
from tests.vectorfind.conftest import SETTINGS
from vectorfind.config import EvaluateSettings
from vectorfind.directions.edits import strength_grid
from vectorfind.evaluation.design import design_of, design_sizes, largest_correlation
from vectorfind.evaluation.image_test import completed, image_count, run_cases
from vectorfind.evaluation.statistics import case_correlations, case_slopes
from vectorfind.pipeline import fit_samples

THREE = {"eyes": (-1.2, 1.2), "mouth": (-1.8, -0.9, 0, 0.9, 1.8), "pose": (-1.2, -0.6, 0, 0.6)}
EIGHT = THREE | {name: (-1.2, 0.0, 1.2) for name in "abcde"}


def test_up_to_three_properties_make_the_full_grid():
    design = design_of(THREE)
    assert design.full
    assert design.crossed == 40
    assert np.array_equal(design.strengths, strength_grid(THREE))


def test_eight_properties_make_points_and_sweeps():
    design = design_of(EIGHT, seed=3)
    assert not design.full
    assert design_sizes(EIGHT, None) == (64, 19) == (design.crossed, len(design.strengths) - 64)
    points, sweeps = design.strengths[:64], design.strengths[64:]
    assert largest_correlation(points) < 0.06
    for column, values in zip(points.T, EIGHT.values(), strict=True):
        found, counts = np.unique(column, return_counts=True)
        assert np.allclose(found, values)
        assert counts.max() - counts.min() <= 4
    assert ((sweeps != 0).sum(axis=1) == 1).all()
    assert (design_of(EIGHT, seed=3).strengths == design.strengths).all()
    assert (design_of(EIGHT, seed=4).strengths != design.strengths).any()


def test_points_tell_what_the_full_grid_tells():
    strengths = {name: (-1.0, 0.0, 1.0) for name in "abcdef"}
    rng = np.random.default_rng(0)
    effects = np.eye(6) + 0.15 * rng.standard_normal((40, 6, 6))
    squares, products = 0.2 * rng.standard_normal((2, 40, 6, 6))

    def scores(grid):
        mixed = grid * np.roll(grid, 1, axis=1)
        parts = ((effects, grid), (squares, grid**2), (products, mixed))
        return sum(np.einsum("cap,sp->csa", effect, each) for effect, each in parts)

    full, design = strength_grid(strengths), design_of(strengths)
    points = design.strengths[: design.crossed]
    whole, part = (case_correlations(grid, scores(grid)).mean(axis=0) for grid in (full, points))
    assert np.abs(whole - part).max() < 0.03
    slopes = case_slopes(points, scores(points), np.ones(6))
    assert np.abs(slopes - effects.swapaxes(1, 2)).max() < 1e-6  # squares and products do not enter


def test_sizes_are_bounded_and_too_few_edits_refused():
    assert design_sizes(THREE, 30) == (20, 8 + 2 - 1)
    assert design_sizes(THREE, 40) == (40, 0)
    assert design_sizes({name: (-1.0, 1.0) for name in "abcd"}, None) == (16, 0)
    many = {f"p{index}": (-1.0, 0.0, 1.0) for index in range(64)}
    assert design_sizes(many, None) == (256, 128)
    more = dict([*many.items()][:17])  # than suit 64 points; the exchanges of all 64 take a minute
    design = design_of(more)
    assert (design.crossed, len(design.strengths)) == (128, 128 + 34)
    assert np.linalg.matrix_rank(design.strengths[:128]) == 17
    with pytest.raises(InputError, match="give 17 or more"):
        design_sizes(THREE, 12)


def test_a_test_of_many_properties(models, samples):
    names = ("eyes", "mouth", "pose", "hair_color", "background_mean")
    settings = replace(SETTINGS, properties=names, group_by=())
    directions = fit_samples(models, samples, settings)
    test = completed(EvaluateSettings(cases=4, control_cases=0, bootstrap=50), directions)
    evaluation = run_cases(directions, test)
    edits = len(evaluation.strengths)
    assert evaluation.crossed == 64
    assert edits == 64 + 2 + 4 + 4 + 2 + 2
    assert evaluation.measured.scores.shape == (4, edits, 8)
    assert image_count(test) == 4 + 4 * edits
    assert (evaluation.measured.correlation.mean > 0.8).all()
