"""Settings of training on label maps: what they take and what they refuse."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from property_cnn.common.errors import InputError
from property_cnn.segmentation.settings import (
    NETWORKS,
    SEGFORMERS,
    TRUSTS,
    ScheduleSettings,
    TermSettings,
)


def test_the_sizes_of_segformer_are_wider_and_deeper_in_turn():
    assert tuple(SEGFORMERS) == ("b0", "b1", "b2", "b3", "b4", "b5")
    assert NETWORKS == (*SEGFORMERS, "effisegnet")
    assert [sum(size.depths) for size in SEGFORMERS.values()] == [8, 8, 16, 28, 41, 52]
    for size in SEGFORMERS.values():
        assert size.stride == 4
        assert all(
            width % heads == 0 for width, heads in zip(size.hidden_sizes, size.heads, strict=True)
        )


def test_a_schedule_takes_any_numbers_that_make_sense():
    settings = ScheduleSettings(scales=[1, 1.5], iterations=10, checks=10, warmup=0)
    assert settings.scales == (1.0, 1.5)
    assert settings.warmup == 0.0
    with pytest.raises(FrozenInstanceError):
        settings.lr = 1.0


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"iterations": 0}, "iterations is 0"),
        ({"iterations": 5, "checks": 6}, "6 checks in 5 iterations"),
        ({"batch_size": 1}, "batch_size is 1"),
        ({"lr": 0}, "lr is 0"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"warmup": 1.0}, "warmup is 1.0"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1"),
        ({"height": 31}, "height is 31"),
        ({"width": 5000}, "width is 5000"),
        ({"resize": 16}, "resize is 16"),
        ({"scales": (1.0,)}, "the least and the largest"),
        ({"scales": (2.0, 0.5)}, "the least and the largest"),
        ({"scales": (0.0, 1.0)}, "scales is 0.0"),
        ({"scales": 2.0}, "scales is 2.0"),
        ({"flip": "yes"}, "flip is 'yes'"),
        ({"dtype": "float16"}, "choose one of float32, bfloat16"),
        ({"check_images": 0}, "check_images is 0"),
        ({"save_every": 0}, "save_every is 0"),
        ({"seed": -1}, "seed is -1"),
    ],
    ids=str,
)
def test_a_schedule_that_makes_no_sense_is_refused(wrong, told):
    with pytest.raises(InputError, match=told) as caught:
        ScheduleSettings(**wrong)
    assert "\n" not in str(caught.value)


def test_trust_is_of_the_teachers_answers_alone():
    assert TermSettings("kl").trust == "all"
    assert [TermSettings("kl", trust=trust).trust for trust in TRUSTS] == list(TRUSTS)
    assert TermSettings("at", trust="all").trust == "all"
    for kind in ("at", "sp"):
        for trust in ("class", "pixel"):
            with pytest.raises(InputError, match=f"for the term kl, not {kind}"):
                TermSettings(kind, trust=trust)
    with pytest.raises(InputError, match="unknown trust 'pixels'; choose one of all, class, pixel"):
        TermSettings("kl", trust="pixels")
