"""Image folders: what is written is read back, and what is wrong in one is told."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from property_cnn.common.errors import CheckpointError, InputError
from stylegan_ft.training.image_folder import load_images, read_labels
from tests.stylegan_ft.image_files import write_images


def _folder(path, text):
    (path / "labels.csv").write_text(text, encoding="utf-8")
    return path


def test_written_images_are_read_back(tmp_path):
    images = torch.randint(0, 256, (5, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    images = images.to(torch.uint8)
    names = [f"deep/{i}.png" for i in range(5)]
    write_images(tmp_path, names, images)
    assert torch.equal(load_images(tmp_path, names, 16), images)
    assert torch.equal(load_images(tmp_path, names[::-1], 16), images.flip(0))


def test_images_are_resized_by_area(tmp_path):
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[:2, :2] = [[[0] * 3, [40] * 3], [[80] * 3, [120] * 3]]
    Image.fromarray(pixels).save(tmp_path / "a.png")
    image = load_images(tmp_path, ["a.png"], 2)[0]
    assert image[:, 0, 0].tolist() == [60, 60, 60]
    assert image.sum() == 180


def test_grey_and_jpeg_are_taken(tmp_path):
    Image.new("L", (8, 6), 200).save(tmp_path / "grey.jpg")
    image = load_images(tmp_path, ["grey.jpg"], 4)
    assert image.shape == (1, 3, 4, 4)
    assert (image.int() - 200).abs().max() <= 2


def test_labels_keep_names_and_empty_cells(tmp_path):
    table = read_labels(_folder(tmp_path, "file,eyes,age\n001.png,0.5,\n002,-1,1\n"))
    assert list(table["file"]) == ["001.png", "002"]
    assert table["eyes"].tolist() == [0.5, -1.0]
    assert table["age"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no table"),
        ("eyes,file\n1,a.png\n", "first column"),
        ("file,eyes\n", "first column"),
        ("file,eyes\na.png,1\na.png,2\n", "'a.png' twice"),
        ("file,eyes\n../a.png,1\n", "outside"),
        ("file,eyes\n/etc/a.png,1\n", "outside"),
        ("file,eyes\na.png,1\nb.png,wide\n", "'eyes' holds 'wide'"),
        ("file,eyes\n,1\n", "row 2"),
        ("file,eyes\na.png,1,\n", "line 2 has 3 cells, the header 2"),
        ("file,eyes,age\na.png,1\n", "line 2 has 2 cells, the header 3"),
        ("file,eyes,eyes\na.png,1,2\n", "a column stands twice"),
        ('file,eyes\n"a.png,1\n', "line 2 has 1 cells|no table"),
    ],
)
def test_wrong_labels_are_told(tmp_path, text, said):
    with pytest.raises((InputError, CheckpointError), match=said):
        read_labels(_folder(tmp_path, text))


def test_missing_and_damaged_files_are_told(tmp_path):
    with pytest.raises(CheckpointError, match=r"labels\.csv"):
        read_labels(tmp_path)
    with pytest.raises(InputError, match=r"no file .*a\.png"):
        load_images(tmp_path, ["a.png"], 8)
    write_images(tmp_path, ["a.png"], torch.full((1, 3, 32, 32), 7, dtype=torch.uint8))
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[:-30])
    with pytest.raises(InputError, match=r"a\.png"):
        load_images(tmp_path, ["a.png"], 32)
