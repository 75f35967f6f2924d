"""Shards of rendered faces: resumed, extended, made anew when stale."""

from __future__ import annotations

import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.face_scores import parsing_scores
from property_cnn.faces import render_faces, render_parsing, sample_attributes
from property_cnn.network import dataset
from property_cnn.network.dataset import build_faces, from_bytes, load_faces, shard_path, to_bytes


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(dataset, "SHARD_FACES", 8)


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def same_pictures(first, second):
    """Equal but for rounding: a batch of another length may differ in the last level."""
    return (first.int() - second.int()).abs().max() <= 1


def test_bytes_round_to_the_nearest_level():
    images = torch.tensor([-1.0, -0.5, 0.0, 1.0, 1.2])
    assert to_bytes(images).tolist() == [0, 64, 128, 255, 255]
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_bytes(from_bytes(levels)), levels)


def test_shards_hold_images_attributes_and_their_scores(tmp_path):
    advanced = []
    build_faces(10, 16, 3, tmp_path, advance=advanced.append)
    assert advanced == [8, 2]
    faces = load_faces(tmp_path, 10)
    assert len(faces) == 10
    attributes = sample_attributes(10, 3)
    torch.testing.assert_close(faces.attributes, attributes)
    assert faces.images.shape == (10, 3, 16, 16)
    assert same_pictures(faces.images, to_bytes(render_faces(attributes, 16)))
    wanted = parsing_scores(from_bytes(faces.images), render_parsing(attributes, 224))
    torch.testing.assert_close(faces.scores, wanted)


def test_an_interrupted_build_goes_on_and_whole_shards_stay(tmp_path):
    build_faces(10, 16, 3, tmp_path)
    whole = bytes_of(tmp_path)
    kept = shard_path(tmp_path, 0).stat().st_mtime_ns
    second = shard_path(tmp_path, 8)
    second.write_bytes(second.read_bytes()[:200])
    build_faces(10, 16, 3, tmp_path)
    assert bytes_of(tmp_path) == whole
    assert shard_path(tmp_path, 0).stat().st_mtime_ns == kept


def test_a_set_can_grow(tmp_path):
    first = load_faces(build_faces(4, 16, 3, tmp_path), 4)
    more = load_faces(build_faces(9, 16, 3, tmp_path), 9)
    assert same_pictures(more.images[:4], first.images)
    assert len(load_faces(tmp_path, 5)) == 5


@pytest.mark.parametrize("change", ["seed", "renderer"])
def test_faces_of_another_seed_or_renderer_are_made_anew(tmp_path, monkeypatch, change):
    build_faces(9, 16, 3, tmp_path)
    if change == "renderer":
        monkeypatch.setattr(dataset.renderer, "VERSION", "another")
    build_faces(4, 16, 4 if change == "seed" else 3, tmp_path)
    assert not shard_path(tmp_path, 8).exists()
    same = torch.allclose(load_faces(tmp_path, 4).attributes, sample_attributes(4, 3))
    assert same == (change == "renderer")


def test_too_few_faces_are_refused(tmp_path):
    with pytest.raises(InputError):
        build_faces(0, 16, 3, tmp_path)
    build_faces(4, 16, 3, tmp_path)
    with pytest.raises(CheckpointError, match="build the faces again"):
        load_faces(tmp_path, 6)
    with pytest.raises(CheckpointError, match="no file"):
        load_faces(tmp_path / "elsewhere", 4)
    with pytest.raises(InputError):
        load_faces(tmp_path, 0)
