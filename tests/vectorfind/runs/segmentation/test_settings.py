"""Settings of segmentation: texts of terms, and the teacher's schedule."""

from __future__ import annotations

import pytest

from property_cnn.common.errors import InputError
from property_cnn.segmentation.settings import ScheduleSettings
from vectorfind.runs.segmentation.settings import TERM_TEXTS, StudySettings, term_settings


def test_texts_name_kind_weight_and_trust():
    terms = term_settings(TERM_TEXTS, 4.0)
    assert list(terms) == ["kl-1", "kl-0.5", "at-1", "sp-1", "kl-1-class", "kl-1-pixel"]
    assert [term.weight for term in terms.values()] == [1, 0.5, 1, 1, 1, 1]
    assert [term.trust for term in terms.values()] == ["all"] * 4 + ["class", "pixel"]
    assert {term.temperature for term in terms.values()} == {4.0}


def test_layers_are_those_that_are_given():
    term = term_settings(["at:2"], 4.0, ("a", "b"), ("c", "d"))["at-2"]
    assert (term.student_layers, term.teacher_layers) == (("a", "b"), ("c", "d"))


@pytest.mark.parametrize(
    "texts", [["kl"], ["kl:"], ["kl:much"], ["cosine:1"], ["at:1:class"], ["kl:1:none"], ["kl:-1"],
              ["kl:1", "kl:1.0"]],
)  # fmt: skip
def test_other_texts_are_refused(texts):
    with pytest.raises(InputError):
        StudySettings(terms=tuple(texts))


def test_a_teacher_has_its_own_iterations_and_rate():
    schedule = ScheduleSettings(iterations=8, lr=1e-3, checks=4)
    assert StudySettings(schedule=schedule).teacher_schedule().iterations == 8
    own = StudySettings(schedule=schedule, teacher_iterations=1, teacher_lr=1e-4)
    assert (own.teacher_schedule().iterations, own.teacher_schedule().lr) == (1, 1e-4)
    assert own.teacher_schedule().checks == 1


def test_seeds_count_from_the_schedules():
    study = StudySettings(schedule=ScheduleSettings(seed=5), baseline_seeds=3)
    assert study.seeds() == (5, 6, 7)
