"""Runs: what is trained, the log, resuming, refusals, and ends before time."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace

import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError, TrainingError
from stylegan_ft.finetune import run as run_module
from stylegan_ft.finetune import trainer as trainer_module
from stylegan_ft.finetune.run import (
    CELLS,
    CHECKPOINT,
    GENERATOR,
    LOG,
    LOG_COLUMNS,
    Judges,
    finetune,
)
from stylegan_ft.finetune.settings import VARIANTS, FinetuneSettings
from stylegan_ft.finetune.start import starting_discriminator, starting_generator
from stylegan_ft.finetune.trainer import Trainer
from stylegan_ft.formats.checkpoint import load_network
from tests.stylegan_ft.tiny_runs import (
    SIDE,
    base_network,
    classifiers,
    discriminator,
    real_images,
    scorer,
)

SETTINGS = FinetuneSettings(
    batches=6, batch_size=4, r1_every=2, checkpoint_every=1, grid_every=1, frozen=0.5
)


@pytest.fixture(autouse=True)
def row_a_batch_or_two(monkeypatch):
    """Runs of six batches have four rows."""
    for name, variant in VARIANTS.items():
        monkeypatch.setitem(VARIANTS, name, replace(variant, log_every=2))


def start(name, out, settings=SETTINGS, data=None, judges=None, **more):
    variant = VARIANTS[name]
    data = data if data is not None else real_images(len(variant.labels))
    own = None if variant.property_discriminator else discriminator()
    judges = judges or Judges(own, scorer(), classifiers)
    more = {"log": lambda line: None, **more}
    return finetune(name, base_network(), data, out, settings, judges, **more)


def files(out):
    names = [path.name for path in sorted(out.iterdir()) if path.name != CHECKPOINT]
    return {name: (out / name).read_bytes() for name in names}


def rows(out):
    with open(out / LOG, newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", list(VARIANTS))
def test_frozen_parameters_keep_their_bits_and_all_others_move(name):
    variant = VARIANTS[name]
    generator = starting_generator(base_network(), variant, seed=0)
    judge = starting_discriminator(variant, SIDE, discriminator(), scorer().network)
    trainer = Trainer(generator, judge, variant, SETTINGS, torch.device("cpu"))
    networks = (trainer.generator, trainer.discriminator)
    trained = [
        {key for key, parameter in network.named_parameters() if parameter.requires_grad}
        for network in networks
    ]
    before = [{key: p.detach().clone() for key, p in n.named_parameters()} for n in networks]
    data = real_images(len(variant.labels))
    for _ in range(SETTINGS.batches):
        trainer.train_batch(data)
    for network, names, old in zip(networks, trained, before, strict=True):
        for key, parameter in network.named_parameters():
            assert torch.equal(parameter, old[key]) == (key not in names), key
    frozen = {key for key in before[0] if key not in trained[0]}
    for key, parameter in trainer.average.named_parameters():
        assert torch.equal(parameter, before[0][key]) == (key in frozen), key


def test_the_scorer_of_v5_2_is_frozen_first_and_trained_later():
    variant = VARIANTS["v5-2"]
    generator = starting_generator(base_network(), variant, seed=0)
    judge = starting_discriminator(variant, SIDE, scorer=scorer().network)
    trainer = Trainer(generator, judge, variant, SETTINGS, torch.device("cpu"))
    before = {key: p.detach().clone() for key, p in judge.body.named_parameters()}

    def moved():
        return [not torch.equal(p, before[key]) for key, p in judge.body.named_parameters()]

    for _ in range(3):
        trainer.train_batch(real_images(3))
    assert not any(moved())
    for _ in range(3):
        trainer.train_batch(real_images(3))
    assert all(moved())


STOPS = {name: (3,) for name in VARIANTS} | {"v5-3": (1, 3, 4)}
"""After a checkpoint; of one variant also before the first, and right at one."""


@pytest.mark.parametrize("name", list(VARIANTS))
def test_a_stopped_run_goes_on_to_the_same_bytes(name, tmp_path):
    start(name, tmp_path / "whole")
    for stop in (*STOPS[name], None):
        start(name, tmp_path / "stopped", stop_after=stop)
    assert files(tmp_path / "stopped") == files(tmp_path / "whole")
    whole, stopped = (tmp_path / name / CHECKPOINT for name in ("whole", "stopped"))
    assert stopped.read_bytes() == whole.read_bytes()


def test_rows_and_files_of_a_run(tmp_path):
    average = start("v5-3", tmp_path)
    found = rows(tmp_path)
    assert tuple(found[0])[: len(LOG_COLUMNS)] == LOG_COLUMNS
    # 20 images are five batches an epoch
    assert [(row["epoch"], row["idx"]) for row in found] == [
        ("0", "0"), ("0", "2"), ("0", "4"), ("1", "1"),
    ]  # fmt: skip
    assert found[0]["d_loss"] == ""
    assert float(found[1]["d_loss"]) > 0
    assert all(1 <= float(row["d_train_count"]) <= 4 for row in found[1:])
    assert all(-1 <= float(row["eyes_corr"]) <= 1 for row in found)
    network, metadata = load_network(tmp_path / GENERATOR)
    assert metadata["variant"] == "v5-3"
    assert network.config.label_dim == 3
    half = average.mapping.dense0.weight.half().float()
    assert torch.equal(network.mapping.dense0.weight, half)
    assert (tmp_path / CELLS).exists()
    assert len(list(tmp_path.glob("samples-*.png"))) == 4
    settings = json.loads((tmp_path / "settings.json").read_text())
    assert settings["variant"] == "v5-3"
    assert settings["batches_per_epoch"] == 5


def test_another_run_in_the_folder_is_refused(tmp_path):
    start("v9", tmp_path, stop_after=2)
    with pytest.raises(InputError, match="other settings or data"):
        start("v9", tmp_path, replace(SETTINGS, seed=1))
    with pytest.raises(InputError, match="other settings or data"):
        start("v9", tmp_path, data=real_images(0, seed=9))


def test_a_damaged_checkpoint_says_so(tmp_path):
    start("v9", tmp_path, stop_after=2)
    (tmp_path / CHECKPOINT).write_bytes(b"nothing of the kind")
    with pytest.raises(CheckpointError, match="damaged"):
        start("v9", tmp_path)


def test_losses_that_are_not_finite_end_the_run(tmp_path):
    settings = replace(SETTINGS, lr=1e30, mapping_lr=1e8)
    with pytest.raises(TrainingError, match="not finite"):
        start("v9", tmp_path, settings)
    assert len(rows(tmp_path)) >= 1


def test_collapse_ends_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(trainer_module, "auroc", lambda real, fake: 1.0)
    spreads = iter([1.0, 0.04, 0.04, 0.04])
    monkeypatch.setattr(run_module, "sample_spread", lambda images: next(spreads))
    with pytest.raises(TrainingError, match="collapsed"):
        start("v9", tmp_path, replace(SETTINGS, collapse_rows=2))
    assert len(rows(tmp_path)) == 3


def test_an_auroc_of_one_alone_is_no_collapse(tmp_path, monkeypatch):
    monkeypatch.setattr(trainer_module, "auroc", lambda real, fake: 1.0)
    start("v9", tmp_path, replace(SETTINGS, collapse_rows=1))


@pytest.mark.parametrize(
    ("labels", "n", "message"), [(2, 20, "2 labels"), (3, 3, "fewer than a batch")]
)
def test_data_that_do_not_fit_are_refused(tmp_path, labels, n, message):
    with pytest.raises(InputError, match=message):
        start("v5-1", tmp_path, data=real_images(labels, n))


def test_missing_networks_are_named(tmp_path):
    with pytest.raises(InputError, match="scorer"):
        start("v5-1", tmp_path, judges=Judges(classifiers=classifiers))
    with pytest.raises(InputError, match="classifiers"):
        start("v9", tmp_path, judges=Judges(discriminator(), scorer()))


def test_repeats_follow_the_losses():
    variant = VARIANTS["v9"]

    def counts(**factors):
        generator = starting_generator(base_network(), variant, seed=0)
        judge = starting_discriminator(variant, SIDE, discriminator())
        settings = replace(SETTINGS, **factors)
        trainer = Trainer(generator, judge, variant, settings, torch.device("cpu"))
        trainer.train_batch(real_images(0))
        values = trainer.train_batch(real_images(0))
        assert math.isfinite(values.g_loss)
        return values.d_steps, values.g_steps

    never, always = 1e9, 1e-9
    assert counts(d_factor=never, g_factor=never) == (1, 1)
    assert counts(d_factor=always, g_factor=never) == (4, 1)
    assert counts(d_factor=never, g_factor=always) == (1, 4)


def test_v5_refuses_style_mixing(tmp_path):
    with pytest.raises(InputError, match="style_mixing"):
        start("v5-1", tmp_path, replace(SETTINGS, style_mixing=0.5))


def test_a_warm_up_trains_d_alone(tmp_path):
    start("v9", tmp_path, replace(SETTINGS, warm_discriminator=4))
    found = rows(tmp_path)
    assert [row["g_loss"] == "" for row in found] == [True, True, True, False]
    assert [float(row["d_train_count"]) for row in found[1:3]] == [4.0, 4.0]
    assert [float(row["g_train_count"]) > 0 for row in found] == [False, False, False, True]
    assert found[2]["gender"] == found[0]["gender"]
