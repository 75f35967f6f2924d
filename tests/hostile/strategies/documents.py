"""JSON documents with entries of wrong types, missing, added, nested, or that are no JSON."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from tests.hostile.strategies.damage import damaged

_DEEP = 3000

TEXTS = (
    b"", b" ", b"null", b"true", b"0", b'""', b"[]", b"{}", b"{", b"[1,", b"\xff\xfe{\0}\0",
    b"\xef\xbb\xbf{}", b"[" * 100_000, b'{"a":' * _DEEP + b"1" + b"}" * _DEEP,
    b'{"a": ' + b"9" * 5000 + b"}", b'{"a": NaN}', b'{"a": 1e999}', b'{"a": 1, "a": 2}',
    b'{"a": "\\ud800"}', b"\0" * 64, b"\xc3(",
)  # fmt: skip
"""What no program should write."""

LEAVES = (
    None, True, False, 0, -1, 1, 2, 10**30, 2**63, 0.5, -0.5, 1e308, float("nan"), float("inf"), "",
    "x", "0", "nan", "../../../x", "/etc/passwd", "$x^{", "<b>&", "a\0b", "x" * 7000, "é\u202e", [],
    {}, [[]], {"": None}, [None], ["x"], [1, "x"], {"a": {"b": [1]}}, [0] * 1000,
)  # fmt: skip

Place = tuple[str | int, ...]


def places(document: Any, before: Place = ()) -> Iterator[Place]:
    """The keys that lead to each value within."""
    if isinstance(document, dict | list):
        inner = document.items() if isinstance(document, dict) else enumerate(document)
        for key, value in inner:
            yield (*before, key)
            yield from places(value, (*before, key))


def altered(document: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """The document as JSON text with one to three values replaced, removed or added; or damaged."""
    where = st.sampled_from([*places(document)])
    how = st.sampled_from(("replace", "replace", "remove", "add", "wrap"))
    step = st.tuples(where, how, st.sampled_from(LEAVES))
    steps = st.lists(step, min_size=1, max_size=3)
    whole = json.dumps(document, indent=2).encode()
    return st.one_of(
        st.builds(lambda chosen: _applied(document, chosen), steps),
        st.builds(lambda chosen: _applied(document, chosen), steps),
        damaged(whole),
        st.sampled_from(TEXTS),
    )


def _applied(document: dict[str, Any], steps: list[tuple[Place, str, Any]]) -> bytes:
    document = copy.deepcopy(document)
    for place, how, value in steps:
        holder = _holder(document, place)
        if holder is None:  # an earlier step has taken it away
            continue
        key = place[-1]
        if how == "remove":
            del holder[key]
        elif how == "add" and isinstance(holder, dict):
            holder[f"{key}2"] = value
        else:
            holder[key] = [holder[key]] if how == "wrap" else value
    return json.dumps(document).encode("utf-8", "surrogatepass")


def _holder(document: Any, place: Place) -> Any:
    for key in place[:-1]:
        if not _has(document, key):
            return None
        document = document[key]
    return document if _has(document, place[-1]) else None


def _has(document: Any, key: str | int) -> bool:
    if isinstance(document, list):
        return isinstance(key, int) and key < len(document)
    return isinstance(document, dict) and key in document
