"""Edits: the grid's order, vectors moved by their strengths, cases whole in a batch."""

import numpy as np

from property_cnn.common.streams import CASES
from tests.vectorfind.conftest import ToyScorer
from vectorfind.directions.edits import CaseEdits, edited, edited_grid, grid_scores, strength_grid
from vectorfind.methods.registry import default_strengths
from vectorfind.models.pair import Models
from vectorfind.sampling.latents import mapped_latents


def test_the_grid_has_fifty_points_and_the_first_property_is_the_slowest():
    grid = strength_grid(default_strengths("svm", ("eyes", "mouth", "pose")))
    assert grid.shape == (50, 3)
    assert np.allclose(grid[0], [-1.2, -1.8, -1.8])
    assert np.allclose(grid[1], [-1.2, -1.8, -1.2])
    assert np.allclose(grid[5], [-1.2, -0.9, -1.8])
    assert np.allclose(grid[25], [1.2, -1.8, -1.8])
    assert len({tuple(row) for row in grid}) == 50


def test_vectors_move_along_their_own_directions():
    latents = np.zeros((2, 3), np.float32)
    vectors = np.stack([np.eye(3)[:2], np.eye(3)[1:]]).astype(np.float32)  # (2, 2, 3)
    moved = edited(latents, vectors, np.array([[1, 2], [3, 4]], np.float32))
    assert moved.tolist() == [[1, 2, 0], [0, 3, 4]]
    grid = np.array([[1, 2], [0, 0], [3, 4]], np.float32)
    assert edited_grid(latents, vectors, grid)[0].tolist() == [[1, 2, 0], [0, 0, 0], [3, 4, 0]]


class Counting(ToyScorer):
    def __init__(self):
        super().__init__()
        self.batches = []

    def __call__(self, images):
        self.batches.append(len(images))
        return super().__call__(images)


def test_a_cases_images_are_in_one_batch_and_batches_change_nothing(models):
    _, _, latents = mapped_latents(models, 0, CASES, 5)
    vectors = np.repeat(models.generator.truth("w")[None, :3], 5, axis=0)
    grid = strength_grid({"a": (-1, 1), "b": (0, 1), "c": (0, 1)})  # 8 edits
    answers = {}
    for batch_size, expected in [(7, [8] * 5), (20, [16, 16, 8]), (64, [40])]:
        scorer = Counting()
        both = Models(models.generator, scorer)
        edits = CaseEdits(both, latents["w"], vectors, grid, "w", batch_size)
        answers[batch_size] = grid_scores(edits)
        assert scorer.batches == expected
    assert answers[7].shape == (5, 8, 8)
    assert np.abs(answers[7] - answers[64]).max() < 1e-5
