"""Trust in a teacher: known weights, and a planted class that the teacher does not tell."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from property_cnn.segmentation.labelled import Fold
from property_cnn.segmentation.settings import ScheduleSettings, TermSettings
from property_cnn.segmentation.training import Lesson, score, train_together
from property_cnn.segmentation.trust import MARGIN, class_trust, class_weights, pixel_weights
from tests.property_cnn.segmentation.shapes import ByColour, Tiny, painted, shapes, written

GREEN, BLUE = 2, 3
TRAIN, HELD, TEST = 6, 4, 12
SEED = 0


def test_a_class_is_trusted_by_how_far_the_teacher_is_ahead():
    teacher = [0.9, 0.5, 0.5, 0.5, 0.4, math.nan]
    student = [0.2, 0.5 - MARGIN, 0.5 - MARGIN / 4, 0.5, 0.8, math.nan]
    trusted = class_trust(teacher, student)
    torch.testing.assert_close(trusted, torch.tensor([1, 1, 0.25, 0, 0, 1.0]))
    assert trusted.dtype == torch.float32


def test_pixels_weigh_what_their_class_does_and_without_a_label_nothing():
    trusted = torch.tensor([0.25, 1.0, 0.0])
    labels = torch.tensor([[[0, 1], [2, 255]]])
    assert class_weights(trusted, labels).tolist() == [[[0.25, 1], [0, 0]]]
    assert class_weights(trusted, labels.byte()).tolist() == [[[0.25, 1], [0, 0]]]
    assert not class_weights(trusted, torch.full((2, 3, 3), 255)).any()


def test_pixels_weigh_the_probability_that_the_teacher_gives_their_label():
    odds = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    teacher = (odds.log() + torch.tensor([[5.0], [-2.0]])).T.reshape(1, 3, 1, 2)  # any offset
    for labels, expected in (((0, 2), (0.7, 0.6)), ((1, 255), (0.2, 0.0)), ((255, 0), (0, 0.1))):
        found = pixel_weights(teacher, torch.tensor(labels).view(1, 1, 2))
        torch.testing.assert_close(found.flatten(), torch.tensor(expected))
    sure = torch.tensor([50.0, -50.0, -50.0]).view(1, 3, 1, 1)
    weights = [pixel_weights(sure, torch.full((1, 1, 1), label)).item() for label in range(3)]
    assert weights == pytest.approx([1, 0, 0], abs=1e-12)


def tiny_data(folder, labelled, mistaken, noise):
    """Noisy pictures; of those to train on a share of the pixels has a label, some a wrong one."""
    rng = np.random.default_rng(100 + SEED)
    labels = shapes(TRAIN + HELD + TEST, seed=SEED)
    pictures = painted(labels, noise, SEED)
    seen = labels[:TRAIN]
    drawn = rng.random(seen.shape) < mistaken
    seen[drawn] = rng.integers(0, 4, drawn.sum())
    seen[rng.random(seen.shape) > labelled] = 255
    return written(folder, pictures, labels)


def measured(data, teacher, names, weight=2.0):
    """IoU of the four classes, by student, and of the teacher; they begin with the same weights."""
    rows = np.arange(len(data))
    fold = Fold(rows[:TRAIN], rows[TRAIN : TRAIN + HELD], rows[TRAIN + HELD :])
    settings = ScheduleSettings(
        iterations=120, batch_size=4, lr=1e-2, height=32, width=32, scales=(1.0, 1.0),
        photometric=False, checks=5, seed=SEED,
    )  # fmt: skip
    lessons = {
        name: Lesson(
            Tiny(channels=12, seed=SEED),
            () if name == "labels" else (TermSettings("kl", weight, 2.0, trust=name),),
        )
        for name in names
    }
    courses = train_together(lessons, data, fold, settings, teacher)
    own = score({"teacher": teacher}, data, fold.test)["teacher"]["iou"]
    return {**{name: course.last["iou"] for name, course in courses.items()}, "teacher": own}


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """A tenth of the pixels has a label, and three in ten of these are wrong."""
    return tiny_data(tmp_path_factory.mktemp("few"), labelled=0.1, mistaken=0.4, noise=60)


@pytest.fixture(scope="module")
def right(few):
    return measured(few, ByColour(), ("labels", "all", "class", "pixel"))


def test_a_teacher_that_is_right_helps_in_every_class(right):
    assert min(right["teacher"]) > 0.75
    for label in range(4):
        assert right["all"][label] > right["labels"][label] + 0.05
        for trust in ("class", "pixel"):
            assert right[trust][label] > right["labels"][label]
    assert np.mean(right["all"]) > np.mean(right["labels"]) + 0.15
    assert np.mean(right["class"]) > np.mean(right["labels"]) + 0.08
    assert np.mean(right["pixel"]) > np.mean(right["labels"]) + 0.04


def test_one_that_takes_blue_for_green_helps_with_trust_alone(few, right):
    wrong = measured(few, ByColour({BLUE: GREEN}), ("all", "class", "pixel"))
    assert wrong["teacher"][BLUE] == 0
    assert right["labels"][BLUE] > 0.4  # it can be learned from the labels,
    assert wrong["all"][BLUE] < 0.1  # and is lost by following the teacher everywhere
    assert np.mean(wrong["all"]) < np.mean(right["labels"])
    for trust in ("class", "pixel"):
        assert wrong[trust][BLUE] > right["labels"][BLUE]
        assert wrong[trust][GREEN] > wrong["all"][GREEN] + 0.05  # which is no longer blue too
        assert np.mean(wrong[trust]) > np.mean(wrong["all"]) + 0.08
        assert np.mean(wrong[trust]) > np.mean(right["labels"]) + 0.03  # the rest still helps


def test_weights_alone_keep_a_class_that_the_teacher_does_not_tell(tmp_path):
    """Every pixel has a label, so that trust leaves none out but by what it weighs."""
    data = tiny_data(tmp_path, labelled=1.1, mistaken=0.0, noise=30)
    names = ("labels", "all", "class", "pixel")
    found = measured(data, ByColour({BLUE: GREEN}), names, weight=1.0)
    assert found["all"][BLUE] < 0.1
    for trust in ("class", "pixel"):
        assert found[trust][BLUE] > found["all"][BLUE] + 0.7
        assert found[trust][GREEN] > found["all"][GREEN] + 0.2
        assert np.mean(found[trust]) > np.mean(found["all"]) + 0.1
