"""`vectorfind hair` end to end on tiny networks, and pictures of every kind through `segment`."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from property_cnn.common.errors import CheckpointError
from property_cnn.hair import segmenter as predict
from property_cnn.hair import teacher_training
from property_cnn.hair.teacher import load_teacher, save_teacher
from property_cnn.jobs.verify import verify
from property_cnn.segmentation.networks.effisegnet import new_student
from property_cnn.segmentation.networks.files import load_network, save_student
from property_cnn.segmentation.networks.segformer import new_segformer
from property_cnn.segmentation.settings import (
    SegformerSettings,
    StudentSettings,
)
from property_cnn.segmentation.teachers import CallableTeacher
from tests.vectorfind.cli.test_cli import assert_one_line, invoke
from tests.vectorfind.planted import PlantedGenerator
from vectorfind.cli.options import settings_from
from vectorfind.cli.segmentation import hair
from vectorfind.runs.segmentation.hair import data as hair_data
from vectorfind.runs.segmentation.hair.table import COLUMNS

TINY = StudentSettings(width=0.25, depth=0.2, channels=8)
TINY_SEGFORMER = SegformerSettings((8,) * 4, (1,) * 4, (1,) * 4, decoder=8, side=32)
DATA = ["--rendered", 12, "--generated", 10, "--side", 32, "--epochs", 1, "--batch-size", 4]


@pytest.fixture
def student(tmp_path):
    save_student(new_student(TINY).eval(), tmp_path / "student.safetensors", 32)
    return tmp_path / "student.safetensors"


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """Small networks in the place of the default ones, and a teacher file."""

    def small(settings, options):
        return settings_from(settings, {**options, "student": TINY})

    monkeypatch.setattr(hair, "settings_from", small)
    monkeypatch.setattr(hair_data, "resolve_generator", lambda *given, **more: PlantedGenerator())
    save_teacher(new_segformer(TINY_SEGFORMER), tmp_path / "teacher.safetensors", 32)
    return tmp_path / "teacher.safetensors"


def picture(size=(40, 48), seed=0):
    return np.random.default_rng(seed).integers(0, 255, (*size, 3)).astype(np.uint8)


def test_pictures_of_any_kind_and_size_get_masks_of_their_size(student, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    Image.fromarray(picture()).save(folder / "rgb.png")
    Image.fromarray(picture((64, 33))).save(folder / "photo.jpg")
    Image.fromarray(picture()).convert("L").save(folder / "grey.png")
    Image.fromarray(picture()).convert("RGBA").save(folder / "clear.png")
    deep = picture()[..., 0].astype(np.uint16) * 257
    Image.fromarray(deep).save(folder / "deep.png")
    result = invoke("hair", "segment", folder, "--model", student, "--out", out)
    assert result.exit_code == 0, result.output
    assert len(result.stdout.splitlines()) == 5
    sizes = {path.name: Image.open(path).size for path in out.iterdir()}
    assert sizes == {
        "rgb_mask.png": (48, 40),
        "photo_mask.png": (33, 64),
        "grey_mask.png": (48, 40),
        "clear_mask.png": (48, 40),
        "deep_mask.png": (48, 40),
    }
    assert Image.open(out / "rgb_mask.png").mode == "L"
    same = (Image.open(out / name) for name in ("rgb_mask.png", "clear_mask.png"))
    assert len({np.asarray(mask).tobytes() for mask in same}) == 1


def test_an_image_without_hair_is_said_to_have_none(student, tmp_path, monkeypatch):
    network = new_student(TINY).eval()
    torch.nn.init.constant_(network.head.bias, -50)
    save_student(network, student, 32)
    Image.fromarray(picture()).save(tmp_path / "a.png")
    result = invoke("hair", "segment", tmp_path / "a.png", "--model", student, "--out", tmp_path)
    assert "no hair found" in result.stdout
    assert np.asarray(Image.open(tmp_path / "a_mask.png")).max() == 0


def test_damaged_pictures_are_named_after_the_others_are_done(student, tmp_path):
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.fromarray(picture()).save(good)
    bad.write_bytes(good.read_bytes()[:-600])
    options = ["--model", student, "--out", tmp_path / "out", "--quiet"]
    result = invoke("hair", "segment", bad, good, *options)
    assert_one_line(result, "1 of 2 pictures", "bad.png is no whole picture", code=3)
    assert (tmp_path / "out" / "good_mask.png").is_file()
    assert not (tmp_path / "out" / "bad_mask.png").exists()
    assert_one_line(invoke("hair", "segment", tmp_path / "no.png", *options), "no file")
    (tmp_path / "empty").mkdir()
    assert_one_line(invoke("hair", "segment", tmp_path / "empty", *options), "no pictures in")
    Image.fromarray(picture()).save(tmp_path / "good.jpg")
    twice = invoke("hair", "segment", good, tmp_path / "good.jpg", *options)
    assert_one_line(twice, "several pictures would become good_mask.png")


def test_without_a_shipped_segmenter_the_command_that_makes_one_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(predict, "SHIPPED", tmp_path / "none.safetensors")
    Image.fromarray(picture()).save(tmp_path / "a.png")
    result = invoke("hair", "segment", tmp_path / "a.png", "--out", tmp_path / "out")
    assert_one_line(result, "vectorfind hair distill --out")


def test_photographs_are_taught_by_their_own_teacher(tiny, tmp_path, monkeypatch):
    teacher = CallableTeacher(lambda images: torch.ones_like(images[:, :1]), digest="by hand")
    monkeypatch.setattr(hair_data, "load_photograph_teacher", lambda device: teacher)
    options = ["--rendered", 0, "--generated", 12, "--photographs", 14, *DATA[4:]]
    out = tmp_path / "run"
    result = invoke("hair", "distill", "--teacher", tiny, *options, "--out", out)
    assert result.exit_code == 0, result.output
    counts = hair_data.stored_counts(out / "data")
    assert (counts.rendered, counts.generated, counts.photographs) == (0, 12, 14)
    store = out / "data/photographs/soft/soft"
    masks = np.concatenate([np.load(path) for path in sorted(store.iterdir())])
    assert masks.shape[1:] == (32, 32)
    assert (masks[:14] == 255).all()


def test_a_teacher_is_made_and_can_be_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(hair, "SegformerSettings", lambda **given: replace(TINY_SEGFORMER, **given))
    small = ["-n", 8, "--test-faces", 2, "--batch-size", 4, "--side", 32]
    result = invoke("hair", "teacher", *small, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "hair on 2 other faces: mse" in result.stdout
    assert load_teacher(tmp_path / "teacher.safetensors", "cpu").side == 32
    assert teacher_training.TEST_SEED_STEP > 1000


def test_students_are_distilled_tested_and_compared(tiny, tmp_path):
    out = tmp_path / "run"
    given = ["--teacher", tiny, *DATA]
    result = invoke("hair", "distill", *given, "--out", out)
    assert result.exit_code == 0, result.output
    assert (out / "overlays" / "epoch_001.png").is_file()
    assert (out / "valid_loss.csv").read_text().startswith("epoch,lr,train_loss,valid_loss,best")
    made = (out / "student.safetensors").read_bytes()
    invoke("hair", "distill", *given, "--out", out)
    assert (out / "student.safetensors").read_bytes() == made

    test = ["--teacher", tiny, "--data", out / "data", "--out", tmp_path / "test"]
    result = invoke("hair", "test", out / "student.safetensors", *test)
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "test" / "hair_test.csv")
    assert tuple(table.columns) == COLUMNS
    kinds = table[["network", "images", "against"]].agg(" ".join, axis=1).tolist()
    assert set(kinds) <= {
        "soft-bce rendered teacher",
        "soft-bce rendered truth",
        "teacher rendered truth",
        "soft-bce generated teacher",
    }
    assert (table["seconds_per_image"] > 0).all()
    assert "MSE before" in (tmp_path / "test" / "hair_test.md").read_text()

    compared = tmp_path / "compared"
    losses = ["--losses", "mse,kl-single", "--data", out / "data"]
    result = invoke("hair", "compare", *given, *losses, "--out", compared)
    assert result.exit_code == 0, result.output
    names = set(pd.read_csv(compared / "hair_test.csv")["network"])
    assert {"mse", "kl-single"} <= names
    assert list(compared.glob("overlay_kl-single_*.png"))
    result = invoke("hair", "compare", *given, *losses, "--json", "--out", compared)
    assert result.exit_code == 0, result.output
    assert {"mse", "kl-single"} <= {row["network"] for row in json.loads(result.stdout)["rows"]}
    for folder in (out, out / "data", tmp_path / "test", compared):
        assert verify(folder).whole
        assert not verify(folder).foreign

    (out / "files.json").unlink()  # as versions without lists left it
    assert invoke("hair", "distill", *given, "--out", out).exit_code == 0
    assert verify(out).whole
    path = out / "overlays" / "epoch_001.png"
    path.unlink()
    (out / "valid_loss.csv").write_text("x")
    result = invoke("hair", "distill", *given, "--out", out)
    assert "not made again, since only training makes them: overlays/epoch_001.png" in result.stdout


@pytest.mark.parametrize("command", ["teacher", "distill", "compare"])
@pytest.mark.parametrize("name", ["training.pt", "data/mine.txt", "data.json", "mine.txt"])
def test_folders_of_others_are_left_as_they_are(tiny, tmp_path, command, name):
    out = tmp_path / "out"
    (out / name).parent.mkdir(parents=True)
    (out / name).write_text("mine")
    given = [] if command == "teacher" else ["--teacher", tiny, *DATA]
    result = invoke("hair", command, *given, "--out", out)
    assert_one_line(result, "neither empty nor of this job")
    assert (out / name).read_text() == "mine"


def test_data_of_others_are_left_as_they_are(tiny, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "data.json").write_text("mine")
    given = ["--teacher", tiny, *DATA, "--data", tmp_path / "data"]
    result = invoke("hair", "distill", *given, "--out", tmp_path / "out")
    assert_one_line(result, "neither empty nor of this job")
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["data.json"]


def test_own_pictures_with_label_maps(tiny, tmp_path):
    for folder in ("images", "maps"):
        (tmp_path / folder).mkdir()
    for row in range(12):
        Image.fromarray(picture(seed=row)).save(tmp_path / "images" / f"{row}.png")
        labels = (picture(seed=row)[..., 0] > 128).astype(np.uint8) * 2
        Image.fromarray(labels).save(tmp_path / "maps" / f"{row}.png")
    own = ["--images", tmp_path / "images", "--maps", tmp_path / "maps", "--classes", 3]
    small = [*own, "--side", 32, "--epochs", 1, "--batch-size", 4, "--quiet"]
    result = invoke("hair", "distill", *small, "--out", tmp_path / "all")
    assert result.exit_code == 0, result.output
    assert load_network(tmp_path / "all" / "student.safetensors").card["side"] == 32
    result = invoke("hair", "distill", *small, "--hair-class", 2, "--out", tmp_path / "hair")
    assert "student:" in result.stdout, result.output
    assert_one_line(
        invoke("hair", "distill", *small[:2], "--out", tmp_path / "x"), "--images, --maps and"
    )


def test_bad_input_is_told_in_one_line(tiny, student, tmp_path):
    none = ["--teacher", tmp_path / "none.safetensors"]
    missing = invoke("hair", "distill", *none, *DATA, "--out", tmp_path / "none")
    assert_one_line(missing, "no teacher at", "vectorfind hair teacher")
    few = invoke("hair", "distill", "--rendered", 3, "--generated", 2, "--out", tmp_path)
    assert_one_line(few, "need at least 10")
    assert_one_line(invoke("hair", "distill", "--loss", "l1", "--out", tmp_path), "kl-bernoulli")
    wrong = invoke("hair", "compare", "--losses", "l1", "--out", tmp_path)
    assert_one_line(wrong, "loss 'l1'")
    assert_one_line(invoke("hair", "distill", "--lr", 0, "--out", tmp_path), "lr is 0.0")
    test = ["--teacher", tiny, "--out", tmp_path]
    assert_one_line(invoke("hair", "test", student, *test, "--data", tmp_path), "no data set in")


def test_students_of_other_data_are_not_tested(tiny, tmp_path):
    from vectorfind.runs.segmentation.hair.table import TrainedStudent, score_students

    class Data:
        digest = "these"

    foreign = TrainedStudent("mse", None, 0, "others")
    with pytest.raises(ValueError, match="trained on other images"):
        score_students([foreign], Data())
    with pytest.raises(CheckpointError):
        hair_data.stored_counts(tmp_path)


def test_generated_faces_do_not_depend_on_how_many_are_made(tmp_path):
    generator = PlantedGenerator()
    many, mark = hair_data.generated_images(tmp_path / "many", 20, 3, generator)
    few, same = hair_data.generated_images(tmp_path / "few", 6, 3, generator)
    rows = np.arange(6)
    assert np.array_equal(many[rows], few[rows])
    assert mark == same
