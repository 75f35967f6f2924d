"""Damaged and oversized pictures: one InputError, before memory is taken."""

import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from property_cnn import pictures
from property_cnn.common.errors import InputError
from stylegan_ft.training.image_folder import load_images


def test_damaged_exif_is_refused_in_a_line(tmp_path, monkeypatch):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg")

    def broken(_):
        raise struct.error("unpack requires a buffer of 2 bytes")

    monkeypatch.setattr(pictures.ImageOps, "exif_transpose", broken)
    with pytest.raises(InputError, match="damaged EXIF"):
        pictures.read_image(tmp_path / "a.jpg")


def test_a_decoders_own_error_is_ours(tmp_path, monkeypatch):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")

    def broken(_):
        raise RuntimeError("Failed to decode frame 0: Decoding of color planes failed")

    monkeypatch.setattr(pictures.Image.Image, "load", broken)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", broken)
    with pytest.raises(InputError, match="no whole picture"):
        pictures.read_image(tmp_path / "a.png")


@pytest.mark.parametrize("side", [13_000, 60_000])
def test_pixels_are_counted_before_they_are_decoded(side, tmp_path, recwarn):
    def chunk(kind, data):
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b""))
    (tmp_path / "large.png").write_bytes(data + chunk(b"IEND", b""))
    with pytest.raises(InputError, match="64,000,000"):
        pictures.read_image(tmp_path / "large.png")
    assert not recwarn.list


def test_whole_pictures_are_read(tmp_path):
    Image.new("RGB", (8, 4), (10, 20, 30)).save(tmp_path / "a.png")
    assert (pictures.read_image(tmp_path / "a.png") == np.array([10, 20, 30])).all()


def test_a_batch_names_all_that_it_cannot_read(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    for name in ("b.png", "c.jpg"):
        (tmp_path / name).write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"2 of 3 images could not be read.*b\.png.*c\.jpg"):
        load_images(tmp_path, ["a.png", "b.png", "c.jpg"], 8)


def test_a_pipe_is_no_picture(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(InputError, match="no file"):
        pictures.read_image(tmp_path / "a.png")


def test_damage_that_changes_nothing_is_not_told(tmp_path, recwarn):
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff"  # as many tags as the block cannot hold
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", exif=exif)
    pictures.read_image(tmp_path / "a.jpg")
    Image.new("P", (8, 8)).save(tmp_path / "a.gif")
    pictures.read_labels(tmp_path / "a.gif")
    assert not recwarn.list


def test_a_heic_is_called_one(tmp_path):
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(64))
    with pytest.raises(InputError, match=r"a\.heic is a HEIC; save it as JPEG or PNG$"):
        pictures.read_image(tmp_path / "a.heic")


def test_a_large_picture_is_reduced_by_whole_factors():
    pixels = np.zeros((30, 100, 3), np.uint8)
    pixels[:, 50:] = 200
    small = pictures.reduced(pixels, 26)
    assert small.shape == (8, 25, 3)
    assert (small[:, 0] == 0).all()
    assert (small[:, -1] == 200).all()
    assert pictures.reduced(pixels, 100) is pixels
