"""Layers on offer beyond a generator's own, and directions that may move a part of a vector."""

import numpy as np
import pandas as pd
import pytest

import vectorfind
from property_cnn.common.arrays import read_npz
from property_cnn.common.errors import CheckpointError, InputError
from tests.vectorfind.conftest import SETTINGS, ToyGenerator, ToyScorer
from tests.vectorfind.offered import MOVED, TWIN, OfferingGenerator
from vectorfind.config import CurveSettings
from vectorfind.directions.packing import KIND
from vectorfind.evaluation.image_test import random_directions
from vectorfind.models.pair import Models, load_models
from vectorfind.runs.curve import curve_cells, resolve_curve, run_curve
from vectorfind.sampling.store import fill_store

OPTIONS = {"n": 1500, "layer": TWIN, "properties": MOVED[:2], "group_by": (), "workers": 1}


def find(generator=None, **options):
    return vectorfind.find_directions(
        **OPTIONS | {"quiet": True, "batch_size": 512, "gradient": SETTINGS.gradient} | options,
        generator=generator or OfferingGenerator(),
        scorer=ToyScorer(),
    )


@pytest.mark.parametrize("method", ["svm", "gradient"])
def test_directions_are_the_planted_ones_in_the_free_part_and_zero_outside(method):
    directions = find(method=method)
    truth = directions.models.generator.truth(TWIN)
    truth = truth[[directions.scored.index(name) for name in directions.properties]]
    w = np.random.default_rng(0).standard_normal((20, 8)).astype(np.float32)
    vectors = directions.vectors(np.tile(w, 2), np.full(20, "all"))
    assert np.array_equal(vectors[..., :8], np.zeros((20, 2, 8)))
    assert np.allclose(np.linalg.norm(vectors, axis=2), 1, atol=1e-5)
    assert np.einsum("npd,pd->np", vectors, truth).mean() > 0.97


def test_the_test_on_images_passes_and_chance_moves_the_same_part():
    evaluation = vectorfind.evaluate(find(), cases=8, quiet=True)
    assert (evaluation.table["passed"] == "O").all()
    still = [evaluation.scored.index(name) for name in evaluation.scored if name not in MOVED]
    for measured in (evaluation.measured, evaluation.control):
        assert np.abs(measured.slope.mean[:, still]).max() < 1e-5
    assert np.abs(evaluation.control.slope.mean).max() > 1e-2


def test_random_directions_are_zero_outside_the_free_part():
    vectors = random_directions(0, (5, 3, 16), (8, 16))
    assert np.array_equal(vectors[..., :8], np.zeros((5, 3, 8)))
    assert np.allclose(np.linalg.norm(vectors, axis=2), 1, atol=1e-6)
    assert np.array_equal(vectors[..., 8:], random_directions(0, (5, 3, 8)))


def test_what_is_on_offer_is_told():
    with pytest.raises(InputError, match=r"layer 'w\+9': this generator offers w\+4-7"):
        find(layer="w+9")
    with pytest.raises(InputError, match=r"unknown layer 'w\+4-7'; choose one of mapping_split1"):
        find(ToyGenerator())


def test_an_offer_or_a_part_that_is_not_there_is_told():
    generator = OfferingGenerator()
    generator.with_layer = lambda layer: generator
    with pytest.raises(InputError, match=r"offered mapping_split1, .* when asked for w\+4-7"):
        find(generator)
    generator = OfferingGenerator()
    generator.editable = {TWIN: (8, 17)}
    with pytest.raises(InputError, match=r"`editable` says 8 to 17 of w\+4-7, which has 16"):
        find(generator)


@pytest.mark.parametrize("method", ["svm", "gradient"])
def test_a_file_is_opened_with_the_generator_as_it_comes(tmp_path, method):
    directions = find(method=method, n=300)
    directions.save(tmp_path / "d.npz")
    assert read_npz(tmp_path / "d.npz", KIND)[1]["editable"] == [8, 16]
    loaded = vectorfind.load_directions(tmp_path / "d.npz", OfferingGenerator(), ToyScorer())
    z, label = np.ones((2, 14)), np.ones((2, 2))
    strengths = {MOVED[0]: 1.2}
    assert (directions.edit(z, label, **strengths) == loaded.edit(z, label, **strengths)).all()
    generator = OfferingGenerator()
    generator.editable = {TWIN: (0, 8)}
    with pytest.raises(CheckpointError, match=r"it moves \[8, 16\] of w\+4-7, not \[0, 8\]"):
        vectorfind.load_directions(tmp_path / "d.npz", generator, ToyScorer())


