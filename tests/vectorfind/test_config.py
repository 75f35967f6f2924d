"""Settings: the reference system's by default, and errors that name what is allowed."""

import json
from dataclasses import asdict, replace

import pytest

from property_cnn.common.errors import InputError
from reports import reading
from vectorfind.config import (
    CONTROLLED,
    GROUPING,
    MOST_PROPERTIES,
    PROPERTIES,
    ComponentSettings,
    CurveSettings,
    EvaluateSettings,
    FindSettings,
    GradientSettings,
    default_thresholds,
)


def test_defaults_are_valid():
    FindSettings().validate()
    EvaluateSettings().validate()
    GradientSettings()
    CurveSettings()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"properties": ("smile",)}, "unknown property 'smile'; choose one of eyes, hair_color"),
        ({"properties": ("eyes", "eyes")}, "stands twice"),
        ({"properties": "eyes"}, r"give a tuple, as \('eyes',\)"),
        ({"properties": ()}, "0 properties given; choose 1 to 64 of eyes"),
        ({"group_by": ("age",)}, "unknown grouping property 'age'; choose one of"),
        ({"dtype": "int8"}, "unknown dtype 'int8'; choose one of float32, float16, bfloat16"),
        ({"n": 0}, "n is 0; give a whole number from 1 to 10,000,000"),
        ({"n": 4000.0}, "n is 4000.0"),
        ({"seed": -1}, "seed is -1"),
        ({"ratio": 0.6}, "ratio is 0.6; give a number above 0 and at most 0.5"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"quantiles": 1}, "quantiles is 1; give a whole number from 2 to 36"),
        ({"quantiles": 2.5}, "quantiles is 2.5"),
        ({"workers": 0}, "workers is 0"),
        ({"svm_c": 0.0}, "svm_c is 0.0"),
        ({"trunc_layers": 2}, "trunc_layers is 2, but psi is 1, so nothing is truncated"),
        ({"strengths": {"smile": (0, 1)}}, "unknown property of strengths 'smile'"),
        ({"strengths": {"eyes": (1, 1)}}, "give two to 100 finite numbers"),
        ({"gradient": None}, "gradient is None; give a GradientSettings"),
        ({"properties": tuple("abcdefgh" * 9)}, "choose one of eyes"),
    ],
)
def test_wrong_settings_of_finding_are_named(change, message):
    with pytest.raises(InputError, match=message):
        replace(FindSettings(), **change).validate()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dropout": 1.0}, "dropout is 1.0; give a number from 0 to below 1"),
        ({"patience": 0}, "patience is 0"),
        ({"dtype": "float16"}, "float16'; choose one of float32, bf"),
        ({"shared": 1}, "shared is 1; give True or False"),
    ],
)
def test_wrong_settings_of_training_are_named(change, message):
    with pytest.raises(InputError, match=message):
        GradientSettings(**change)


def test_no_test_has_more_properties_than_a_grid_can_hold():
    assert MOST_PROPERTIES == reading.MOST_PROPERTIES
    names = tuple(f"p{index}" for index in range(65))
    with pytest.raises(InputError, match="65 properties given; choose 1 to 64"):
        FindSettings(properties=names).validate(names)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": (200, 100)}, "give rising numbers"),
        ({"n": ()}, "no n given"),
        ({"trunc_layers": 2}, "trunc_layers is 2, but psi is 1"),
        ({"layers": ()}, "no layers given"),
        ({"cases": 0}, "cases is 0"),
        ({"methods": ("svm", "svm")}, "a method stands twice in svm, svm"),
        ({"layers": ("w", "w")}, "a layer stands twice"),
        ({"n": (100, 10**20)}, "n is 100000000000000000000"),
        ({"cases": 2**63}, "cases is 9223372036854775808; give a whole number from 1 to 1,000,000"),
    ],
)
def test_wrong_settings_of_a_curve_are_named(change, message):
    with pytest.raises(InputError, match=message):
        CurveSettings(**change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cases": 0}, "cases is 0"),
        ({"control_cases": 101}, "control_cases is 101; give 0 to 100"),
        ({"thresholds": {"hairstyle": 0.9}}, "choose one of eyes, mouth, pose"),
        ({"thresholds": {"eyes": 1.2}}, "thresholds of eyes is 1.2"),
        ({"strengths": {"eyes": (0, float("inf"))}}, "finite"),
    ],
)
def test_wrong_settings_of_the_test_are_named(change, message):
    with pytest.raises(InputError, match=message):
        replace(EvaluateSettings(), **change).validate()


