"""Requests: what they mean, what is clipped, and what is refused."""

import numpy as np
import pytest

from property_cnn.common.errors import InputError
from property_cnn.pictures import encoded
from vectorfind.studio.serving.asking import (
    Question,
    Refusal,
    from_json,
    from_query,
    picture,
    question_of,
    resized,
)
from vectorfind.studio.serving.entries import Entry


@pytest.fixture(scope="module")
def entries(anna, generator):
    return {"anna": Entry.of("anna", anna.attached(generator))}


def asked(entries, **given):
    return question_of({"character": "anna", **given}, entries)


def test_texts_and_numbers_mean_the_same(entries):
    text = asked(entries, mouth="0.5", eyes="-1", size="64", format="jpeg")
    number = asked(entries, eyes=-1, mouth=0.5, size=64, format="jpeg")
    assert text == number
    assert text == Question("anna", (("eyes", -1.0), ("mouth", 0.5)), "jpeg", 64)
    assert asked(entries, ombre_color="none") == asked(entries, ombre_color=None)


def test_what_is_out_of_range_is_clipped_and_named(entries):
    question = asked(entries, eyes=7, mouth=-1, pose="-1e300", ombre_color=-0.1)
    assert dict(question.values) == {"eyes": 1, "mouth": -1, "pose": -1, "ombre_color": 0}
    assert question.clipped == ("eyes", "ombre_color", "pose")


@pytest.mark.parametrize("value", ["", "a", "nan", "inf", "1,2", True, [1], {}, None, 10**400])
def test_what_is_no_number_is_refused(entries, value):
    with pytest.raises(InputError, match=r"eyes is .*; give a finite number"):
        asked(entries, eyes=value)


@pytest.mark.parametrize("size", ["15", "1025", "64.5", "1e99", -1, 0, False])
def test_sizes_out_of_range_are_refused(entries, size):
    with pytest.raises(InputError, match="size is"):
        asked(entries, size=size)


def test_unknown_names_are_refused(entries):
    with pytest.raises(InputError, match="unknown parameter 'nose'; choose one of eyes"):
        asked(entries, nose=1)
    with pytest.raises(InputError, match="unknown format 'gif'"):
        asked(entries, format="gif")
    with pytest.raises(InputError, match="character is missing"):
        question_of({}, entries)
    for unknown in ("bert", 3, ["anna"]):
        with pytest.raises(Refusal, match="unknown character") as refusal:
            question_of({"character": unknown}, entries)
        assert refusal.value.status == 404


def test_pictures_are_the_librarys(anna, entries):
    pixels = anna.render(eyes=0.3, pose=-1)
    for form, name in (("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")):
        question = asked(entries, eyes=0.3, pose=-1, format=form)
        assert picture(entries["anna"].character, question) == encoded(pixels, name)


def test_a_size_is_that_of_the_longer_side():
    pixels = np.arange(10 * 20 * 3, dtype=np.uint8).reshape(10, 20, 3)
    assert resized(pixels, None) is pixels
    assert resized(pixels, 20) is pixels
    assert resized(pixels, 50).shape == (25, 50, 3)


def test_a_tag_is_of_the_picture_alone(entries):
    entry = entries["anna"]
    base = asked(entries, eyes=0.5)
    assert base.tag(entry) == asked(entries, eyes="0.50").tag(entry)
    assert asked(entries, eyes=3).tag(entry) == asked(entries, eyes=1).tag(entry)
    others = [asked(entries), asked(entries, eyes=0.5, format="webp"),
              asked(entries, eyes=0.5, size=16), asked(entries, mouth=0.5)]  # fmt: skip
    assert len({each.tag(entry) for each in (base, *others)}) == 5


def test_queries():
    assert from_query("character=anna&eyes=0.5&mouth=") == {
        "character": "anna", "eyes": "0.5", "mouth": ""}  # fmt: skip
    with pytest.raises(InputError, match="stands twice"):
        from_query("eyes=1&eyes=2")
    with pytest.raises(InputError, match="more than 128 parameters"):
        from_query("&".join(f"a{number}=1" for number in range(200)))


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"3", b"[[1, 2]]", b'{"eyes": NaN}', b'{"eyes": -Infinity}', b"\xff{}",
     b'{"eyes": 1, "eyes": 2}', b"[" * 10_000, b'{"a":' * 3_000,
     b'{"eyes": ' + b"9" * 9_000 + b"}"],
)  # fmt: skip
def test_bodies_that_are_refused(body):
    with pytest.raises(InputError):
        from_json(body)


def test_a_body_is_read():
    assert from_json(b'{"character": "anna", "eyes": 1}') == {"character": "anna", "eyes": 1}
