"""What a request asks for: checked, clipped to what is allowed, and drawn."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import parse_qsl

import numpy as np
import PIL
import torch
from PIL import Image

from property_cnn.common.checks import choose, named_once, refused, shown
from property_cnn.common.errors import InputError, VectorfindError
from property_cnn.pictures import encoded
from vectorfind import __version__
from vectorfind.characters.character import DYE, Character
from vectorfind.studio.serving.entries import Entry
from vectorfind.studio.serving.settings import FORMS, LEAST_SIDE, MOST_SIDE, RESERVED

_MOST_FIELDS = 128
_DRAWN_BY = f"{__version__} {torch.__version__} {PIL.__version__}"


class Refusal(VectorfindError):
    """A request is not answered.

    Attributes:
        status: HTTP's code.
        headers: of the answer.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None):
        super().__init__(message)
        self.status, self.headers = status, dict(headers or {})


@dataclass(frozen=True)
class Question:
    """A picture that is wanted.

    Attributes:
        character: its id.
        values: names and numbers, sorted, as `Character.render` takes them.
        form: one of `FORMS`.
        size: of the longer side in pixels; None for the generator's.
        clipped: names of the numbers that were out of range.
    """

    character: str
    values: tuple[tuple[str, float | None], ...]
    form: str = "png"
    size: int | None = None
    clipped: tuple[str, ...] = ()

    def tag(self, entry: Entry) -> str:
        """What names the picture: the same only of what gives the same bytes. A strong ETag."""
        asked = (entry.digest, self.values, self.form, self.size, _DRAWN_BY)
        return f'"{hashlib.sha256(repr(asked).encode()).hexdigest()[:32]}"'


def from_query(query: str) -> dict[str, str]:
    """Names and texts of a URL's query.

    Raises:
        InputError: a name comes twice, or there are too many.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise InputError(f"more than {_MOST_FIELDS} parameters; give fewer") from error
    return named_once("parameter", pairs)


def from_json(body: bytes) -> dict[str, Any]:
    """Names and values of a JSON object.

    Raises:
        InputError: it is none, or a name comes twice.
    """
    try:
        given = json.loads(body, object_pairs_hook=_Pairs, parse_constant=_no_constant)
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError("the body is no JSON; send an object as in /schema") from error
    if not isinstance(given, _Pairs):
        raise InputError('the body is no JSON object; send one as {"character": "anna"}')
    return named_once("parameter", given)


def question_of(given: Mapping[str, Any], entries: Mapping[str, Entry]) -> Question:
    """What is asked by names and values, which are texts or numbers.

    Raises:
        Refusal: there is no such character.
        InputError: a name is unknown, or a value no number.
    """
    id = given.get("character")
    if id is None:
        raise InputError("character is missing; GET /characters lists them")
    if not isinstance(id, str) or id not in entries:
        raise Refusal(404, f"unknown character {shown(id)}; GET /characters lists them")
    properties = entries[id].character.properties
    form = choose("format", given.get("format", "png"), tuple(FORMS))
    size = _side(given["size"]) if given.get("size") is not None else None
    values, clipped = {}, []
    for name in sorted(set(given) - set(RESERVED)):
        choose("parameter", name, (*properties, *DYE, *RESERVED))
        if name == "ombre_color" and given[name] in (None, "none"):
            values[name] = None
            continue
        number = _number(name, given[name])
        values[name] = min(max(number, 0.0 if name in DYE else -1.0), 1.0)
        if values[name] != number:
            clipped.append(name)
    return Question(id, tuple(values.items()), form, size, tuple(clipped))


def picture(character: Character, question: Question) -> bytes:
    """The picture as bytes of a file; as `Character.render` and `encoded` give it."""
    pixels = character.render(**dict(question.values))
    return encoded(resized(pixels, question.size), FORMS[question.form])


def resized(pixels: np.ndarray, size: int | None) -> np.ndarray:
    """Pixels (H, W, 3) with a longer side of `size`, by Lanczos; as they are for None."""
    longer = max(pixels.shape[:2])
    if size is None or size == longer:
        return pixels
    height, width = (max(1, round(side * size / longer)) for side in pixels.shape[:2])
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))


class _Pairs(list):
    """A JSON object's names and values, as they stand."""


def _no_constant(name: str) -> NoReturn:
    raise InputError(f"{name} is no number of JSON; give a finite one")


def _number(name: str, value: Any) -> float:
    kind = (str, int, float)
    try:
        number = float(value) if isinstance(value, kind) and value is not True else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or isinstance(value, bool):
        raise refused(name, value, "a finite number")
    return number


def _side(value: Any) -> int:
    number = _number("size", value)
    if number != int(number) or not LEAST_SIDE <= number <= MOST_SIDE:
        raise refused("size", value, f"a whole number from {LEAST_SIDE} to {MOST_SIDE:,}")
    return int(number)


def names_of(entries: Iterable[Entry]) -> tuple[str, ...]:
    """All properties of some characters, each once."""
    return tuple(dict.fromkeys(name for each in entries for name in each.character.properties))
