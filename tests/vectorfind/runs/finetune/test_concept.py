"""The filter's measurement: kept by what it depends on, made again when that changes."""

import json
from dataclasses import replace

import pytest

from property_cnn.common.errors import CheckpointError, InputError
from stylegan_ft.finetune.concept_measures import ConceptFigures
from tests.vectorfind.finetune_runs import BRIGHT, BrightnessFilter, weights, write_generator  # noqa: F401
from vectorfind.runs.finetune.concept import concept_rows, measurer
from vectorfind.runs.finetune.settings import MeasureSettings

SETTINGS = MeasureSettings(n=8, batch_size=4, device="cpu")
FIGURES = ConceptFigures(200, 10, (0.1, 0.2, 0.3, 0.4), (0.5, 0.6, 0.7, 0.8), (1.0,) * 8)


def test_rows_hold_shares_with_wilson_intervals():
    table = concept_rows("v9", FIGURES, replace(FIGURES, passed=84))
    assert table["generator"].tolist() == ["base", "run"]
    base = table.iloc[0]
    assert (base["share"], base["gender_share"], base["age"], base["pose_std"]) == (
        0.05, 0.1, 0.7, 1.0,
    )  # fmt: skip
    # Wilson's 95 % interval of 10 of 200, by hand
    assert (base["share_low"], base["share_high"]) == pytest.approx((0.02738, 0.08961), abs=1e-4)


@pytest.mark.usefixtures("weights")
def test_a_second_measurement_loads_nothing(tmp_path):
    path = write_generator(tmp_path / "g.safetensors", 0)
    first = measurer(tmp_path / "kept", SETTINGS, BRIGHT, quiet=True)(path, "g")
    assert first.n == 8
    assert BrightnessFilter.loads == 1
    assert measurer(tmp_path / "kept", SETTINGS, BRIGHT)(path, "g") == first
    assert BrightnessFilter.loads == 1


@pytest.mark.parametrize("change", ["weights", "n", "seed", "classifiers", "damage"])
def test_what_changes_the_figures_is_measured_again(tmp_path, weights, change):  # noqa: F811
    path, settings = write_generator(tmp_path / "g.safetensors", 0), SETTINGS
    kept = tmp_path / "kept"
    first = measurer(kept, settings, BRIGHT, quiet=True)(path, "g")
    if change == "weights":
        write_generator(path, 1)
    elif change == "classifiers":
        weights.write_bytes(b"others")
    elif change == "damage":
        (file,) = kept.glob("*.json")
        values = json.loads(file.read_text())
        values["figures"]["n"] = "many"
        file.write_text(json.dumps(values["figures"]))
    else:
        settings = replace(settings, **{change: 6})
    second = measurer(kept, settings, BRIGHT, quiet=True)(path, "g")
    assert BrightnessFilter.loads == 2
    assert (second == first) == (change in ("classifiers", "damage"))


@pytest.mark.usefixtures("weights")
def test_missing_weights_are_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"no file .*gone"):
        measurer(tmp_path, SETTINGS, BRIGHT)(tmp_path / "gone.safetensors", "g")
    with pytest.raises(CheckpointError, match=r"no file .*none"):
        measurer(tmp_path, replace(SETTINGS, classifiers="none"), BRIGHT)


@pytest.mark.parametrize("wrong", [{"n": 1}, {"n": -4}, {"batch_size": 0}, {"seed": -1}])
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError):
        MeasureSettings(**wrong)
