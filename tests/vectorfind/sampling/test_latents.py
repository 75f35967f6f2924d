"""Latents are addressed by index: neither count nor batch size changes them."""

import numpy as np
import torch

from property_cnn.common.streams import SAMPLES
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.models.pair import Models
from vectorfind.sampling.latents import BLOCK, latent_block, mapped_latents


def test_a_smaller_count_is_a_prefix_of_a_larger(models):
    few = mapped_latents(models, 3, SAMPLES, 300)
    many = mapped_latents(models, 3, SAMPLES, 700)
    for small, large in zip(few[:2], many[:2], strict=True):
        assert np.array_equal(small, large[:300])
    for layer, vectors in few[2].items():
        assert np.array_equal(vectors, many[2][layer][:300])


def test_latents_are_standard_normal_and_of_the_generators_sizes():
    z, label = latent_block(0, SAMPLES, 0, 500, 20)
    assert z.shape == (BLOCK, 500)
    assert label.shape == (BLOCK, 20)
    assert abs(z.mean()) < 0.02
    assert abs(z.std() - 1) < 0.02


def test_seeds_streams_and_blocks_give_other_latents():
    drawn = [latent_block(*key, 4, 0)[0] for key in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]]
    for index, one in enumerate(drawn):
        assert all(not np.array_equal(one, other) for other in drawn[index + 1 :])


def test_only_the_layers_asked_for_are_kept(models):
    assert list(mapped_latents(models, 0, SAMPLES, 5, ("w",))[2]) == ["w"]
    assert mapped_latents(models, 0, SAMPLES, 5, ())[2] == {}


def test_labels_of_classes_name_one_each_and_every_class_as_often():
    generator = ToyGenerator()
    plain = mapped_latents(Models(generator, ToyScorer()), 0, SAMPLES, 1000)
    generator.one_hot_labels = True
    z, label, latents = mapped_latents(Models(generator, ToyScorer()), 0, SAMPLES, 1000)
    assert np.array_equal(z, plain[0])
    assert np.array_equal(np.sort(label, axis=1), np.tile([0.0, 1.0], (1000, 1)))
    assert abs(label.mean(axis=0) - 0.5).max() < 0.05
    again = generator.map(*(torch.from_numpy(array) for array in (z, label)))["w"].numpy()
    assert np.allclose(latents["w"], again, atol=1e-6)
