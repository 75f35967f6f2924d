"""Stored rendered faces: rendered once, extended, made anew when stale."""

from __future__ import annotations

import pytest
import torch

from property_cnn.common.errors import InputError
from property_cnn.face_scores import parsing_scores
from property_cnn.faces import render_faces, render_parsing, sample_attributes
from property_cnn.network import dataset
from property_cnn.network.dataset import stored_faces
from property_cnn.pictures import from_bytes, to_bytes


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(dataset, "SHARD_FACES", 8)


def same_pictures(first, second):
    """Equal but for rounding: a batch of another length may differ in the last level."""
    return (first.int() - second.int()).abs().max() <= 1


def test_shards_hold_images_attributes_and_their_scores(tmp_path):
    faces = stored_faces(10, 16, 3, tmp_path)
    assert len(faces) == 10
    attributes = sample_attributes(10, 3)
    torch.testing.assert_close(faces.attributes, attributes)
    assert faces.images.shape == (10, 3, 16, 16)
    assert same_pictures(faces.images, to_bytes(render_faces(attributes, 16)))
    wanted = parsing_scores(from_bytes(faces.images), render_parsing(attributes, 224))
    torch.testing.assert_close(faces.scores, wanted)


def test_a_set_is_rendered_once_and_can_grow(tmp_path, monkeypatch):
    first = stored_faces(4, 16, 3, tmp_path)
    more = stored_faces(9, 16, 3, tmp_path)
    assert same_pictures(more.images[:4], first.images)
    monkeypatch.setattr(dataset, "_render", None)
    assert torch.equal(stored_faces(5, 16, 3, tmp_path).images, more.images[:5])


@pytest.mark.parametrize("change", ["seed", "renderer"])
def test_faces_of_another_seed_or_renderer_are_made_anew(tmp_path, monkeypatch, change):
    stored_faces(9, 16, 3, tmp_path)
    if change == "renderer":
        monkeypatch.setattr(dataset.renderer, "VERSION", "another")
    faces = stored_faces(4, 16, 4 if change == "seed" else 3, tmp_path)
    assert len(list((tmp_path / "images").iterdir())) == 1
    same = torch.allclose(faces.attributes, sample_attributes(4, 3))
    assert same == (change == "renderer")


def test_no_faces_are_refused(tmp_path):
    with pytest.raises(InputError):
        stored_faces(0, 16, 3, tmp_path)
