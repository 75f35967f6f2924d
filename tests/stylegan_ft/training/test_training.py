"""Warm-up, pretraining and adversarial training: they learn, resume to the byte and log it."""

import csv
import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.faces import ATTRIBUTES
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork, set_w_average
from stylegan_ft.architectures.stylegan1.settings import GeneratorConfig
from stylegan_ft.training.adversarial import TrainSettings, train
from stylegan_ft.training.loop import TrainingLog, follow, settled
from stylegan_ft.training.measures import auroc
from stylegan_ft.training.population import LABEL_ATTRIBUTES, population_attributes
from stylegan_ft.training.pretraining import (
    PretrainSettings,
    feature_weights,
    learning_rate,
    level_of_detail,
    pretrain,
    regression_losses,
    warm_mapping,
)
from stylegan_ft.training.rescale import LAYER_NORM, rescale_layers
from stylegan_ft.training.samples import fixed_latents, fixed_samples, image_grid, save_grid

TINY = GeneratorConfig(
    resolution=16, z_dim=64, channels=(8, 8, 8), hidden_dim=16, wide_dim=24, w_dim=16
)
SHORT = PretrainSettings(
    images=(16, 16, 32), warmup_steps=4, batch_size=4, checkpoint_every=3, log_every=1
)
FIGHT = TrainSettings(
    images=48,
    batch_size=4,
    d_channels=(8, 8, 8),
    warm_discriminator=2,
    checkpoint_every=4,
    log_every=1,
    grid_every=6,
)


def quiet(message: str) -> None:
    pass


