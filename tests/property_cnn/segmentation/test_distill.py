"""The training loop: it learns, stops, resumes to the same bytes, and fits several classes."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.hair.data import HairData, ImageKind
from property_cnn.hair.teacher import SegformerTeacher
from property_cnn.segmentation.data import LabelledSquares
from property_cnn.segmentation.distill import HISTORY_COLUMNS, distill, split_rows
from property_cnn.segmentation.labelled import Classes, LabelledImages
from property_cnn.segmentation.metrics import mask_scores
from property_cnn.segmentation.networks.effisegnet import new_student
from property_cnn.segmentation.networks.files import save_student
from property_cnn.segmentation.networks.segformer import new_segformer
from property_cnn.segmentation.settings import DistillSettings, StudentSettings, TermSettings
from property_cnn.segmentation.teachers import CallableTeacher
from tests.property_cnn.conftest import TINY_SEGFORMER, TINY_STUDENT, bright_discs

TINY = DistillSettings(epochs=3, batch_size=4, lr=3e-3, side=32, student=TINY_STUDENT)
LAYERS = ("blocks.1", "blocks.2"), ("segformer.stages.0", "segformer.stages.1")


class Broken(Exception):
    pass


def discs(n=30, size=32):
    images, masks = bright_discs(n, size)
    return HairData([ImageKind("discs", images, masks, masks, f"discs {n} {size}")])


@pytest.fixture(scope="module")
def teacher():
    return SegformerTeacher(new_segformer(TINY_SEGFORMER, 3), ("a", "hair", "b"), 32, device="cpu")


def state(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def test_split_is_80_10_10_disjoint_and_fixed_by_the_seed():
    split = split_rows(105, 0)
    assert [len(rows) for rows in split] == [85, 10, 10]
    assert sorted(np.concatenate(split)) == list(range(105))
    assert np.array_equal(split.test, split_rows(105, 0).test)
    assert not np.array_equal(split.test, split_rows(105, 1).test)
    with pytest.raises(InputError, match="at least 10"):
        split_rows(9, 0)


def test_half_precision_learns_as_float32_does_and_keeps_whole_weights(tmp_path):
    """On a network whose maps are of the same size at every depth: those of a new student fade
    from block to block, and batch norm then makes noise of bfloat16's rounding.
    """
    start, draws = new_student(TINY_STUDENT, seed=1), torch.Generator().manual_seed(1)
    for layer in start.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight, generator=draws)
    save_student(start, tmp_path / "start.safetensors", 32)
    settings = replace(TINY, seed=1, start=str(tmp_path / "start.safetensors"))
    data = discs(50)
    exact = [row["train_loss"] for row in distill(data, settings).history]
    student, history, _ = distill(data, replace(settings, dtype="bfloat16"))
    losses = [row["train_loss"] for row in history]
    assert losses[-1] < 0.7 * losses[0]
    assert history[-1]["valid_loss"] < history[0]["valid_loss"]
    assert losses == pytest.approx(exact, rel=0.1)
    assert losses[0] != exact[0]
    assert {value.dtype for value in student.parameters()} == {torch.float32}
    with pytest.raises(InputError, match="choose one of float32, bfloat16"):
        replace(TINY, dtype="float16")


def test_a_student_can_begin_where_another_ended(tmp_path):
    data = discs(50)
    first, history, _ = distill(data, replace(TINY, lr=1e-2))
    save_student(first, tmp_path / "first.safetensors", 32)
    on = replace(TINY, lr=1e-6, epochs=1, start=str(tmp_path / "first.safetensors"))
    _, later, _ = distill(data, on)
    assert later[0]["valid_loss"] == pytest.approx(history[-1]["valid_loss"], rel=0.1)
    with pytest.raises(InputError, match="need StudentSettings"):
        distill(data, replace(on, student=replace(TINY_STUDENT, channels=4)))


def test_masks_are_learned():
    data = discs(50)
    settings = replace(TINY, epochs=8, lr=1e-2)
    student, history, split = distill(data, settings)
    assert history[-1]["lr"] == pytest.approx(1e-2 * 0.975**7)
    images, masks = data.batch(split.test, 32)
    with torch.inference_mode():
        assert mask_scores(student(images), masks)["iou"] > 0.7


def test_a_broken_off_training_ends_in_the_same_bytes(tmp_path):
    whole = distill(discs(), TINY, folder=tmp_path / "whole")
    lines = []

    def interrupt(line):
        lines.append(line)
        raise Broken

    with pytest.raises(Broken):
        distill(discs(), TINY, folder=tmp_path / "parts", log=interrupt)
    resumed = distill(discs(), TINY, folder=tmp_path / "parts", log=lines.append)
    assert [line.split(",")[0] for line in lines] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert resumed.history == whole.history
    for name, tensor in state(whole.student).items():
        assert torch.equal(tensor, state(resumed.student)[name]), name
    table = (tmp_path / "whole" / "valid_loss.csv").read_text()
    assert table == (tmp_path / "parts" / "valid_loss.csv").read_text()
    rows = list(csv.DictReader(table.splitlines()))
    assert tuple(rows[0]) == HISTORY_COLUMNS
    assert [float(row["valid_loss"]) for row in rows] == pytest.approx(
        [row["valid_loss"] for row in whole.history]
    )


def test_it_stops_without_progress_and_keeps_the_best_epoch(monkeypatch):
    losses = iter([5.0, 3.0, 4.0, 4.0, 1.0])
    monkeypatch.setattr("property_cnn.segmentation.distill._valid_loss", lambda *args: next(losses))
    states = []
    settings = replace(TINY, epochs=9, patience=2)

    def keep(line):
        states.append(line)

    student, history, _ = distill(discs(20), settings, log=keep)
    assert [row["best"] for row in history] == [1, 1, 0, 0]
    losses = iter([5.0, 3.0])
    short, _, _ = distill(discs(20), replace(settings, epochs=2))
    for name, tensor in state(short).items():
        assert torch.equal(tensor, state(student)[name]), name


def test_a_training_of_other_settings_is_not_written_over_and_other_files_are_refused(tmp_path):
    one = replace(TINY, epochs=1)
    distill(discs(), one, folder=tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match=r"training.pt is of a training with other settings"):
        distill(discs(), replace(one, seed=1), folder=tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    (tmp_path / "training.pt").write_bytes(b"no checkpoint")
    with pytest.raises(CheckpointError, match="damaged"):
        distill(discs(), one, folder=tmp_path)


def test_validation_images_are_shown_each_epoch():
    seen = []
    distill(discs(), replace(TINY, epochs=2), show=lambda *args: seen.append(args), shown=2)
    assert [epoch for epoch, *_ in seen] == [1, 2]
    assert torch.equal(seen[0][1], seen[1][1])
    assert seen[0][1].shape == (2, 3, 32, 32)
    assert seen[0][2].shape == seen[0][3].shape == (2, 1, 32, 32)


@pytest.mark.parametrize("kind", ["kl", "at", "sp"])
def test_terms_change_what_is_learned(kind, teacher):
    term = TermSettings(kind, 0.5, 4.0, *LAYERS)
    settings = replace(TINY, epochs=1)
    plain = distill(discs(), settings)
    helped = distill(discs(), replace(settings, terms=(term,)), teacher)
    assert helped.history[0]["train_loss"] > plain.history[0]["train_loss"]
    first, second = state(plain.student), state(helped.student)
    assert any(not torch.equal(tensor, second[name]) for name, tensor in first.items())
    again = distill(discs(), replace(settings, terms=(term,)), teacher)
    assert again.history == helped.history


@pytest.mark.parametrize("loss", ["soft-bce", "mse", "kl-bernoulli"])
def test_several_classes_from_label_maps_on_disk(tmp_path, loss, teacher):
    images, masks = bright_discs(20)
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    for row, (image, mask) in enumerate(zip(images, masks, strict=True)):
        Image.fromarray(image.transpose(1, 2, 0)).save(tmp_path / "images" / f"{row:02d}.png")
        labels = (mask > 0).astype(np.uint8) * 2
        labels[:2] = 255
        Image.fromarray(labels).save(tmp_path / "labels" / f"{row:02d}.png")
    pairs = LabelledImages(tmp_path / "images", tmp_path / "labels", Classes.numbered(3))
    data = LabelledSquares(pairs)
    assert data.batch(np.array([1]), 16)[1].unique().tolist() == [0, 2, 255]
    settings = replace(
        TINY,
        loss=loss,
        epochs=2,
        student=StudentSettings(0.25, 0.2, 8, classes=3),
        terms=(TermSettings("kl", 0.5), TermSettings("at", 1.0, 4.0, *LAYERS)),
    )
    student, history, split = distill(data, settings, teacher)
    assert history[1]["train_loss"] < history[0]["train_loss"]
    assert student(data.batch(split.test, 32)[0]).shape == (2, 3, 32, 32)
    hair = LabelledSquares(pairs, hair=2)
    assert hair.batch(np.array([0, 1]), 32)[1].shape == (2, 1, 32, 32)
    assert distill(hair, replace(TINY, epochs=1)).history


def test_what_cannot_work_is_refused(teacher):
    with pytest.raises(InputError, match="needs a teacher"):
        distill(discs(), replace(TINY, terms=(TermSettings("kl"),)))
    with pytest.raises(InputError, match="no layer"):
        distill(discs(), replace(TINY, terms=(TermSettings("at"),)), teacher)
    with pytest.raises(InputError, match="no `network`"):
        distill(
            discs(), replace(TINY, terms=(TermSettings("sp", 1, 4, *LAYERS),)), CallableTeacher(len)
        )
    many = StudentSettings(0.25, 0.2, 8, classes=4)
    with pytest.raises(InputError, match="4 classes"):
        distill(discs(), replace(TINY, student=many, terms=(TermSettings("kl"),)), teacher)
    with pytest.raises(InputError, match="one class"):
        distill(discs(), replace(TINY, student=many, loss="kl-single"))
    with pytest.raises(InputError, match="do not fill"):
        distill(discs(10), replace(TINY, batch_size=16))
    for wrong in ({"loss": "l1"}, {"batch_size": 1}, {"lr": 0.0}, {"decay": 1.5}, {"side": 16}):
        with pytest.raises(InputError):
            replace(TINY, **wrong)
