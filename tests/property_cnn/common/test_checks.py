"""Settings hold what their fields' annotations allow, and refuse all else in one way."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest

from property_cnn.common.checks import (
    Grid,
    Number,
    OneOf,
    Positive,
    Seed,
    Settings,
    Share,
    Whole,
    shown,
)
from property_cnn.common.errors import InputError


@dataclass(frozen=True)
class Some(Settings):
    n: Annotated[int, Whole(1, 10)] = 2
    layers: Annotated[int, Whole(1, 10)] | None = None
    ratio: Annotated[float, Number(0, 0.5, above=True)] = 0.2
    share: Share = 1.0
    rate: Positive = 1.0
    seed: Seed = 0
    kind: Annotated[str, OneOf("kind", ("svm", "mixed"))] = "svm"
    names: tuple[str, ...] | None = None
    counts: tuple[Annotated[int, Whole(1, 10)], ...] = (1, 2)
    least: Mapping[str, Share] | None = None
    grid: Grid | None = None
    on: bool = False
    text: str = ""
    folder: Path | None = None


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({"n": np.int64(7)}, 7),
        ({"ratio": np.float32(0.25)}, 0.25),
        ({"rate": 3}, 3.0),
        ({"on": np.bool_(True)}, True),
        ({"names": ["eyes", np.str_("pose")]}, ("eyes", "pose")),
        ({"names": ()}, ()),
        ({"counts": np.array([3, 4])}, (3, 4)),
        ({"least": {"eyes": 1}}, {"eyes": 1.0}),
        ({"grid": {"eyes": np.array([-1, 1])}}, {"eyes": (-1.0, 1.0)}),
        ({"folder": "here"}, Path("here")),
        ({"layers": None}, None),
        ({"seed": 2**32 - 1}, 2**32 - 1),
    ],
)
def test_what_is_allowed_is_kept_as_pythons_own(change, kept):
    (name,) = change
    value = getattr(Some(**change), name)
    assert value == kept
    assert type(value) is type(kept)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 11}, "n is 11; give a whole number from 1 to 10"),
        ({"n": 2.0}, "n is 2.0; give a whole number from 1 to 10"),
        ({"n": True}, "n is True; give a whole"),
        ({"n": None}, "n is None; give a whole"),
        ({"n": 10**6000}, "n is a int; give a whole"),
        ({"layers": "5"}, "layers is '5'; give a whole"),
        ({"ratio": 0}, "ratio is 0; give a number above 0 and at most 0.5"),
        ({"ratio": "5"}, "ratio is '5'"),
        ({"ratio": 10**400}, "ratio is 1000"),
        ({"share": 1.1}, "share is 1.1; give a number from 0 to 1"),
        ({"share": float("nan")}, "share is nan"),
        ({"share": 1j}, "share is 1j"),
        ({"rate": float("inf")}, "rate is inf; give a number above 0"),
        ({"seed": -1}, "seed is -1; give a whole number from 0 to 4,294,967,295"),
        ({"seed": 2**32}, "seed is 4294967296; give a whole number from 0"),
        ({"kind": "tree"}, "unknown kind 'tree'; choose one of svm, mixed"),
        ({"kind": 3}, "unknown kind 3; choose one of svm, mixed"),
        ({"kind": []}, r"unknown kind \[\]"),
        ({"names": 5}, "names is 5; give a tuple"),
        ({"names": "eyes"}, r"names is the text 'eyes'; give a tuple, as \('eyes',\)"),
        ({"names": ("eyes", 5)}, "names is 5; give a text"),
        ({"names": {"eyes": 1}}, "names is {'eyes': 1}; give a tuple"),
        ({"names": np.array(3)}, r"names is array\(3\); give a tuple"),
        ({"counts": (1, 0)}, "counts is 0; give a whole number"),
        ({"least": "x"}, "least is 'x'; give a mapping"),
        ({"least": {"eyes": "x"}}, "least of eyes is 'x'; give a number from 0 to 1"),
        ({"least": {5: 1}}, "a name in least is 5; give a text"),
        ({"grid": {"eyes": None}}, "grid of eyes is None; give two to 100 finite numbers"),
        ({"grid": {"eyes": "ab"}}, "grid of eyes is 'ab'; give two"),
        ({"grid": {"eyes": (1, 1)}}, r"grid of eyes is \(1, 1\); give two"),
        ({"grid": {"eyes": (0, float("inf"))}}, "give two to 100 finite"),
        ({"on": 1}, "on is 1; give True or False"),
        ({"text": 3}, "text is 3; give a text"),
        ({"folder": 3}, "folder is 3; give a path"),
    ],
)
def test_what_is_not_allowed_is_named_with_what_is(change, message):
    with pytest.raises(InputError, match=message):
        Some(**change)


def test_a_value_in_a_message_is_short_and_one_line():
    class Rude:
        def __repr__(self):
            raise RuntimeError

    assert shown(tuple(range(100))) == "(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …"
    assert shown("a\nb" * 3) == repr("a\nb" * 3)
    assert "\n" not in shown(np.zeros((3, 3)))
    assert shown(Rude()) == "a Rude"


def test_all_settings_are_checked():
    """A class of settings that is no `Settings` would take whatever it is given."""
    root = Path(__file__).parents[3]
    bare = re.compile(r"^class \w*Settings:", re.MULTILINE)
    packages = ("property_cnn", "stylegan_ft", "vectorfind")
    sources = [path for package in packages for path in sorted((root / package).rglob("*.py"))]
    found = [match for path in sources for match in bare.findall(path.read_text("utf-8"))]
    assert found == ["class Settings:"]
