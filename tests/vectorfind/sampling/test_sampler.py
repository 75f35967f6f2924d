"""One pass samples latents, vectors and scores; bad scorers are told what they did."""

import numpy as np
import pytest
import torch

from property_cnn.common.errors import InputError, ScorerError
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.models.pair import Models
from vectorfind.sampling.sampler import read_all, sample


def test_scores_are_the_planted_ones(models, samples):
    truth = models.generator.truth("w")  # (8, 8)
    assert np.allclose(samples.scores, samples.latents["w"] @ truth.T, atol=1e-4)


def test_all_layers_come_from_one_mapping_of_each_block():
    generator = ToyGenerator()
    samples = sample(Models(generator, ToyScorer()), 600)
    assert generator.mapped == 4  # two shards of two blocks
    assert {name: latents.shape for name, latents in samples.latents.items()} == {
        "mapping_split1": (600, 16),
        "mapping_split2": (600, 16),
        "w": (600, 8),
    }


def test_batch_size_changes_no_latent_no_vector_and_scores_by_rounding(models):
    small, large = (sample(models, 300, 1, batch_size=size) for size in (7, 64))
    assert np.array_equal(small.z, large.z)
    assert np.array_equal(small.label, large.label)
    assert all(np.array_equal(small.latents[name], large.latents[name]) for name in small.latents)
    assert np.abs(small.scores - large.scores).max() < 1e-5


def test_a_repeated_run_gives_the_same_bytes(models):
    one, two = (sample(models, 300, 5) for _ in range(2))
    assert one.scores.tobytes() == two.scores.tobytes()
    assert one.latents["w"].tobytes() == two.latents["w"].tobytes()


def test_progress_counts_every_image(models):
    done = []
    sample(models, 600, batch_size=64, progress=done.append)
    assert done == [512, 88]


def test_rows_with_nan_are_unreadable_as_a_whole():
    def spoil(scores):
        scores[::4, 2] = torch.nan
        return scores

    samples = sample(Models(ToyGenerator(), ToyScorer(spoil)), 100, batch_size=100)
    assert samples.readable.sum() == 75
    assert np.isnan(samples.scores[::4]).all()
    assert np.isfinite(samples.scores[samples.readable]).all()


def test_half_may_be_unreadable_but_not_more():
    def spoiler(first):
        def spoil(scores):
            scores[:first] = torch.nan
            return scores

        return Models(ToyGenerator(), ToyScorer(spoil))

    assert sample(spoiler(50), 100, batch_size=100).readable.sum() == 50
    with pytest.raises(ScorerError, match="could not read 51 of 100 samples"):
        sample(spoiler(51), 100, batch_size=100)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda scores: scores[:, :3], r"gave shape \(64, 3\); expected \(64, 8\)"),
        (lambda scores: scores.T, r"gave shape \(8, 64\); expected \(64, 8\)"),
        (lambda scores: scores / torch.zeros(8), "infinities for eyes"),
        (lambda scores: None, "gave a NoneType|gave shape"),
        (lambda scores: ["none"] * 64, "gave a list; expected an array"),
    ],
)
def test_a_scorer_is_told_what_it_gave_and_what_is_expected(spoil, message):
    with pytest.raises(ScorerError, match=message):
        sample(Models(ToyGenerator(), ToyScorer(spoil)), 64)


def test_a_generator_that_breaks_its_word_is_told():
    class WrongLayers(ToyGenerator):
        layers = {"w": 9}  # noqa: RUF012

    class WrongImages(ToyGenerator):
        def synthesize(self, latents, layer):
            return super().synthesize(latents, layer)[:, :1]

    with pytest.raises(InputError, match=r"map gave .*'w': \(256, 8\)"):
        sample(Models(WrongLayers(), ToyScorer()), 10)
    with pytest.raises(InputError, match=r"shape \(64, 1, 8, 8\); expected \(64, 3, H, W\)"):
        sample(Models(WrongImages(), ToyScorer()), 10)


def test_scores_may_be_numpy_or_half_precision():
    full = sample(Models(ToyGenerator(), ToyScorer()), 20)
    array = sample(Models(ToyGenerator(), ToyScorer(lambda s: s.numpy().astype(np.float64))), 20)
    half = sample(Models(ToyGenerator(), ToyScorer(lambda s: s.bfloat16())), 20)
    assert np.array_equal(full.scores, array.scores)
    assert half.scores.dtype == np.float32


def test_a_batch_that_a_gpu_does_not_hold_is_halved(models):
    class Small(ToyGenerator):
        sizes = []  # noqa: RUF012

        def synthesize(self, latents, layer):
            self.sizes.append(len(latents))
            if len(latents) > 20:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().synthesize(latents, layer)

    vectors = np.random.default_rng(0).normal(size=(70, 8)).astype(np.float32)
    scores = read_all(Models(Small(), ToyScorer()), vectors, "w", 64)
    assert np.array_equal(scores, read_all(models, vectors, "w", 16))
    assert Small.sizes == [64, 32, 16, 16, 16, 16, 6]
