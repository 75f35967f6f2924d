"""What a pickle may name, and the plain symbols that stand for what it would have made.

A pickle is a program: it names functions and classes and has them called. Here names and calls
stay symbols, and a file that names anything outside the list in `known` is refused as a whole,
whether the name is called, stored or handed on.
"""

from __future__ import annotations

from dataclasses import dataclass

from property_cnn.common.errors import CheckpointError
from stylegan_ft.pickles.known import ALLOWED, FORMER

INSTEAD = "if you trust its source, save the generator's state_dict() alone and give that"
"""What helps where a file is refused."""

TENSORFLOW = ("dnnlib.tflib.", "tensorflow.")
"""Beginnings of the names that NVlabs' first pickles, of TensorFlow, mention."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes that stay in the file: where they start and how many they are."""

    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Global:
    """A function or class by its full name."""

    name: str


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


def known_global(module: str, name: str) -> Global:
    """The symbol of a name in a file.

    Raises:
        CheckpointError: it is not on the list.
    """
    full = f"{FORMER.get(module, module)}.{name}"
    if full in ALLOWED and "." not in name:  # such a name could lead from a module to another
        return Global(full)
    if full.startswith(TENSORFLOW):
        raise CheckpointError(
            "it is a TensorFlow pickle; convert it with legacy.py of NVlabs' stylegan3 and give "
            "the new file"
        )
    shown = f"{module}.{name}"[:100]
    raise CheckpointError(
        f"it names {shown!r}, which no file of weights needs, so nothing of it was read; {INSTEAD}"
    )
