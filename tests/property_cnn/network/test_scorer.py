"""The scorer: its file, its shapes, and that a row depends on its own image only."""

from __future__ import annotations

import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError, ScorerError
from property_cnn.common.files import load_tensors, save_tensors
from property_cnn.network.cnn import PropertyCNN
from property_cnn.network.layout import NetworkSettings
from property_cnn.network.scorer import Scorer, load_scorer, save_scorer
from property_cnn.network.shipped import scorer_metadata
from property_cnn.properties import PROPERTIES


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = PropertyCNN(NetworkSettings(resolution=32, width=4, features=6))
    network.score_mean.copy_(torch.arange(8.0))
    return network.eval()


@pytest.fixture
def images():
    return torch.rand(9, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_a_saved_scorer_reads_the_same(network, images, tmp_path):
    path = tmp_path / "scorer.safetensors"
    save_scorer(network, path, {"recipe": "by hand"})
    scorer = load_scorer(path, "cpu")
    assert scorer.properties == PROPERTIES
    with torch.inference_mode():
        expected = network(images)
    torch.testing.assert_close(scorer(images), expected, atol=5e-3, rtol=5e-3)
    assert scorer(images).dtype == torch.float32
    assert scorer.network.config == network.config
    assert torch.equal(scorer.network.score_mean, network.score_mean)
    tensors, metadata = load_tensors(path)
    assert scorer_metadata(path, metadata)["recipe"] == "by hand"
    assert tensors["branches.eyes.layers.0.weight"].dtype == torch.float16
    assert load_scorer(path, "cpu").digest == scorer.digest
    whole = path.read_bytes()
    save_scorer(network, path, {"recipe": "by hand"})
    assert path.read_bytes() == whole


def test_the_digest_names_the_weights(network):
    before = Scorer(network, "cpu").digest
    assert len(before) == 16
    network.score_std += 1
    assert Scorer(network, "cpu").digest != before


def test_a_row_does_not_depend_on_its_batch(network, images):
    whole = Scorer(network, "cpu")(images)
    alone = torch.cat([Scorer(network, "cpu")(image[None]) for image in images])
    torch.testing.assert_close(whole, alone, atol=1e-5, rtol=0)
    parts = Scorer(network, "cpu", batch_size=4)(images)
    torch.testing.assert_close(whole, parts, atol=1e-5, rtol=0)
    assert Scorer(network, "cpu")(images[:0]).shape == (0, 8)


def test_features_and_raw_scores(network, images):
    scorer = Scorer(network, "cpu")
    assert scorer.features(images).shape == (9, 7 * 6)
    scores = scorer(images)
    torch.testing.assert_close(scorer.denormalise(scores), scores + torch.arange(8.0))


def test_gradients_reach_the_images_through_the_network(network, images):
    images = images.requires_grad_()
    Scorer(network, "cpu").network(images).sum().backward()
    assert torch.count_nonzero(images.grad) > 0


@pytest.mark.parametrize("shape", [(3, 32, 32), (2, 1, 32, 32)])
def test_images_of_another_shape_are_refused(network, shape):
    with pytest.raises(ScorerError, match="images are"):
        Scorer(network, "cpu")(torch.zeros(shape))


def test_a_batch_size_below_one_is_refused(network):
    with pytest.raises(InputError):
        Scorer(network, "cpu", batch_size=0)


def test_missing_truncated_and_foreign_files_are_refused(network, tmp_path):
    path = tmp_path / "scorer.safetensors"
    with pytest.raises(CheckpointError, match="no file"):
        load_scorer(path)
    save_scorer(network, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="not a whole"):
        load_scorer(path)
    save_tensors(path, {"weight": torch.zeros(3)}, {"format": "generator"})
    with pytest.raises(CheckpointError, match="no scorer"):
        load_scorer(path)
    save_scorer(network, path)
    tensors, metadata = load_tensors(path)
    del tensors["score_mean"]
    save_tensors(path, tensors, metadata)
    with pytest.raises(CheckpointError, match="do not fit"):
        load_scorer(path)


def test_a_scorer_is_a_few_lines(network):
    scorer = Scorer(network, "cpu")
    text = repr(scorer)
    assert text.startswith(f"Scorer\n  properties  {scorer.properties[0]}, ")
    assert scorer.digest in text
    assert len(text) < 400
