"""Checks of what users give: each raises an InputError that says what is allowed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from numbers import Integral

from property_cnn.common.errors import InputError

DTYPES = ("float32", "bfloat16")
"""Precisions that networks can be trained in."""


def choose(what: str, given: str, allowed: Collection[str]) -> str:
    """`given` if it is allowed; else InputError with the allowed names."""
    if given not in allowed:
        raise InputError(f"unknown {what} {given!r}; choose one of {', '.join(allowed)}")
    return given


def check_names(what: str, given: Sequence[str], allowed: Collection[str]) -> None:
    """Raises InputError for a name that is not allowed or stands twice."""
    if isinstance(given, str):
        raise InputError(f"{what} is the text {given!r}; give a tuple of names, as ({given!r},)")
    for name in given:
        choose(what, name, allowed)
    if len(set(given)) < len(given):
        raise InputError(f"a {what} stands twice in {', '.join(given)}; name each once")


def check_strengths(strengths: Mapping[str, Sequence[float]], properties: Sequence[str]) -> None:
    """Raises InputError unless each named property is known and has at least two finite values."""
    check_names("property of strengths", tuple(strengths), properties)
    for name, values in strengths.items():
        finite = all(abs(value) < float("inf") for value in values)
        if len(set(values)) < 2 or not finite:
            raise InputError(f"strengths of {name} are {values}; give two or more finite numbers")


def check_count(name: str, value: int, least: int = 1) -> None:
    """Raises InputError for what is no whole number of at least `least`."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise InputError(f"{name} is {value!r}; give a whole number of at least {least}")


def check_seed(value: int) -> None:
    """Raises InputError for what is no whole number of at least 0."""
    check_count("seed", value, 0)


def check_positive(name: str, value: float) -> None:
    """Raises InputError for a number that is not above 0 and finite."""
    if not 0.0 < value < float("inf"):
        raise InputError(f"{name} is {value!r}; give a number above 0")


def check_share(name: str, value: float, upper: float) -> None:
    """Raises InputError for a number that is not above 0 and at most `upper`."""
    if not 0.0 < value <= upper:
        raise InputError(f"{name} is {value!r}; give a number above 0 and at most {upper}")


def check_within(name: str, value: float, least: float = 0.0, most: float = 1.0) -> None:
    """Raises InputError for a number that is not in [least, most]."""
    if not least <= value <= most:
        raise InputError(f"{name} is {value!r}; give a number from {least:g} to {most:g}")
