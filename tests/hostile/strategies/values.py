"""Values of settings: right ones, and of every wrong type, sign and size."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
from hypothesis import strategies as st

TEXTS = (
    "", " ", "a", "eyes", "w", "svm", "0", "5", "nan", "1e999", "../../x", "a\0b", "$x^{", "<b>&",
    "x" * 7000, "\ud800", "float32", "cpu", "meta", "cuda:99", "eyes=svm,eyes=svm", "w+0-99", "ё",
)  # fmt: skip
NUMBERS = (
    0, 1, 2, 5, -1, 16, 64, 2**31, 2**63, 10**30, -(10**30), True, False, 0.0, -0.0, 0.5, 1.0, 1.5,
    -0.25, 1e-320, 1e308, -1e308, float("inf"), float("-inf"), float("nan"), 1j, Decimal("0.5"),
    Fraction(1, 3), np.int8(5), np.int64(-3), np.uint64(2**64 - 1), np.float32(0.5),
    np.float64("nan"), np.bool_(True), np.float16(1),
)  # fmt: skip
THINGS = (
    None, object(), int, len, b"eyes", Path("eyes"), NotImplemented, ..., np.zeros(0), np.ones(3),
    np.full((2, 2), np.nan), np.array(["eyes"]), np.array(4000), np.datetime64("NaT"),
)  # fmt: skip

scalars = st.one_of(
    st.sampled_from(TEXTS), st.sampled_from(NUMBERS), st.sampled_from(THINGS),
    st.integers(-100, 10_000), st.floats(-2, 2), st.text(max_size=8),
)  # fmt: skip
_keys = st.sampled_from(("eyes", "mouth", "pose", "hairstyle", "", "x", 1, None))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(_keys, inner, max_size=3),
    ),
    max_leaves=6,
)
"""Anything at all that someone could give a setting."""


def changes(settings: type) -> st.SearchStrategy[dict[str, Any]]:
    """Fields of a dataclass -> values, some of them near those that are allowed."""
    names = [field.name for field in dataclasses.fields(settings) if field.init]
    return st.dictionaries(st.sampled_from(names), values, min_size=1, max_size=3)


def needed(settings: type) -> dict[str, Any]:
    """Values of the fields that have no default."""
    folders = {name: Path(name) for name in ("images", "maps", "labels")}
    own = {field.name for field in dataclasses.fields(settings)}
    given = {**folders, "classes": ("sky", "road") if "labels" in own else 2, "kind": "at"}
    return {
        field.name: given[field.name]
        for field in dataclasses.fields(settings)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }


def misfits(settings: Any) -> list[str]:
    """The fields that hold what their annotation does not say, or a number that is not finite."""
    hints = get_type_hints(type(settings))
    held = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    wrong = {name: value for name, value in held.items() if not _is(value, hints[name])}
    return [f"{name} is {value!r:.60}" for name, value in wrong.items()]


def _is(value: Any, hint: Any) -> bool:
    """Whether a value is of an annotated type; numbers of NumPy are as good as Python's."""
    origin, inner = get_origin(hint), get_args(hint)
    if hasattr(hint, "__metadata__"):  # Annotated
        return _is(value, inner[0])
    if origin in (Union, types.UnionType):
        return any(_is(value, each) for each in inner)
    if origin is Literal:
        return value in inner
    if origin is tuple:
        kinds = [inner[0]] * len(value) if Ellipsis in inner and isinstance(value, tuple) else inner
        return isinstance(value, tuple) and all(map(_is, value, kinds))
    if origin in (Sequence, list):
        one = isinstance(value, Sequence | np.ndarray) and not isinstance(value, str)
        return one and all(_is(each, inner[0]) for each in value)
    if origin in (Mapping, dict):
        return isinstance(value, Mapping) and all(
            _is(key, inner[0]) and _is(each, inner[1]) for key, each in value.items()
        )
    return _is_plain(value, hint)


def _is_plain(value: Any, hint: Any) -> bool:
    boolean = isinstance(value, bool | np.bool_)
    if hint is int:
        return isinstance(value, Integral) and not boolean
    if hint is float:
        return isinstance(value, Real) and not boolean and math.isfinite(value)
    return hint is Any or isinstance(value, hint)
