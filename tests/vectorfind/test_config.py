"""Settings: the reference system's by default, and errors that name what is allowed."""

from dataclasses import replace

import pytest

from property_cnn.common.errors import InputError
from vectorfind.config import (
    CONTROLLED,
    GROUPING,
    LAYERS,
    PROPERTIES,
    EvaluateSettings,
    FindSettings,
    GradientSettings,
    default_strengths,
    default_thresholds,
)


def test_defaults_are_valid():
    FindSettings().validate()
    EvaluateSettings().validate()
    GradientSettings().validate()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer": "z"}, "unknown layer 'z'; choose one of mapping_split1, mapping_split2, w"),
        ({"method": "pca"}, "unknown method 'pca'; choose one of svm, gradient, mixed"),
        ({"properties": ("smile",)}, "unknown property 'smile'; choose one of eyes, hair_color"),
        ({"properties": ("eyes", "eyes")}, "stands twice"),
        ({"properties": "eyes"}, r"give a tuple of names, as \('eyes',\)"),
        ({"properties": ()}, "no properties given"),
        ({"group_by": ("age",)}, "unknown grouping property 'age'; choose one of"),
        ({"dtype": "int8"}, "unknown dtype 'int8'; choose one of float32, float16, bfloat16"),
        ({"n": 0}, "n is 0; give a whole number of at least 1"),
        ({"n": 4000.0}, "n is 4000.0"),
        ({"seed": -1}, "seed is -1"),
        ({"ratio": 0.6}, "ratio is 0.6; give a number above 0 and at most 0.5"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"quantiles": 1}, "quantiles is 1; give 2 to 36"),
        ({"quantiles": 2.5}, "quantiles is 2.5"),
        ({"method": "imported"}, "unknown method 'imported'; choose one of svm, gradient, mixed$"),
        ({"workers": 0}, "workers is 0"),
        ({"svm_c": 0.0}, "svm_c is 0.0"),
        ({"strengths": {"smile": (0, 1)}}, "unknown property of strengths 'smile'"),
        ({"strengths": {"eyes": (1, 1)}}, "give two or more finite numbers"),
        ({"gradient": GradientSettings(dropout=1.0)}, "dropout is 1.0"),
        ({"gradient": GradientSettings(patience=0)}, "patience is 0"),
        ({"gradient": GradientSettings(dtype="float16")}, "float16'; choose one of float32, bf"),
    ],
)
def test_wrong_settings_of_finding_are_named(change, message):
    with pytest.raises(InputError, match=message):
        replace(FindSettings(), **change).validate(LAYERS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cases": 0}, "cases is 0"),
        ({"control_cases": 101}, "control_cases is 101; give 0 to 100"),
        ({"thresholds": {"hairstyle": 0.9}}, "choose one of eyes, mouth, pose"),
        ({"thresholds": {"eyes": 1.2}}, "threshold of eyes is 1.2"),
        ({"strengths": {"eyes": (0, float("inf"))}}, "finite"),
    ],
)
def test_wrong_settings_of_the_test_are_named(change, message):
    with pytest.raises(InputError, match=message):
        replace(EvaluateSettings(), **change).validate()


def test_layers_and_properties_are_those_of_the_networks_at_hand():
    settings = FindSettings(layer="latent", properties=("smile",), group_by=())
    settings.validate(layers=("latent",), scored=("smile", "yaw"))
    with pytest.raises(InputError, match="choose one of w"):
        settings.validate(layers=("w",), scored=("smile",))


def test_what_is_left_open_is_the_reference_systems_where_the_networks_know_it():
    usual = FindSettings(gradient=GradientSettings(dtype="float32"))
    assert usual.resolve(LAYERS, PROPERTIES) == usual
    settings = FindSettings(method="mixed")
    assert (settings.layer, settings.properties) == ("mapping_split1", CONTROLLED)
    assert settings.group_by == GROUPING


@pytest.mark.parametrize(
    ("layers", "layer"),
    [(("z", "w", "late"), "w"), (("early", "late"), "late"), (LAYERS, LAYERS[1])],
)
def test_what_is_left_open_suits_other_networks(layers, layer):
    settings = FindSettings().resolve(layers, ("smile", "yaw"))
    assert (settings.layer, settings.properties) == (layer, ("smile", "yaw"))
    assert settings.group_by == ()


def test_what_is_given_stays_whatever_the_networks_know():
    training = GradientSettings(dtype="bfloat16")
    given = FindSettings(
        layer="w+4-7", properties=("eyes",), group_by=("hair_color",), gradient=training
    )
    assert given.resolve(("z",), ("smile",)) == given
    with pytest.raises(InputError, match=r"unknown layer 'w\+4-7'; choose one of z"):
        given.resolve(("z",), ("smile",)).validate(("z",))


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
    assert FindSettings(device="cpu").resolve((), PROPERTIES).gradient.dtype == dtype
    for given in ("float32", "bfloat16"):
        assert GradientSettings(dtype=given).resolve("cpu").dtype == given


def test_an_old_pytorch_that_does_not_tell_trains_in_float32(monkeypatch):
    monkeypatch.delattr("torch.cpu.get_capabilities", raising=False)
    assert GradientSettings().resolve("cpu").dtype == "float32"


def test_mixed_takes_eyes_by_gradient():
    mixed = FindSettings(method="mixed")
    methods = [mixed.method_of(name) for name in mixed.properties]
    assert methods == ["gradient", "svm", "svm"]


def test_strengths_and_thresholds_are_the_reference_systems():
    assert default_strengths("svm", ("pose",))["pose"] == (-1.8, -1.2, -0.6, 0.0, 0.6)
    assert default_strengths("mixed", ("mouth",))["mouth"] == (-1.8, -0.9, 0.0, 0.9, 1.8)
    assert default_strengths("gradient", ("pose",))["pose"] == (-1.4, -0.7, 0.0, 0.7, 1.4)
    assert default_strengths("svm", ("smile",))["smile"] == (-1.2, 0.0, 1.2)
    assert default_thresholds(("eyes", "mouth", "yaw")) == {
        "eyes": 0.92,
        "mouth": 0.88,
        "yaw": 0.88,
    }
