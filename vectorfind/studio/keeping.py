"""The folder of saved characters: names become files in it, and none is replaced unasked."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from property_cnn.common.errors import InputError
from property_cnn.common.folders import writable_folder
from vectorfind.characters.character import SUFFIX, Character

_NAME = re.compile(r"[\w][\w .-]{0,63}")


class TakenError(InputError):
    """A character of that name is there already."""


@dataclass(frozen=True)
class Shelf:
    """A folder of characters.

    Attributes:
        folder: made when the first is saved.
    """

    folder: Path

    def names(self) -> list[str]:
        """What is there, in order."""
        if not self.folder.is_dir():
            return []
        return sorted(path.name.removesuffix(SUFFIX) for path in self.folder.glob(f"*{SUFFIX}"))

    def path(self, name: str) -> Path:
        """The file of a name.

        Raises:
            InputError: it cannot name a file here.
        """
        name = str(name or "").strip().removesuffix(SUFFIX)
        if not _NAME.fullmatch(name) or name.endswith((".", " ")):
            raise InputError(
                "a character needs a name of up to 64 letters, digits, spaces, dots and dashes"
            )
        return self.folder / f"{name}{SUFFIX}"

    def save(self, character: Character, name: str, replace: bool = False) -> Path:
        """Writes the character under a name.

        Raises:
            TakenError: the name is taken, and it shall not be replaced.
            InputError: it cannot name a file, or the folder cannot be written to.
        """
        path = self.path(name)
        if not replace and os.path.lexists(path):
            raise TakenError(f"{path.name} is there already; replace it, or give another name")
        writable_folder(self.folder)
        character.save(path)
        return path
