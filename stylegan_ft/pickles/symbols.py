"""The plain symbols that stand for what a pickle names and for what it would have made.

A pickle is a program: it names functions and classes and has them called. Here names and calls
stay symbols. Those on the list in `known` are what weights are made of. Others are foreign: they
stay inert, may hang beside the weights, as the objects of a training do, and are told to the user.
A name of Python's own library that is not on the list refuses the file: no training leaves one.
"""

from __future__ import annotations

import sys
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from dataclasses import dataclass

from property_cnn.common.errors import CheckpointError
from stylegan_ft.pickles.known import ALLOWED, FORMER

INSTEAD = "if you trust its source, save the generator's state_dict() alone and give that"
"""What helps where a file is refused."""

STANDARD = sys.stdlib_module_names.union(
    module.partition(".")[0]
    for module in (*IMPORT_MAPPING, *(module for module, _ in NAME_MAPPING))
)
"""Python's own library, by its names in Python 2 too, which protocols 0 to 2 write."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes that stay in the file: where they start and how many they are.

    Attributes:
        coding: of the text that they are; "" where they are bytes.
    """

    start: int
    length: int
    coding: str = ""


@dataclass(frozen=True, slots=True)
class Global:
    """A function or class by its full name."""

    name: str

    @property
    def foreign(self) -> bool:
        """Whether it is not on the list of what weights are made of."""
        return self.name not in ALLOWED


@dataclass(frozen=True, slots=True, repr=False)
class Persistent:
    """What the file's writer kept outside the pickle, by its identification."""

    pid: object


@dataclass(eq=False, slots=True, repr=False)
class Call:
    """What calling a function or class would have made.

    It has no text of its own, which could be endless.

    Attributes:
        name: full name of what would be called.
        args: its arguments.
        state: what would be set on the result afterwards.
    """

    name: str
    args: tuple
    state: object = None

    @property
    def foreign(self) -> bool:
        """Whether its name is not on the list of what weights are made of."""
        return self.name not in ALLOWED


def symbol_of(module: str, name: str) -> Global:
    """The symbol of a name in a file.

    Raises:
        CheckpointError: it is of Python's own library and not on the list, or leads along dots
            from one object to another, perhaps to another module.
    """
    module = FORMER.get(module, module)
    found = Global(f"{module}.{name}")
    if "." not in name and (not found.foreign or module.partition(".")[0] not in STANDARD):
        return found
    raise CheckpointError(
        f"it names {found.name[:100]!r}, which no file of weights needs, so nothing of it was "
        f"read; {INSTEAD}"
    )