def equal(one: torch.nn.Module, two: torch.nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def rows(path) -> list[list[str]]:
    with open(path, newline="") as file:
        return [row[:-1] for row in csv.reader(file)]  # the last column is seconds


def test_population_is_standard_and_labels_move_their_attribute():
    rng = torch.Generator().manual_seed(0)
    z, label = torch.randn(2000, 64, generator=rng), torch.randn(2000, 7, generator=rng)
    attributes = population_attributes(z, label)
    for k, name in enumerate(LABEL_ATTRIBUTES):
        column = attributes[:, ATTRIBUTES.index(name)]
        assert float(torch.corrcoef(torch.stack([column, label[:, k]]))[0, 1]) > 0.35
        assert abs(float(attributes[:, ATTRIBUTES.index(name)].mean())) < 0.1
    assert int((attributes[:, ATTRIBUTES.index("noise")] != -2.5).sum()) == 0


def test_population_does_not_change_its_inputs():
    z, label = torch.ones(2, 64), torch.ones(2, 7)
    population_attributes(z, label)
    assert torch.equal(z, torch.ones(2, 64))


def test_warm_up_teaches_the_mapping_and_leaves_synthesis_alone():
    config = dataclasses.replace(TINY, hidden_dim=64, w_dim=64, mapping_layers=4)
    network, before = GeneratorNetwork(config), GeneratorNetwork(config)
    history = warm_mapping(network, 200, batch_size=128)
    assert history[-1] < 0.8 * history[0]
    assert equal(network.synthesis, before.synthesis)
    assert not equal(network.mapping, before.mapping)


def test_schedule_of_levels_and_rates():
    settings = PretrainSettings(images=(100, 100, 200), fade=0.5)
    shown = [0, 99, 100, 125, 150, 199, 200, 300, 399, 1000]
    levels = [level_of_detail(count, settings) for count in shown]
    assert levels == pytest.approx([2.0, 2.0, 2.0, 1.5, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    assert learning_rate(10**6, settings) == pytest.approx(settings.final_lr)
    assert learning_rate(0, settings) < 0.02 * settings.lr


def test_regression_losses_in_closed_form():
    target = torch.zeros(2, 3, 4, 4)
    weights = torch.ones(1, 1, 4, 4)
    pixel, edge = regression_losses(target + 0.5, target, weights)
    assert (float(pixel), float(edge)) == pytest.approx((0.5, 0.0))
    ramp = torch.arange(4.0).expand(2, 3, 4, 4)
    assert float(regression_losses(ramp, target, weights)[1]) == pytest.approx(1.0)


def test_eyes_and_mouth_weigh_most():
    weights = feature_weights(64)[0, 0]
    assert weights[30, 23] > 4.5
    assert weights[46, 32] > 3.5
    assert weights[2, 2] == pytest.approx(1.0)


def test_pretraining_lowers_the_loss(tmp_path):
    settings = dataclasses.replace(SHORT, images=(800, 16, 16), batch_size=16, warmup_steps=0)
    pretrain(TINY, settings, tmp_path, report=quiet)
    losses = [float(row[3]) for row in rows(tmp_path / "pretrain.csv")[1:]]
    assert np.mean(losses[40:50]) < 0.8 * np.mean(losses[:5])


def test_interrupted_pretraining_equals_an_uninterrupted_one(tmp_path):
    whole = pretrain(TINY, SHORT, tmp_path / "whole", report=quiet)
    pretrain(TINY, SHORT, tmp_path / "parts", report=quiet, stop_after=8)
    parts = pretrain(TINY, SHORT, tmp_path / "parts", report=quiet)
    assert equal(whole, parts)
    log = rows(tmp_path / "whole" / "pretrain.csv")
    assert log == rows(tmp_path / "parts" / "pretrain.csv")
    assert len(log) == 1 + 16


def test_interrupted_adversarial_training_equals_an_uninterrupted_one(tmp_path):
    mixing = dataclasses.replace(FIGHT, style_mixing=0.9)
    whole, judge = train(GeneratorNetwork(TINY), mixing, tmp_path / "whole", report=quiet)
    train(GeneratorNetwork(TINY), mixing, tmp_path / "parts", report=quiet, stop_after=7)
    parts, again = train(GeneratorNetwork(TINY), mixing, tmp_path / "parts", report=quiet)
    assert equal(whole, parts)
    assert equal(judge, again)
    assert rows(tmp_path / "whole" / "train.csv") == rows(tmp_path / "parts" / "train.csv")
    assert (tmp_path / "whole" / "samples-0000012.png").exists()


def test_discriminator_warms_up_alone(tmp_path):
    start = GeneratorNetwork(TINY)
    frozen = GeneratorNetwork(TINY)
    settings = dataclasses.replace(FIGHT, images=8, grid_every=100)
    after, _ = train(start, settings, tmp_path, report=quiet)
    set_w_average(frozen, settings.seed)
    assert equal(after, frozen)


def test_auroc_counts_ordered_pairs():
    assert auroc(torch.tensor([2.0, 3.0]), torch.tensor([0.0, 1.0])) == 1.0
    assert auroc(torch.tensor([0.0]), torch.tensor([0.0, 1.0])) == 0.25


def test_rescaling_sets_the_scale_and_keeps_the_images():
    network = GeneratorNetwork(TINY).eval()
    with torch.no_grad():
        network.mapping.dense_new0.weight.mul_(300.0)
        network.mapping.dense_new1.weight.mul_(300.0)
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(generator=torch.Generator().manual_seed(1))
    set_w_average(network, 0, n=64)
    before = fixed_samples(network, 8, seed=3)
    rescale_layers(network, n=512)
    assert torch.allclose(fixed_samples(network, 8, seed=3), before, atol=2e-3)
    layers = network.mapping(*fixed_latents(network, 512, 0))
    for layer, norm in LAYER_NORM.items():
        vectors = layers[layer].detach()
        spread = (vectors - vectors.mean(0)).square().sum(1).mean().sqrt()
        assert float(spread) == pytest.approx(norm, rel=1e-3)


def test_grid_places_images_row_by_row(tmp_path):
    images = torch.linspace(-1.0, 1.0, 5).view(5, 1, 1, 1).expand(5, 3, 2, 2)
    grid = image_grid(images, columns=3)
    assert grid.shape == (4, 6, 3)
    assert grid[0, ::2, 0].tolist() == [0, 64, 128]
    assert grid[2, ::2, 0].tolist() == [191, 255, 255]
    save_grid(tmp_path / "grid.png", images, columns=3, scale=2)
    assert Image.open(tmp_path / "grid.png").size == (12, 8)


def test_log_drops_rows_beyond_the_checkpoint(tmp_path):
    log = TrainingLog(tmp_path / "log.csv", ("step", "loss"), 0)
    for step in (1, 2, 3):
        log.add([step, 0.5])
    TrainingLog(tmp_path / "log.csv", ("step", "loss"), 2).add([3, 0.25])
    assert (tmp_path / "log.csv").read_text() == "step,loss\n1,0.50000\n2,0.50000\n3,0.25000\n"
    with pytest.raises(ValueError, match="columns"):
        log.add([1])


def test_rates_settle_to_zero_at_the_end():
    shares = [settled(done, 0.3) for done in (0.0, 0.7, 0.85, 1.0)]
    assert shares == pytest.approx([1.0, 1.0, 0.5, 0.0])
    assert settled(0.9, 0.0) == 1.0


def test_an_average_follows_only_what_is_trained():
    network, average = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    with torch.no_grad():
        for module, value in ((network, 4.0), (average, 0.0)):
            module.weight.fill_(value)
            module.bias.fill_(value)
    network.bias.requires_grad_(False)
    follow(average, network, 0.75)
    assert (average.weight.item(), average.bias.item()) == (1.0, 0.0)


def test_a_checkpoint_of_other_settings_is_refused_and_stays(tmp_path):
    pretrain(TINY, SHORT, tmp_path, report=quiet, stop_after=3)
    before = (tmp_path / "pretrain.pt").read_bytes()
    with pytest.raises(InputError, match="other settings"):
        pretrain(TINY, dataclasses.replace(SHORT, lr=1.0), tmp_path, report=quiet)
    assert (tmp_path / "pretrain.pt").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 torn"])
def test_a_damaged_checkpoint_is_refused(tmp_path, content):
    (tmp_path / "pretrain.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged"):
        pretrain(TINY, SHORT, tmp_path, report=quiet)
