"""Attribute dependency: pairs that differ in one property, planted leaks found at equal change."""

import numpy as np
import pytest

from reports import columns as c
from tests.vectorfind.run_files import PROPERTIES
from vectorfind.config import EvaluateSettings
from vectorfind.directions.edits import strength_grid
from vectorfind.evaluation.dependency import (
    dependencies,
    dependency_curve,
    single_pairs,
)
from vectorfind.evaluation.design import design_of
from vectorfind.evaluation.image_test import completed, run_cases


def test_pairs_of_a_full_grid_start_from_the_strength_nearest_to_0():
    grid = strength_grid({"eyes": (-1.2, 1.2), "mouth": (-1, 0, 1)})
    eyes, mouth = single_pairs(grid)
    pairs = [tuple(map(tuple, np.append(grid, [[0, 0]], axis=0)[pair])) for pair in eyes]
    low, high = np.float32(-1.2), np.float32(1.2)
    assert ((high, -1), (low, -1)) in pairs
    assert ((low, 0), (0, 0)) in pairs  # the unedited image stands between them
    assert len(pairs) == 1 + 2 + 1
    assert all(grid[low, 1] == 0 for _, low in mouth)
    assert len(mouth) == 4


def test_a_design_with_sweeps_compares_them_with_the_unedited_image():
    design = design_of({name: (-1.0, 0.0, 2.0) for name in "abcd"}, 40)
    for column, pairs in enumerate(single_pairs(design.strengths, design.crossed)):
        assert (pairs[:, 1] == len(design.strengths)).all()
        moved = design.strengths[pairs[:, 0]]
        assert sorted(moved[:, column]) == [-1, 2]
        assert not np.delete(moved, column, axis=1).any()


def test_planted_leaks_are_found_at_every_change():
    grid = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    effects = np.array([1.0, 0.2, -0.4])  # the own score, and two others
    base = np.random.default_rng(0).standard_normal((5, 3))
    edited = base[:, None] + grid * effects
    edited[0, 3] = np.nan
    sizes = dependencies(single_pairs(grid)[0], base, edited, 0, [1, 2])
    curve = dependency_curve(*sizes, resamples=50).set_index(c.CHANGE_FROM)
    assert list(curve[c.CHANGE]) == pytest.approx([1, 2])
    assert list(curve[c.MEAN_DEPENDENCY]) == pytest.approx([0.3, 0.6])
    assert list(curve[c.MAX_DEPENDENCY]) == pytest.approx([0.4, 0.8])
    assert list(curve[c.PAIRS]) == [10, 9]
    assert (curve["mean_dependency_low"] <= curve[c.MEAN_DEPENDENCY] + 1e-9).all()


def test_the_table_of_a_test(found):
    directions = found()
    settings = EvaluateSettings(cases=4, control_cases=0, bootstrap=50)
    evaluation = run_cases(directions, completed(settings, directions))
    table = evaluation.dependency()
    assert tuple(table.columns) == (c.JUDGE, c.PROPERTY, *c.DEPENDENCY_COLUMNS)
    assert list(dict.fromkeys(table[c.PROPERTY])) == list(PROPERTIES)
    assert (table[c.MEAN_DEPENDENCY] < 0.3 * table[c.CHANGE]).all()  # planted: hardly any leaks