def test_a_store_takes_other_layers_and_makes_no_image_again(tmp_path):
    class Blind(ToyScorer):
        def __call__(self, images):
            raise AssertionError("an image was scored")

    plain = load_models(OfferingGenerator(), ToyScorer())
    first = fill_store(tmp_path, plain, 600, layers=("w",))
    for models in (Models(OfferingGenerator(), Blind()).with_layer(TWIN), plain):
        layers = tuple(models.generator.layers)[-2:]
        stored = fill_store(tmp_path, models, 600, layers=layers)
        assert stored.scores.tobytes() == first.scores.tobytes()
        w = first.vectors("w", np.arange(600))
        if TWIN in layers:
            assert np.array_equal(stored.vectors(TWIN, np.arange(600)), np.tile(w, 2))


def test_a_store_refuses_a_layer_that_changed_its_size(tmp_path):
    models = load_models(OfferingGenerator(), ToyScorer()).with_layer(TWIN)
    fill_store(tmp_path, models, 100, layers=("w",))
    generator = OfferingGenerator().with_layer(TWIN)
    generator.layers[TWIN] = 24
    with pytest.raises(InputError, match=r"layers.w\+4-7: 16 there, 24 here"):
        fill_store(tmp_path, Models(generator, ToyScorer()), 100, layers=("w",))


def test_layers_called_as_the_stores_own_arrays_are_kept_apart(tmp_path):
    class Labelled(ToyGenerator):
        layers = ToyGenerator.layers | {"z": 16, "scores": 8}

        def map(self, z, label):
            found = super().map(z, label)
            return found | {"z": np.sqrt(2) + 0 * found["mapping_split1"], "scores": found["w"]}

    models = Models(Labelled(), ToyScorer())
    stored = fill_store(tmp_path, models, 600)
    assert np.load(tmp_path / "z" / "00000.npy").shape == (512, 14)
    assert np.allclose(stored.vectors("z", np.arange(3)), np.sqrt(2))
    assert np.array_equal(stored.vectors("scores", [7, 9]), stored.vectors("w", [7, 9]))
    assert fill_store(tmp_path, models, 600).scores.tobytes() == stored.scores.tobytes()


@pytest.mark.parametrize("name", ["../w", "a/b", "", ".", "a\\b"])
def test_layers_that_no_file_can_be_named_after_are_refused(name):
    generator = ToyGenerator()
    generator.layers = {name: 8}
    with pytest.raises(InputError, match="files are named after it"):
        load_models(generator, ToyScorer())


def test_a_curve_takes_layers_on_offer(tmp_path):
    settings = CurveSettings(n=(900,), methods=("svm",), layers=("w", TWIN), cases=4, workers=1)
    run_curve(settings, tmp_path, OfferingGenerator(), ToyScorer(), quiet=True)
    assert pd.read_csv(tmp_path / "n_curve.csv")["layer"].tolist() == ["w", TWIN]
    assert (tmp_path / "cells" / f"svm_{TWIN}_900" / "test_result.csv").exists()


def test_a_curve_suits_other_networks_by_itself():
    generator, scorer = ToyGenerator(), ToyScorer()
    generator.layers = {"mapping_split2": 16, "w": 8}
    scorer.properties = ("smile", "yaw")
    settings, models = resolve_curve(CurveSettings(), Models(generator, scorer))
    assert settings.layers == ("mapping_split2", "w")
    finds = [cell.find for cell in curve_cells(settings, models)]
    assert {find.properties for find in finds} == {("smile", "yaw")}
    assert {find.group_by for find in finds} == {()}
    with pytest.raises(InputError, match="unknown layer 'z'; choose one of mapping_split2, w"):
        resolve_curve(CurveSettings(layers=("w", "z")), models)
