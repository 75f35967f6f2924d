"""What users may give: types and ranges stated once, beside a setting's field, and checked here.

    @dataclass(frozen=True)
    class SamplingSettings(Settings):
        n: Samples = 4000
        ratio: Annotated[float, Number(0, 0.5, above=True)] = 0.2
        layer: str | None = None

Such an object holds allowed values only, as Python's own numbers and tuples whatever kind of
number or sequence was given. Every refusal is an InputError that names the setting, what was
given and what is allowed.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Protocol, Union, get_args, get_origin, get_type_hints

from property_cnn.common.errors import InputError

DTYPES = ("float32", "bfloat16")
"""Precisions that networks can be trained in."""

MOST_STRENGTH = 1000.0
"""Largest strength of an edit; up to 2 are usual."""

_SHOWN = 40
"""Most characters of a value in a message."""

_URL = re.compile(r"[A-Za-z][\w+.-]+://")


class Rule(Protocol):
    """What a value may be, as `Annotated` takes it."""

    def check(self, name: str, value: Any) -> Any:
        """The value as it is kept; InputError for one that is not allowed."""
        ...


@dataclass(frozen=True)
class Whole:
    """A whole number from `least` to `most`."""

    least: int = 1
    most: int = 10**9

    def check(self, name: str, value: Any) -> int:
        """The number as Python's int."""
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        if not whole or not self.least <= value <= self.most:
            raise refused(name, value, f"a whole number from {self.least:,} to {self.most:,}")
        return int(value)


@dataclass(frozen=True)
class Number:
    """A finite number from `least` to `most`; `above` and `below` leave the ends out."""

    least: float = -math.inf
    most: float = math.inf
    above: bool = False
    below: bool = False

    def check(self, name: str, value: Any) -> float:
        """The number as Python's float."""
        real = isinstance(value, Real) and not isinstance(value, bool)
        if real and self.least <= value <= self.most and _finite(value):
            at_end = (self.above and value == self.least) or (self.below and value == self.most)
            if not at_end:
                return float(value)
        raise refused(name, value, self._allowed())

    def _allowed(self) -> str:
        if math.isinf(self.least):
            return "a finite number"
        if math.isinf(self.most):
            return f"a number {'above' if self.above else 'of at least'} {self.least:g}"
        if self.above:
            end = "below" if self.below else "at most"
            return f"a number above {self.least:g} and {end} {self.most:g}"
        return f"a number from {self.least:g} to {'below ' * self.below}{self.most:g}"


@dataclass(frozen=True)
class OneOf:
    """One of some names; `what` is what errors call them."""

    what: str
    allowed: tuple[str, ...]

    def check(self, name: str, value: Any) -> str:
        """The name."""
        return choose(self.what, value, self.allowed)


@dataclass(frozen=True)
class Strengths:
    """Strengths of a grid: two or more different numbers."""

    most: int = 100

    def check(self, name: str, value: Any) -> tuple[float, ...]:
        """The numbers as Python's floats."""
        number = Number(-MOST_STRENGTH, MOST_STRENGTH)
        try:
            numbers = tuple(number.check(name, each) for each in _items(name, value))
        except InputError:
            numbers = ()
        if not 2 <= len(set(numbers)) <= len(numbers) <= self.most:
            allowed = f"two to {self.most} finite numbers up to {MOST_STRENGTH:g}, not all the same"
            raise refused(name, value, allowed)
        return numbers


Count = Annotated[int, Whole()]
Seed = Annotated[int, Whole(0, 2**32 - 1)]  # that streams, PyTorch and scikit-learn all take
Samples = Annotated[int, Whole(1, 10_000_000)]
Cases = Annotated[int, Whole(1, 1_000_000)]
Batch = Annotated[int, Whole(1, 65_536)]
Decay = Annotated[float, Number(0, 1, above=True)]
Factor = Annotated[float, Number(0)]
Positive = Annotated[float, Number(0, above=True)]
Share = Annotated[float, Number(0, 1)]
PartShare = Annotated[float, Number(0, 1, below=True)]
Grid = Mapping[str, Annotated[tuple[float, ...], Strengths()]]
Workers = Annotated[int, Whole(1, 1_000)]
TrainingDtype = Annotated[str, OneOf("dtype", DTYPES)]


