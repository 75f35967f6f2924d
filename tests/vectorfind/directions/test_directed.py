"""Faces whose directions are found once: the same images as of separate edits, for less."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from property_cnn.common.errors import InputError
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.models.pair import Models


class CountingScorer(ToyScorer):
    """Notes how many images it read, and on how many threads."""

    def __init__(self):
        super().__init__()
        self.read, self.threads = 0, set()

    def __call__(self, images):
        self.read += len(images)
        self.threads.add(torch.get_num_threads())
        return super().__call__(images)


@pytest.fixture
def directions(found):
    return replace(found(), models=Models(ToyGenerator(), CountingScorer()))


@pytest.fixture
def latents():
    rng = np.random.default_rng(0)
    return tuple(rng.standard_normal((5, size), dtype=np.float32) for size in (14, 2))


EDITS = ({}, {"eyes": 1.2}, {"mouth": np.linspace(-1, 1, 5)}, {"eyes": 0.3, "pose": -0.4})


def test_edits_are_those_of_separate_calls_to_the_byte(directions, latents):
    faces = directions.at(*latents)
    for edit in EDITS:
        assert torch.equal(faces.edit(**edit), directions.edit(*latents, **edit))
    grid = np.array([[0.0, 1.0, -1.0], [0.5, 0.5, 0.5]])
    assert torch.equal(faces.edit_grid(grid), directions.edit_grid(*latents, grid))
    assert len(faces) == 5


def test_faces_are_mapped_and_scored_once(directions, latents):
    generator, scorer = directions.models.generator, directions.models.scorer
    faces = directions.at(*latents)
    assert (generator.mapped, scorer.read) == (0, 0)  # found when needed
    faces.edit()
    assert (generator.mapped, scorer.read) == (1, 0)  # unedited faces need no direction
    for strength in (-1.0, 1.0, 2.0):
        faces.edit(eyes=strength)
    assert (generator.mapped, scorer.read) == (1, 5)
    assert faces.vectors.shape == (5, 3, 16)
    assert np.array_equal(faces.groups, directions.group_of(scorer(faces.edit()).numpy()))


def test_edits_compute_on_one_thread_and_give_the_others_back(directions, latents):
    torch.set_num_threads(3)
    directions.edit(*latents, eyes=1.0)
    directions.edit_grid(*latents, np.ones((2, 3)))
    assert directions.models.scorer.threads == {1}
    assert torch.get_num_threads() == 3


def test_wrong_edits_are_refused_before_anything_is_made(directions, latents):
    faces = directions.at(*latents)
    with pytest.raises(InputError, match="nose"):
        faces.edit(nose=1.0)
    with pytest.raises(InputError, match="strength of eyes"):
        faces.edit(eyes=np.ones(4))
    with pytest.raises(InputError, match="z has shape"):
        directions.at(latents[0][:, :3], latents[1])
    assert directions.models.generator.mapped == 0