def test_properties_are_those_of_the_scorer_at_hand():
    settings = FindSettings(layer="latent", properties=("smile",), group_by=())
    settings.validate(scored=("smile", "yaw"))
    settings.validate(scored=("yaw",), unscored_properties=True)
    with pytest.raises(InputError, match="unknown property 'smile'; choose one of yaw"):
        settings.validate(scored=("yaw",))


def test_settings_come_back_from_json():
    settings = FindSettings(
        layer="w", properties=("eyes",), group_by=(), strengths={"eyes": [0, 1]},
        gradient=GradientSettings(shared=True),
    )  # fmt: skip
    assert FindSettings.from_stored(json.loads(json.dumps(asdict(settings)))) == settings


def test_what_was_stored_before_there_were_components_comes_back():
    settings = FindSettings(layer="w", properties=("eyes",), group_by=())
    stored = json.loads(json.dumps(settings.as_stored()))
    assert "components" not in stored
    assert FindSettings.from_stored(stored) == settings
    few = replace(settings, components=ComponentSettings(count=3))
    assert FindSettings.from_stored(json.loads(json.dumps(few.as_stored()))) == few
    assert few.as_stored()["components"] == {"count": 3, "channels": 1}  # as before there were more
    exact = replace(settings, components=ComponentSettings(slopes="exact"))
    assert FindSettings.from_stored(json.loads(json.dumps(exact.as_stored()))) == exact


def test_what_is_left_open_is_the_usual_where_the_scorer_knows_it():
    usual = FindSettings(gradient=GradientSettings(dtype="float32"))
    resolved = usual.resolve("w", PROPERTIES)
    assert resolved == replace(usual, layer="w", properties=CONTROLLED, group_by=GROUPING)
    assert resolved.resolve("late", ("smile",)) == resolved


def test_what_is_left_open_suits_other_networks():
    settings = FindSettings().resolve("late", ("smile", "yaw"))
    assert (settings.layer, settings.properties) == ("late", ("smile", "yaw"))
    assert settings.group_by == ()


def test_what_is_given_stays_whatever_the_networks_know():
    training = GradientSettings(dtype="bfloat16")
    given = FindSettings(
        layer="w+4-7", properties=("eyes",), group_by=("hair_color",), gradient=training
    )
    assert given.resolve("z", ("smile",)) == given


@pytest.mark.parametrize(
    ("told", "dtype"),
    [
        ({"avx512_bf16": True}, "bfloat16"),
        ({"amx_bf16": True}, "bfloat16"),
        ({"avx2": 1}, "float32"),
    ],
)
def test_the_precision_of_training_is_the_processors_unless_it_is_given(told, dtype, monkeypatch):
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: told, raising=False)
    assert FindSettings(device="cpu").resolve("w", PROPERTIES).gradient.dtype == dtype
    for given in ("float32", "bfloat16"):
        assert GradientSettings(dtype=given).resolve("cpu").dtype == given


def test_an_old_pytorch_that_does_not_tell_trains_in_float32(monkeypatch):
    monkeypatch.delattr("torch.cpu.get_capabilities", raising=False)
    assert GradientSettings().resolve("cpu").dtype == "float32"


def test_a_curve_is_tested_with_a_control_at_its_largest_n():
    curve = CurveSettings(
        n=(100, 200), cases=20, seed=3, ratio=0.1, properties=("yaw",), group_by=()
    )
    assert [curve.test(n).control_cases for n in curve.n] == [0, 20]
    find = curve.find(200, "svm", "w")
    assert (find.n, find.layer, find.seed, find.ratio) == (200, "w", 3, 0.1)
    assert (find.properties, find.group_by) == (("yaw",), ())


def test_thresholds_are_the_reference_systems():
    assert default_thresholds(("eyes", "mouth", "yaw")) == {
        "eyes": 0.92,
        "mouth": 0.88,
        "yaw": 0.88,
    }
