"""Labelled pictures as commands name them: lists, folds, classes that a fold does not show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from property_cnn.common.errors import InputError
from tests.vectorfind.runs.segmentation.pictures import write_pictures
from vectorfind.runs.segmentation.data import absent_classes, folds_of, open_labelled


def _listed(settings, tmp_path, text):
    path = tmp_path / "list.csv"
    path.write_text(text)
    return replace(settings, listing=path)


def test_folds_part_the_pictures(tmp_path):
    settings = write_pictures(tmp_path)
    data = open_labelled(settings)
    folds = folds_of(settings, data)
    tested = sorted(row for fold in folds for row in fold.test)
    assert tested == list(range(8))
    for fold in folds:
        assert not set(fold.test) & {*fold.train, *fold.held}


def test_a_list_with_parts_is_one_split(tmp_path):
    settings = write_pictures(tmp_path)
    rows = [f"f{number:02d},{'test' if number < 3 else 'train'}" for number in range(7)]
    settings = _listed(settings, tmp_path, "\n".join(["name,part", *rows]))
    (fold,) = folds_of(settings, open_labelled(settings))
    assert fold.test.tolist() == [0, 1, 2]
    assert sorted([*fold.train, *fold.held]) == [3, 4, 5, 6]  # the last picture is in no part


def test_sequences_stay_whole(tmp_path):
    settings = write_pictures(tmp_path)
    rows = [f"f{number:02d}.png,s{number // 2}" for number in range(8)]
    settings = _listed(settings, tmp_path, "\n".join(["name,sequence", *rows]))
    for fold in folds_of(replace(settings, fold_by="sequence"), open_labelled(settings)):
        assert {row // 2 for row in fold.test} & {row // 2 for row in fold.train} == set()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2", "need name"),
        ("name\nf00", "need name"),
        ("name,part\nf00,test\nf00,train", "twice"),
        ("name,part\nf00,test\nnone,train", "no image"),
        ("name,part\nf00,train\nf01,train\nf02,train", "0 images to test on"),
        ("", "no CSV"),
    ],
)
def test_lists_that_cannot_be_used(tmp_path, text, said):
    settings = _listed(write_pictures(tmp_path), tmp_path, text)
    with pytest.raises(InputError, match=said):
        folds_of(settings, open_labelled(settings))


def test_a_class_that_no_test_picture_shows_is_told(tmp_path):
    settings = write_pictures(tmp_path, cars=1)
    data = open_labelled(settings)
    pixels = data.pixels()
    absent = [absent_classes(pixels, data, fold) for fold in folds_of(settings, data)]
    assert sorted(absent) == [[], ["car"]]
