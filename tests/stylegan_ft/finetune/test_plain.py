"""The plain base."""

from __future__ import annotations

from dataclasses import replace

import torch

from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.finetune.plain import hidden_labels, plain_generator
from stylegan_ft.finetune.settings import PlainSettings
from tests.stylegan_ft.tiny_runs import CONFIG


def test_hidden_labels_are_independent_standard_normals():
    z = torch.randn(20_000, 16, generator=torch.Generator().manual_seed(0))
    labels = hidden_labels(z, 3, seed=1)
    covariance = torch.cov(labels.T)
    torch.testing.assert_close(covariance, torch.eye(3), atol=0.05, rtol=0)


def test_a_plain_generator_learns_the_w_of_its_teacher():
    config = replace(CONFIG, label_dim=7, label_embedding=4, split=True, z_dim=16, hidden_dim=32)
    teacher = GeneratorNetwork(config, seed=0)
    before = {key: value.clone() for key, value in teacher.state_dict().items()}
    settings = PlainSettings(steps=300, batch_size=64, lr=5e-3)
    network, missed = plain_generator(teacher, settings, log=lambda line: None)
    _, untrained = plain_generator(teacher, replace(settings, steps=1), log=lambda line: None)
    assert not network.config.split
    assert network.config.label_dim == 0
    assert missed < 0.5 * untrained
    assert all(torch.equal(teacher.state_dict()[key], value) for key, value in before.items())
    kept = network.synthesis.state_dict()
    assert all(torch.equal(kept[k], value) for k, value in teacher.synthesis.state_dict().items())


def test_the_same_seed_gives_the_same_weights():
    teacher = GeneratorNetwork(replace(CONFIG, split=True), seed=0)
    settings = PlainSettings(steps=3, batch_size=8)
    first, _ = plain_generator(teacher, settings, log=lambda line: None)
    second, _ = plain_generator(teacher, settings, log=lambda line: None)
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    assert all(torch.equal(one, two) for one, two in pairs)
