"""Callables as teachers, and what teachers must answer."""

from __future__ import annotations

import pytest
import torch

from property_cnn.common.errors import InputError, ScorerError
from property_cnn.segmentation.teachers import (
    CallableTeacher,
    class_probabilities,
    hair_probability,
)


@pytest.fixture
def images():
    return torch.rand(2, 3, 48, 40, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_a_callable_answers_in_the_images_size(images):
    teacher = CallableTeacher(
        lambda given: (
            torch.stack([torch.zeros(len(given), 12, 10), torch.ones(len(given), 12, 10)])
            .transpose(0, 1)
            .contiguous()
        ),
        classes=("skin", "Hair"),
    )
    assert teacher.hair == 1
    assert class_probabilities(teacher, images).shape == (2, 2, 48, 40)
    assert torch.equal(hair_probability(teacher, images), torch.ones(2, 1, 48, 40))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda images: images, "expected"),
        (lambda images: images[:1, :1], "expected"),
        (lambda images: None, "NoneType"),
        (lambda images: images[:, :1] * 5, "outside"),
        (lambda images: images[:, :1] * float("nan"), "outside"),
    ],
)
def test_wrong_answers_are_refused(images, function, message):
    with pytest.raises(ScorerError, match=message):
        hair_probability(CallableTeacher(function), images)


def test_teachers_without_hair_or_name_are_refused():
    with pytest.raises(InputError, match="no class 'hair'"):
        CallableTeacher(lambda images: images, classes=("skin", "hairband"))
    with pytest.raises(InputError, match="digest"):
        CallableTeacher(lambda images: images, digest="")