class Settings:
    """Base of dataclasses whose fields say by their annotations what they may be."""

    def __post_init__(self) -> None:
        """InputError for a value that its field's annotation does not allow."""
        for name, hint in _hints(type(self)).items():
            given = getattr(self, name)
            kept = checked(name, given, hint)
            if kept is not given:
                object.__setattr__(self, name, kept)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def checked(name: str, value: Any, hint: Any) -> Any:
    """The value as it is kept, of a type as annotations say it.

    Args:
        name: what errors call it.
        value: as it was given.
        hint: `Annotated` with a `Rule`, a class, a union, tuple[X, ...] or Mapping[str, X].

    Raises:
        InputError: it is not allowed.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return hint.__metadata__[0].check(name, value)
    if origin in (Union, UnionType):
        kinds = [kind for kind in arguments if kind is not NoneType]
        if value is None and len(kinds) < len(arguments):
            return None
        return checked(name, value, kinds[0]) if len(kinds) == 1 else _instance(name, value, kinds)
    if origin is tuple:
        return tuple(checked(name, each, arguments[0]) for each in _items(name, value))
    if origin is Mapping:
        if not isinstance(value, Mapping):
            raise refused(name, value, "a mapping from names to values")
        texts = {checked(f"a name in {name}", key, str): each for key, each in value.items()}
        return {key: checked(f"{name} of {key}", each, arguments[1]) for key, each in texts.items()}
    if hint in _PLAIN:
        return _PLAIN[hint].check(name, value)
    return _instance(name, value, [hint])


def _instance(name: str, value: Any, kinds: Sequence[type]) -> Any:
    if not isinstance(value, tuple(kinds)):
        raise refused(name, value, " or ".join(f"a {kind.__name__}" for kind in kinds))
    return value


def _items(name: str, value: Any) -> tuple[Any, ...]:
    """What is in a sequence; InputError for a text or what is no sequence."""
    if isinstance(value, str):
        raise InputError(f"{name} is the text {shown(value)}; give a tuple, as ({shown(value)},)")
    if not isinstance(value, Iterable) or isinstance(value, bytes | Mapping):
        raise refused(name, value, "a tuple")
    try:
        return tuple(value)
    except TypeError as error:  # an array of no dimension
        raise refused(name, value, "a tuple") from error


@dataclass(frozen=True)
class _Kind:
    """Values of one class, kept as Python's own."""

    kind: type
    allowed: str

    def check(self, name: str, value: Any) -> Any:
        if isinstance(value, self.kind):
            return self.kind(value)
        if self.kind is bool and type(value).__name__ in ("bool", "bool_"):  # NumPy's
            return bool(value)
        raise refused(name, value, self.allowed)


@dataclass(frozen=True)
class _File:
    """The path of a file or folder."""

    def check(self, name: str, value: Any) -> Path:
        if not isinstance(value, str | os.PathLike):
            raise refused(name, value, "a path")
        return Path(value)


_PLAIN: dict[Any, Rule] = {
    bool: _Kind(bool, "True or False"),
    str: _Kind(str, "a text"),
    int: Whole(-(2**63), 2**63 - 1),
    float: Number(),
    Path: _File(),
}


def refused(name: str, value: object, allowed: str) -> InputError:
    """The error that says that `name` was given a value that is not allowed."""
    return InputError(f"{name} is {shown(value)}; give {allowed}")


def shown(value: object) -> str:
    """The value as a message shows it: its repr, cut to 40 characters."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # whatever a foreign repr, or one of thousands of digits, does
        text = f"a {type(value).__name__}"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _finite(value: Real) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond floats
        return False


def choose(what: str, given: str, allowed: Collection[str]) -> str:
    """`given` if it is allowed; else InputError with the allowed names."""
    if not isinstance(given, str) or given not in allowed:
        raise InputError(f"unknown {what} {shown(given)}; choose one of {', '.join(allowed)}")
    return given


def check_names(what: str, given: Sequence[str], allowed: Collection[str]) -> None:
    """Raises InputError for a name that is not allowed or stands twice."""
    if isinstance(given, str):
        raise InputError(f"{what} is the text {given!r}; give a tuple of names, as ({given!r},)")
    for name in given:
        choose(what, name, allowed)
    if len(set(given)) < len(given):
        raise InputError(f"a {what} stands twice in {', '.join(given)}; name each once")


def named_once(what: str, pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs as a mapping; InputError where one name is given twice."""
    pairs = list(pairs)
    names = [name for name, _ in pairs]
    check_names(what, names, names)
    return dict(pairs)


def check_count(name: str, value: int, least: int = 1) -> None:
    """Raises InputError for what is no whole number of at least `least`."""
    Whole(least).check(name, value)


def check_within(name: str, value: float, least: float = 0.0, most: float = 1.0) -> None:
    """Raises InputError for a number that is not in [least, most]."""
    Number(least, most).check(name, value)


def is_url(given: object) -> bool:
    """Whether a place was given as a URL, such as s3://bucket/samples."""
    return not isinstance(given, os.PathLike) and _URL.match(str(given)) is not None
