"""Blocks of cases: kept and found again, never taken for another test's, repaired."""

import numpy as np
import pytest

from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.evaluation.cases import case_scores
from vectorfind.models.pair import Models


@pytest.fixture(scope="module")
def inputs():
    rng = np.random.default_rng(0)
    latents, vectors, grid = (rng.standard_normal(s) for s in ((40, 8), (40, 3, 8), (5, 3)))
    return tuple(array.astype(np.float32) for array in (latents, vectors, grid))


class Counting(ToyScorer):
    def __init__(self):
        super().__init__()
        self.images = 0

    def __call__(self, images):
        self.images += len(images)
        return super().__call__(images)


def scored(inputs, folder=None, **changes):
    scorer = Counting()
    latents, vectors, grid = inputs
    options = {"batch_size": 16, "workers": 1, "folder": folder} | changes
    models = Models(ToyGenerator(), scorer)
    return case_scores(models, latents, vectors, grid, "w", **options), scorer.images


def test_scores_are_those_of_the_moved_vectors(inputs, models):
    latents, vectors, grid = inputs
    done = []
    scores, images = scored(inputs, progress=done.append)
    moved = latents[:, None] + np.einsum("sp,cpd->csd", grid, vectors)
    assert np.allclose(scores, moved @ models.generator.truth("w").T, atol=1e-4)
    assert (images, sum(done)) == (200, 200)


def test_finished_blocks_are_not_made_again(inputs, tmp_path):
    first, _ = scored(inputs, tmp_path)
    sorted(tmp_path.glob("*.npz"))[1].unlink()
    again, images = scored(inputs, tmp_path)
    assert images in (5 * 16, 5 * 8)
    assert again.tobytes() == first.tobytes()


def test_a_damaged_block_is_made_again(inputs, tmp_path):
    first, _ = scored(inputs, tmp_path)
    for path in tmp_path.glob("*.npz"):
        content = bytearray(path.read_bytes())
        content[-300] ^= 1
        path.write_bytes(bytes(content))
    again, images = scored(inputs, tmp_path)
    assert images == 200
    assert again.tobytes() == first.tobytes()


def test_another_tests_blocks_are_not_taken(inputs, tmp_path):
    scored(inputs, tmp_path)
    latents, vectors, grid = inputs
    assert scored((latents, vectors, grid + 1), tmp_path)[1] == 200
    assert scored((latents, -vectors, grid), tmp_path)[1] == 200


def test_workers_change_no_byte(inputs):
    assert scored(inputs, workers=3)[0].tobytes() == scored(inputs)[0].tobytes()


def test_networks_without_a_digest_keep_nothing(inputs, tmp_path):
    generator = ToyGenerator()
    generator.digest = ""
    latents, vectors, grid = inputs
    case_scores(Models(generator, ToyScorer()), latents, vectors, grid, "w", 16, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
