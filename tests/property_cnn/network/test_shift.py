"""The shift of features: none at home, a known one for a known move, told of foreign images."""

import math

import pytest
import torch
from torch import nn

from property_cnn.network.scorer import load_scorer
from property_cnn.network.shift import FOREIGN, feature_shift
from stylegan_ft.generator import load_generator


def test_a_planted_move_of_the_mean_is_found_without_bias():
    network = nn.Sequential(nn.BatchNorm1d(3)).eval()
    network[0].running_mean.copy_(torch.tensor([1.0, 0.0, -1.0]))
    network[0].running_var.copy_(torch.tensor([4.0, 1.0, 1.0]))
    random = torch.Generator().manual_seed(0)
    shifts = []
    for _ in range(300):
        home = torch.randn(16, 3, generator=random) * torch.tensor([2.0, 1, 1])
        shifts.append(feature_shift(network, home + torch.tensor([1.0, 0, -1])))
    assert abs(sum(shifts) / len(shifts)) < 0.01
    moved = torch.randn(4096, 3, generator=random) * torch.tensor([2.0, 1, 1])
    moved += torch.tensor([1.0 + 2 * 0.6, 0, -1])
    assert feature_shift(network, moved) == pytest.approx(0.36 / 3, rel=0.15)


def test_a_network_without_batch_normalisation_cannot_tell():
    assert math.isnan(feature_shift(nn.Flatten(), torch.zeros(2, 3, 4, 4)))


def test_the_shipped_scorer_knows_its_own_faces_from_noise():
    scorer, generator = load_scorer(device="cpu"), load_generator("base", "cpu")
    random = torch.Generator().manual_seed(1)
    z = torch.randn(16, generator.z_dim, generator=random)
    label = torch.rand(16, generator.label_dim, generator=random)
    with torch.inference_mode():
        faces = generator.synthesize(generator.map(z, label)["w"], "w")
    assert scorer.feature_shift(faces) < FOREIGN
    assert scorer.feature_shift(torch.randn(16, 3, 64, 64, generator=random)) > 10 * FOREIGN
