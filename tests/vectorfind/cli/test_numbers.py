"""Options that give numbers and names by property."""

import click
import pytest

from vectorfind.cli.options import Conditions, Numbers


def test_numbers_and_names_by_property():
    given = "eyes=-1.2:1.2, mouth=-1.8:0:1.8"
    strengths = Numbers(several=True).convert(given, None, None)
    assert strengths == {"eyes": (-1.2, 1.2), "mouth": (-1.8, 0.0, 1.8)}
    assert Numbers().convert("eyes=0.92", None, None) == {"eyes": 0.92}
    conditions = Conditions().convert("eyes=mouth+yaw,yaw=eyes", None, None)
    assert conditions == {"eyes": ("mouth", "yaw"), "yaw": ("eyes",)}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Numbers(), "eyes=0.9:0.8"),
        (Numbers(), "eyes"),
        (Numbers(several=True), "eyes=1:x"),
        (Numbers(several=True), "eyes=1:2,eyes=1:3"),
        (Conditions(), "eyes="),
        (Conditions(), "=mouth"),
    ],
)
def test_what_is_none_is_refused_with_an_example(kind, text):
    with pytest.raises(click.BadParameter, match=r"write eyes="):
        kind.convert(text, None, None)
