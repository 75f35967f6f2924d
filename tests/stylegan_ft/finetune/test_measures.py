"""What a row of the log measures."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from property_cnn.properties import CONTROLLED, LABELS
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.finetune.measures import (
    concept_means,
    label_agreement,
    label_probe,
    sample_spread,
    start_difference,
)
from stylegan_ft.finetune.start import with_labels
from tests.stylegan_ft.tiny_runs import CONFIG, base_network


def test_the_label_grid_has_every_combination_on_the_same_latents():
    probe = label_probe(4, seed=0)
    assert probe.z.shape == (80, 4)
    assert probe.label.shape == (80, 3)
    assert len({tuple(row) for row in probe.label.tolist()}) == 8
    assert torch.equal(probe.z[:10], probe.z[70:])
    assert set(probe.label[:, 2].tolist()) == {torch.tensor(-1.2).item(), torch.tensor(2.4).item()}


def test_agreement_in_closed_form():
    intended = torch.tensor([[-1.0, 0.0], [1.0, 2.0]])
    scores = torch.tensor([[-2.0, 2.0], [0.0, 0.0]])
    assert label_agreement(intended, scores) == [1.0, -1.0, 1.0, 2.0]


def test_constant_scores_have_no_corr_coef():
    corr, mae = label_agreement(torch.tensor([[-1.0], [1.0]]), torch.zeros(2, 1))
    assert math.isnan(corr)
    assert mae == 1.0


def test_concept_means_average_over_images():
    images = torch.tensor([0.2, 0.4]).reshape(2, 1, 1, 1).expand(2, 3, 2, 2)
    found = concept_means(images, lambda x: x[:, :1, 0, 0].repeat(1, 4))
    assert all(abs(value - 0.3) < 1e-6 for value in found)
    assert len(found) == 4


def test_spread_is_zero_for_equal_images():
    image = torch.rand(1, 3, 4, 4)
    assert sample_spread(image.expand(5, -1, -1, -1)) < 1e-6
    assert sample_spread(torch.rand(5, 3, 4, 4)) > 0.1


def test_a_start_without_change_differs_by_nothing():
    difference, spread = start_difference(base_network(), base_network(), None, seed=0)
    assert difference == 0
    assert spread > 0.1


@pytest.mark.parametrize("labelled", [False, True])
def test_a_start_with_labels_differs_a_little(labelled):
    config = replace(CONFIG, z_dim=256)
    if labelled:
        config = replace(config, label_dim=len(LABELS), label_embedding=4)
    base = GeneratorNetwork(config, seed=0).eval().requires_grad_(False)
    network = with_labels(base, CONTROLLED, seed=0)
    difference, spread = start_difference(base, network, CONTROLLED, seed=0)
    # rows that are kept give the same images, to rounding; new ones nearly
    assert difference < (1e-4 if labelled else 0.3) * spread
    assert labelled or difference > 0
