"""Hostile input ends in a result or in one error of ours: a few inputs of every kind.

`python -m examples.benchmark_hostile` tries many more.
"""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings

from tests.hostile.judging import Outcome
from tests.hostile.subjects import SUBJECTS
from tests.hostile.subjects.subject import QUIET, trial, warm_up


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return tmp_path_factory.mktemp("own")


@pytest.mark.parametrize("name", SUBJECTS)
def test_it_ends_in_a_result_or_in_one_error(name, own, tmp_path):
    subject = SUBJECTS[name](own)
    outcome = Outcome(name)
    warm_up(subject, tmp_path)

    @settings(QUIET, max_examples=subject.short, derandomize=True, phases=[Phase.generate])
    @given(subject.inputs)
    def every(value):
        assert trial(subject, value, tmp_path, outcome) == ""

    every()
    assert outcome.inputs
