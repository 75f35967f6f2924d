"""Images with label maps: what is read, what is refused, and how they are parted into folds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image

from property_cnn.common.errors import InputError
from property_cnn.segmentation.labelled import (
    Classes,
    LabelledImages,
    colours,
    make_folds,
    split_by_list,
    spread,
)
from tests.property_cnn.segmentation.shapes import CLASSES, painted, shapes, written

NAMES = tuple(f"{sequence}_{row}" for sequence in "abcde" for row in range(ord(sequence) - 94))
PARTS = {name: "test" if name[0] == "b" else "train" for name in NAMES if name[0] != "e"}
SEQUENCES = {name: name[0] for name in NAMES}  # of 3, 4, 5, 6 and 7 images


@pytest.fixture
def data(tmp_path):
    labels = shapes(4)
    return written(tmp_path, painted(labels), labels)


def refusal(call, *given, **named):
    """The message of the error of ours that a call ends in; one line."""
    with pytest.raises(InputError) as caught:
        call(*given, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def again(data, **options):
    """The same folders, read anew."""
    folder = data._pictures[0].parents[1]
    return LabelledImages(folder / "images", folder / "labels", data.classes, **options)


def test_images_and_labels_are_read_as_they_were_written(data):
    labels = shapes(4)
    assert data.names == ("00", "01", "02", "03")
    for row in range(4):
        picture, read = data.read(row)
        assert np.array_equal(picture, painted(labels)[row])
        assert np.array_equal(read, labels[row])
        assert read.dtype == picture.dtype == np.uint8
    counted = [[(each == label).sum() for label in range(4)] for each in labels]
    assert np.array_equal(data.pixels(), counted)


def test_labels_of_palette_pictures_are_their_indices(data):
    path = data._maps[0]
    picture = Image.open(path).convert("L")
    picture.putpalette([value for colour in CLASSES.palette for value in colour])
    assert picture.mode == "P"
    before = data.read(0)[1]
    picture.save(path)
    assert np.array_equal(again(data).read(0)[1], before)


def test_the_ignored_label_becomes_255_and_is_no_class(tmp_path):
    labels = shapes(2)
    labels[:, :3] = 11
    data = written(tmp_path, painted(labels % 11), labels, Classes(CLASSES.names, ignore=11))
    read = data.read(0)[1]
    assert (read[:3] == 255).all()
    assert np.array_equal(read[3:], labels[0, 3:])
    assert data.pixels().sum() == (labels != 11).sum()


def test_the_longer_side_is_made_smaller_with_labels_of_the_nearest_pixels(tmp_path):
    labels = np.repeat(shapes(1, 32), 2, axis=2)[:, :, :48].repeat(2, axis=1)  # 64 × 48
    data = again(written(tmp_path, painted(labels), labels), resize=32)
    picture, read = data.read(0)
    assert picture.shape == (32, 24, 3)
    assert read.shape == (32, 24)
    assert set(np.unique(read)) <= set(np.unique(labels))
    assert (read == labels[0, ::2, ::2]).mean() > 0.99
    assert again(data, resize=64).read(0)[1].shape == (64, 48)
    assert again(data, resize=1).read(0)[1].shape == (1, 1)
    for wrong in (0, -5, 2.5):
        assert "resize" in refusal(again, data, resize=wrong)


def test_the_digest_names_files_classes_and_reading(data):
    assert again(data).digest == data.digest
    assert again(data, resize=16).digest != data.digest
    other = Classes(("ground", "red", "green", "other"))
    folder = data._pictures[0].parents[1]
    assert LabelledImages(folder / "images", folder / "labels", other).digest != data.digest
    Image.fromarray(np.zeros((32, 33, 3), np.uint8)).save(data._pictures[0])
    assert again(data).digest != data.digest


def test_labels_outside_the_classes_are_refused(data):
    for label in (4, 254):
        wrong = shapes(1)[0]
        wrong[5, 7] = label
        Image.fromarray(wrong).save(data._maps[2])
        for read in (lambda: data.read(2), data.pixels):
            told = refusal(read)
            assert f"02.png has the label {label}" in told
            assert "0 … 3, or 255" in told
    other = again(data)
    other.classes = Classes(CLASSES.names, ignore=254)
    wrong[5, 7] = 255  # ignored by habit, but here another label is
    Image.fromarray(wrong).save(data._maps[2])
    assert "has the label 255" in refusal(other.read, 2)


def test_a_map_of_another_size_than_its_image_is_refused(data):
    Image.fromarray(shapes(1, 40)[0]).save(data._maps[1])
    assert "is 40 × 40, its image 32 × 32" in refusal(data.read, 1)
    Image.fromarray(shapes(1)[0][:, :31]).save(data._maps[1])
    assert "is 31 × 32, its image 32 × 32" in refusal(data.read, 1)


def test_rows_are_spread_evenly():
    rows = np.arange(10, 21)
    assert spread(rows, 3).tolist() == [10, 15, 20]
    assert spread(rows, 1).tolist() == [10]
    assert spread(rows, 99).tolist() == rows.tolist()
    assert spread(rows[:2], 2).tolist() == [10, 11]


def test_missing_pairs_are_told_either_way(data):
    folder = data._pictures[0].parents[1]
    data._maps[1].unlink()
    told = refusal(again, data)
    assert told.startswith(f"no 01 in {folder / 'labels'}")
    data._maps[2].rename(folder / "labels" / "02.bmp")  # label maps are .png
    assert refusal(again, data).startswith(f"no 01, 02 in {folder / 'labels'}")
    for path in data._maps:
        path.unlink(missing_ok=True)
    assert refusal(again, data).startswith("no 00, 01, 02 and 1 more in")


def test_maps_without_an_image_are_told(data):
    folder = data._pictures[0].parents[1]
    data._pictures[3].unlink()
    assert refusal(again, data).startswith(f"no 03 in {folder / 'images'}")


def test_names_that_stand_twice_are_told(data):
    folder = data._pictures[0].parents[1]
    Image.fromarray(painted(shapes(1))[0]).save(folder / "images" / "01.jpg")
    assert "several pictures named 01; keep one" in refusal(again, data)
    (folder / "images" / "01.jpg").unlink()
    (folder / "labels" / "01.PNG").write_bytes(data._maps[1].read_bytes())
    if len(list((folder / "labels").iterdir())) == 5:  # where names differ by capitals
        assert "several label maps named 01; keep one" in refusal(again, data)


def test_folders_that_are_missing_or_empty_are_told(tmp_path):
    images, labels = tmp_path / "images", tmp_path / "labels"
    assert f"no folder {images}" in refusal(LabelledImages, images, labels, CLASSES)
    images.mkdir()
    assert f"no folder {labels}" in refusal(LabelledImages, images, labels, CLASSES)
    labels.mkdir()
    (images / "notes.txt").write_text("no picture")
    assert "no pictures in" in refusal(LabelledImages, images, labels, CLASSES)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_damaged_images_are_told(tmp_path, suffix):
    data = written(tmp_path, painted(shapes(2), noise=60), shapes(2))
    path = data._pictures[1].with_suffix(suffix)
    Image.open(data._pictures[1]).save(path)
    whole = path.read_bytes()
    if suffix == ".jpg":
        data._pictures[1].unlink()
    path.write_bytes(whole[: len(whole) // 2])
    assert "no whole picture" in refusal(again(data).read, 1)
    path.write_bytes(b"")
    assert str(path) in refusal(again(data).read, 1)
    path.write_text("a text")
    assert "no picture that can be read" in refusal(again(data).pixels)


def test_damaged_and_coloured_maps_are_told(data):
    path = data._maps[0]
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "no whole picture" in refusal(data.read, 0)
    Image.fromarray(painted(shapes(1))[0]).save(path)
    assert "RGB picture; label maps are 8-bit grey" in refusal(data.read, 0)
    Image.fromarray(shapes(1)[0].astype(np.uint16) * 300).save(path)
    assert "label maps are 8-bit" in refusal(data.read, 0)
    path.unlink()
    assert f"no file {path}" in refusal(data.read, 0)


def test_classes_have_different_names_and_a_colour_each():
    assert len(Classes(("a", " b "))) == 2
    assert Classes(("a", " b ")).names == ("a", "b")
    many = colours(255)
    assert len(set(colours(20))) == 20
    assert all(0 <= part <= 255 for colour in many for part in colour)
    assert Classes(tuple(map(str, range(255)))).palette == many
    for names in ((), ("a",), ("a", "a"), ("a", " a"), ("a", " "), tuple(map(str, range(256)))):
        assert "different names" in refusal(Classes, names)
    assert "text" in refusal(Classes, "abc")
    assert "ignore 1 is the class b" in refusal(Classes, ("a", "b"), ignore=1)
    for ignore in (-1, 256, "none", 2.5):
        assert "ignore" in refusal(Classes, ("a", "b"), ignore=ignore)
    assert "1 colours for 2 classes" in refusal(Classes, ("a", "b"), ((1, 2, 3),))
    for wrong in ((1, 2), (1, 2, 256), (-1, 2, 3), "red", (1, 2, "x"), 7):
        assert "colour" in refusal(Classes, ("a", "b"), ((0, 0, 0), wrong))


def test_frames_are_each_tested_on_once_by_networks_that_never_saw_them():
    folds = make_folds(NAMES, 4, held=0.2, seed=3)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(len(NAMES)))
    assert {len(fold.test) for fold in folds} == {6, 7}
    for fold in folds:
        assert sorted(np.concatenate(fold)) == list(range(len(NAMES)))  # all, none twice
        assert len(fold.held) == round(0.2 * (len(fold.train) + len(fold.held)))
    again = make_folds(NAMES, 4, held=0.2, seed=3)
    assert all(map(np.array_equal, itertools.chain(*folds), itertools.chain(*again)))
    assert not np.array_equal(folds[0].test, make_folds(NAMES, 4, seed=4)[0].test)
    assert not len(make_folds(NAMES, 4, held=0.0)[0].held)


def test_sequences_stay_whole_and_fill_the_folds_evenly():
    folds = make_folds(NAMES, 3, "sequence", SEQUENCES)
    tested = [{SEQUENCES[NAMES[row]] for row in fold.test} for fold in folds]
    assert tested == [{"e"}, {"a", "d"}, {"b", "c"}]  # 7, 6 + 3 and 5 + 4 images
    for fold, sequences in zip(folds, tested, strict=True):
        assert sorted(np.concatenate(fold)) == list(range(len(NAMES)))
        seen = {SEQUENCES[NAMES[row]] for row in (*fold.train, *fold.held)}
        assert not seen & sequences
    least = make_folds(NAMES, 5, "sequence", SEQUENCES)
    assert sorted(len(fold.test) for fold in least) == [3, 4, 5, 6, 7]


def test_folds_that_cannot_be_made_are_refused():
    many = refusal(make_folds, NAMES, 6, "sequence", SEQUENCES)
    assert "fold 6 has 0 images to test on" in many
    assert "fewer folds" in many
    assert "fold 4 has 0 images" in refusal(make_folds, ("a", "b", "c"), 4)
    assert "1 others" in refusal(make_folds, ("a", "b"), 2)
    assert "fold 1 has 0 images" in refusal(make_folds, (), 2)
    lacking = {name: sequence for name, sequence in SEQUENCES.items() if sequence != "c"}
    told = refusal(make_folds, NAMES, 2, "sequence", lacking)
    assert "no sequence is told of c_0, c_1, c_2 and 2 more" in told
    assert "no sequence" in refusal(make_folds, NAMES, 2, "sequence")
    assert "folds" in refusal(make_folds, NAMES, 1)
    assert "choose one of frame, sequence" in refusal(make_folds, NAMES, 2, "image")
    for held in (-0.5, 1.0, 2, float("nan")):
        assert "held" in refusal(make_folds, NAMES, 2, held=held)
        assert "held" in refusal(split_by_list, NAMES, PARTS, held)


def test_a_list_parts_the_images_it_names():
    parts = {**PARTS, "c_0": "val"}
    fold = split_by_list(NAMES, parts, held=0.25)
    assert {NAMES[row] for row in fold.test} == {f"b_{row}" for row in range(4)}
    seen = {NAMES[row] for row in (*fold.train, *fold.held)}
    assert seen == {name for name, part in parts.items() if part == "train"}
    assert len(fold.held) == round(0.25 * len(seen))
    told = refusal(split_by_list, NAMES, {**parts, "z_1": "test"})
    assert "the list names z_1, which is no image" in told
    assert "0 images to test on" in refusal(split_by_list, NAMES, dict.fromkeys(NAMES, "train"))
    assert "0 others" in refusal(split_by_list, NAMES, dict.fromkeys(NAMES, "test"))
    assert "0 images to test on and 0 others" in refusal(split_by_list, NAMES, {})
