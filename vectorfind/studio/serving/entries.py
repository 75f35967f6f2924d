"""The characters that are served: loaded, drawn once, each under an id of its own."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from property_cnn.common.errors import InputError
from vectorfind.characters.character import DYE, SUFFIX, Character, load_character
from vectorfind.models.protocols import Generator, digest_of
from vectorfind.studio.serving.settings import RESERVED

_LONGEST_ID = 64


@dataclass(frozen=True, eq=False)
class Entry:
    """A character under its id.

    Attributes:
        id: of small letters, digits and hyphens.
        character: with its generator loaded.
        height, width: of its pictures.
        digest: of all that its pictures follow from, but for what a request asks.
    """

    id: str
    character: Character
    height: int
    width: int
    digest: str

    @classmethod
    def of(cls, id: str, character: Character) -> Entry:
        """Of a character, which is drawn once."""
        generator = character.generator
        character = character.attached(generator)
        height, width, _ = character.render().shape
        hashed = hashlib.sha256(digest_of(generator).encode())
        face = character.face
        hashed.update(repr((sorted(character.dye.items()), face.layer, height, width)).encode())
        hashed.update(np.ascontiguousarray(face.latent))
        for name in face.properties:
            way, response = face.ways[name], face.responses[name]
            hashed.update(repr((name, response.rest)).encode())
            for array in (way.strengths, way.moves, response.sliders, response.strengths):
                hashed.update(np.ascontiguousarray(array))
        return cls(id, character, height, width, hashed.hexdigest())

    def described(self) -> dict[str, Any]:
        """As JSON can hold it."""
        face, character = self.character.face, self.character
        return {
            "id": self.id,
            "name": character.name,
            "note": character.note,
            "properties": {
                name: {
                    "least": -1,
                    "most": 1,
                    "rest": face.responses[name].rest,
                    "score": {"low": face.responses[name].low, "high": face.responses[name].high},
                }
                for name in face.properties
            },
            "dye": {key: character.dye[name] for key, name in DYE.items() if name in character.dye},
            "image": {"width": self.width, "height": self.height},
            "thumbnail": f"/characters/{quote(self.id)}/thumbnail",
            "render": f"/render?character={quote(self.id)}",
        }


def load_entries(
    paths: Sequence[str | os.PathLike],
    generator: str | os.PathLike | Generator | None = None,
    size: int | None = None,
    device: str | None = None,
) -> dict[str, Entry]:
    """Entries by id, of files in the order given; ids are made of the characters' names.

    Args:
        paths: files of characters, or folders of them; a file that comes twice is taken once.
        generator, size, device: see `load_character`.

    Raises:
        InputError: a folder holds none, or a property is called as a parameter of requests.
        CheckpointError: a character or its generator is missing, damaged or foreign.
    """
    entries: dict[str, Entry] = {}
    for path in _files(paths):
        character = load_character(path, generator, size, device)
        _check_properties(path, character.properties)
        id = unique(slug(character.name) or slug(path.stem) or "character", entries)
        entries[id] = Entry.of(id, character)
    return entries


def slug(name: str) -> str:
    """Small letters, digits and single hyphens of a name; "" where none is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:_LONGEST_ID].strip("-")


def unique(id: str, taken: Collection[str]) -> str:
    """The id, or the first of id-2, id-3, … that is not taken."""
    number, found = 1, id
    while found in taken:
        number += 1
        found = f"{id}-{number}"
    return found


def _files(paths: Sequence[str | os.PathLike]) -> list[Path]:
    found: dict[Path, Path] = {}
    for path in map(Path, paths):
        inside = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
        if not inside:
            raise InputError(f"{path} holds no character, no {SUFFIX}; make some: vectorfind pick")
        for each in inside:
            found.setdefault(each.resolve(), each)
    if not found:
        raise InputError("no character; name files or folders of them")
    return list(found.values())


def _check_properties(path: Path, properties: Sequence[str]) -> None:
    for name in (*RESERVED, *DYE):
        if name in properties:
            raise InputError(f"{path} has a property {name!r}, which means something else in a URL")
