"""Checks of what users give: each raises an InputError that says what is allowed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from property_cnn.common.errors import InputError


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


def check_count(name: str, value: int) -> None:
    """Raises InputError for what is no whole number of at least 1."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(f"{name} is {value!r}; give a whole number of at least 1")


def check_seed(value: int) -> None:
    """Raises InputError for what is no whole number of at least 0."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InputError(f"seed is {value!r}; give a whole number of at least 0")


def check_positive(name: str, value: float) -> None:
    """Raises InputError for a number that is not above 0 and finite."""
    if not 0.0 < value < float("inf"):
        raise InputError(f"{name} is {value!r}; give a number above 0")


def check_share(name: str, value: float, upper: float) -> None:
    """Raises InputError for a number that is not above 0 and at most `upper`."""
    if not 0.0 < value <= upper:
        raise InputError(f"{name} is {value!r}; give a number above 0 and at most {upper}")
