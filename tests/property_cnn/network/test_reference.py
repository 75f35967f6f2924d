"""The reference's property CNN: its weights' names and shapes, and what its towers compute."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.network.layout import CROPS
from property_cnn.network.reference import ReferenceCNN, ReferenceSettings, reference_settings
from property_cnn.network.scorer import Scorer, load_scorer, network_of, save_scorer


@pytest.fixture
def network() -> ReferenceCNN:
    torch.manual_seed(0)
    return ReferenceCNN(ReferenceSettings(width=2, features=3)).eval().requires_grad_(False)


def test_weights_have_the_reference_s_names_and_sizes():
    with torch.device("meta"):
        state = ReferenceCNN().state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    assert shapes["eyes_score_cnn.conv1.0.weight"] == (32, 3, 3, 3)
    assert shapes["eyes_score_cnn.fc1.0.weight"] == (256, 128 * 14 * 4)
    assert shapes["mouth_score_cnn.fc1.0.weight"] == (256, 128 * 6 * 4)
    assert shapes["pose_score_cnn.fc1.0.weight"] == (256, 128 * 14 * 6)
    assert shapes["hair_color_score_cnn.fc1.0.weight"] == (256, 128 * 6 * 6)
    assert shapes["hair_length_score_cnn.fc1.0.weight"] == (256, 128 * 12 * 4)
    assert shapes["background_score_cnn.fc_final.weight"] == (2, 256)
    assert shapes["hairstyle_score_cnn.bottom_left_cnn.conv4.0.weight"] == (96, 64, 3, 3)
    assert shapes["hairstyle_score_cnn.fc1.0.weight"] == (512, 2 * 128 * 6 * 10)
    assert "score_mean" not in shapes


def test_a_tower_is_its_convolutions_written_out(network):
    images = torch.rand(2, 3, 256, 256, generator=torch.Generator().manual_seed(1)) * 2 - 1
    head = network.mouth_score_cnn
    x = images[:, :, 160:208, 96:160]
    assert torch.equal(x, CROPS["mouth"].of(images))

    def convolved(x, name):
        layer = getattr(head, name)[0]
        return F.leaky_relu(F.conv2d(x, layer.weight, layer.bias), 0.01)

    x = F.max_pool2d(convolved(convolved(x, "conv1"), "conv2"), 2)
    x = F.max_pool2d(convolved(x, "conv3"), 2)
    x = F.max_pool2d(convolved(x, "conv4"), 2).flatten(1)
    x = torch.tanh(x @ head.fc1[0].weight.T + head.fc1[0].bias)
    score = x @ head.fc_final.weight.T + head.fc_final.bias
    torch.testing.assert_close(network(images)[:, 3:4], score)


def test_images_of_other_sizes_are_scored(network):
    images = torch.full((2, 3, 64, 64), 0.3)
    large = torch.full((2, 3, 256, 256), 0.3)
    scores = network(images)
    assert scores.shape == (2, 8)
    torch.testing.assert_close(scores, network(large), rtol=1e-4, atol=1e-5)
    assert network.features(images).shape == (2, 8 * 3)
    assert torch.equal(network.denormalise(scores), scores)


def test_settings_are_told_by_the_weights(network):
    assert reference_settings(network.state_dict()) == network.config
    rebuilt = network_of(network.state_dict())
    assert rebuilt.config == network.config
    with pytest.raises(CheckpointError, match=r"eyes_score_cnn\.conv1"):
        reference_settings({})
    with pytest.raises(InputError, match="width is 0"):
        ReferenceSettings(width=0)


def test_missing_and_misshapen_weights_are_refused(network):
    state = network.state_dict()
    for change in ({"pose_score_cnn.fc1.0.bias": torch.ones(1)}, {"extra": torch.ones(1)}):
        with pytest.raises(CheckpointError, match="do not fit"):
            network_of({**state, **change})
    del state["pose_score_cnn.fc1.0.bias"]
    with pytest.raises(CheckpointError, match="do not fit"):
        network_of(state)


def test_it_is_saved_and_loaded_as_a_scorer(network, tmp_path):
    save_scorer(network, tmp_path / "s.safetensors", dtype=torch.float32)
    loaded = load_scorer(tmp_path / "s.safetensors", "cpu")
    assert isinstance(loaded.network, ReferenceCNN)
    assert loaded.digest == Scorer(network, "cpu").digest
