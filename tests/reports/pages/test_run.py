"""The page's headline says no more than the intervals do."""

import pytest

from reports.pages.html import Measure
from reports.pages.run import verdict

BOTH = "Eyes and pose follow their numbers, clear of chance"


def measure(name, good, control=True):
    chance = (0.0, -0.1, 0.1) if control else None
    return Measure(name, (0.5, 0.4, 0.6), chance, None, "", good)


@pytest.mark.parametrize(
    ("good", "bad", "sentence"),
    [
        (["eyes"], [], "Eyes follows its number, clear of chance."),
        (["eyes", "pose"], [], f"{BOTH}."),
        (["eyes", "pose"], ["mouth"], f"{BOTH}; mouth does not."),
        ([], ["eyes", "mouth", "pose"], "Eyes, mouth and pose: no direction is clear of chance."),
    ],
)
def test_verdict_names_what_works_and_what_does_not(good, bad, sentence):
    measures = [measure(name, True) for name in good] + [measure(name, False) for name in bad]
    assert verdict(measures) == sentence


def test_verdict_without_a_control_does_not_speak_of_chance():
    assert verdict([measure("pose", True, control=False)]) == "Pose follows its number, above zero."
