"""Checks of settings that come out of files, and reading of the originals' keyword arguments."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from property_cnn.common.errors import CheckpointError, InputError

Config = TypeVar("Config")

LARGEST = 65536
"""Largest size that a setting may name: a file that asks for more is damaged."""


def check_sizes(config: object, **limits: int | tuple[int, int]) -> None:
    """InputError unless the fields named are whole numbers from the given ones to `LARGEST`, or
    to the second of two given ones.
    """
    for name, limit in limits.items():
        value = getattr(config, name)
        least, most = (limit, LARGEST) if isinstance(limit, int) else limit
        if type(value) is not int or not least <= value <= most:
            raise InputError(f"{name} {value!r}: it must be a whole number from {least} to {most}")


def check_counts(name: str, counts: Sequence[object]) -> None:
    """InputError unless all are whole numbers from 1 to `LARGEST`."""
    if not all(type(count) is int and 1 <= count <= LARGEST for count in counts):
        raise InputError(f"{name} {counts}: they must be whole numbers from 1 to {LARGEST}")


def check_switches(config: object, *names: str) -> None:
    """InputError unless the fields named are True or False."""
    for name in names:
        value = getattr(config, name)
        if type(value) is not bool:
            raise InputError(f"{name} {value!r}: it must be True or False")


def finite(name: str, value: object) -> float:
    """The number as a float; InputError if it is none, or not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{name} {value!r}: it must be a finite number")
    return float(value)


def config_of(kind: type[Config], settings: Mapping[str, Any], *read: Keywords) -> Config:
    """The settings of a network, once an original's keyword arguments are read.

    Args:
        read: those that the settings were taken from.

    Raises:
        CheckpointError: arguments are left, or a setting is not an allowed one.
    """
    for keywords in read:
        keywords.finish()
    try:
        return kind(**settings)
    except InputError as error:
        raise CheckpointError(f"the generator's arguments: {error}") from error


TRAINING = ("freeze_layers", "freeze_embed")
"""Arguments of forks of NVlabs' projects, as stylegan3-fun, that concern training alone: layers
whose weights stay."""


def training_arguments(given: Mapping[str, Any]) -> list[str]:
    """Those of `TRAINING` among an original's arguments and the dictionaries in them."""
    inner = [part for part in given.values() if isinstance(part, Mapping)]
    return [name for name in TRAINING if any(name in part for part in (given, *inner))]


class Keywords:
    """Keyword arguments of an original's class: each is taken once, and what is left is foreign.

    Args:
        what: what errors call them.
    """

    def __init__(self, what: str, given: Mapping[str, Any]):
        if not isinstance(given, Mapping):
            raise CheckpointError(f"{what} are no dictionary but a {type(given).__name__}")
        self.what, self.left = what, dict(given)

    def take(self, name: str, *default: Any) -> Any:
        """The value; where it is absent the default, or CheckpointError if there is none."""
        if name not in self.left and not default:
            raise CheckpointError(f"{self.what} lack {name}")
        return self.left.pop(name, *default)

    def ignore(self, *names: str) -> None:
        """Drops arguments that make no difference to the images."""
        for name in names:
            self.left.pop(name, None)

    def finish(self) -> None:
        """CheckpointError if arguments are left, since they may change the network."""
        if self.left:
            names = ", ".join(str(name) for name in list(self.left)[:4])
            raise CheckpointError(f"{self.what} have {names}, which this library does not know")
