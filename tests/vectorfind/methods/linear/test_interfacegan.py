"""InterFaceGAN: the extremes of all samples, orthogonal to the others' normals, one direction."""

import numpy as np
import pytest

import vectorfind
from property_cnn.common.errors import InputError
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.config import FindSettings
from vectorfind.methods.base import FitTask
from vectorfind.methods.linear.interfacegan import INTERFACEGAN
from vectorfind.methods.svm import STRENGTHS
from vectorfind.sampling.sampler import Samples

NAMES = ("smile", "age")


def find(scores, vectors, properties=NAMES):
    n = len(vectors)
    samples = Samples(
        np.zeros((n, 1)), np.zeros((n, 0)), {"w": vectors}, scores, NAMES,
        np.isfinite(scores).all(axis=1),
    )  # fmt: skip
    members = {"h": np.arange(0, n, 2), "l": np.arange(1, n, 2)}
    task = FitTask(samples, members, FindSettings(n=n, layer="w"), properties)
    return {name: field.of_groups()[0] for name, field in INTERFACEGAN.fit(task).items()}


def entangled(n=6000, d=10):
    """Two scores whose directions have a cosine of 0.6."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((n, d)).astype(np.float32)
    truth = np.zeros((2, d), np.float32)
    truth[0, 0], truth[1, :2] = 1.0, (0.6, 0.8)
    return vectors @ truth.T, vectors, truth


def test_each_direction_is_its_normal_without_its_part_along_the_others():
    scores, vectors, truth = entangled()
    alone = {name: find(scores, vectors, (name,))[name] for name in NAMES}
    assert alone["smile"] @ truth[0] > 0.97
    assert alone["age"] @ truth[1] > 0.97
    both = find(scores, vectors)
    for name, other in (NAMES, NAMES[::-1]):
        rest = alone[name] - (alone[name] @ alone[other]) * alone[other]
        assert np.allclose(both[name], rest / np.linalg.norm(rest), atol=1e-5)
        assert both[name] @ alone[other] == pytest.approx(0.0, abs=1e-6)


def test_unreadable_samples_are_left_out_and_groups_do_not_matter():
    scores, vectors, _ = entangled()
    expected = find(scores, vectors)["smile"]
    more = np.concatenate([scores, np.full((100, 2), np.nan, np.float32)])
    spoiled = np.concatenate([vectors, 100 * np.ones((100, 10), np.float32)])
    assert np.array_equal(find(more, spoiled)["smile"], expected)


def test_of_too_few_samples_an_n_is_told_that_does():
    with pytest.raises(InputError, match="200 samples are readable, and of 226 2 % are five; try"):
        INTERFACEGAN.check_groups({"h": 100, "l": 100}, FindSettings(n=200), NAMES)
    INTERFACEGAN.check_groups({"h": 220, "l": 6}, FindSettings(n=226), NAMES)


def test_directions_are_found_tested_saved_loaded_and_exported(tmp_path):
    options = {"group_by": ("hair_color",), "workers": 1, "quiet": True}
    found = vectorfind.find_directions(
        2000, method="interfacegan", generator=ToyGenerator(), scorer=ToyScorer(), **options
    )
    assert found.layer == "w"
    truth = ToyGenerator().truth("w")
    for name, field in found.fields.items():
        assert field.of_groups()[0] @ truth[found.scored.index(name)] > 0.97
    vectors = found.vectors(np.zeros((2, 8), np.float32), np.array(["h", "?"]))
    assert np.array_equal(vectors[0], vectors[1])
    assert found.fits()[0][1:4] == ("interfacegan", "all", "accuracy")
    assert found.strengths == {name: STRENGTHS[name] for name in found.properties}
    assert vectorfind.evaluate(found, cases=4, quiet=True).statistics.passed[0] == 4
    found.save(tmp_path / "d.npz")
    loaded = vectorfind.load_directions(tmp_path / "d.npz", ToyGenerator(), ToyScorer())
    assert loaded.fits() == found.fits()
    boundaries = loaded.boundaries()
    assert boundaries.groups == ("all",)
    assert np.array_equal(boundaries.vectors, found.boundaries().vectors)


def test_beside_a_method_of_groups_its_direction_is_exported_for_each():
    found = vectorfind.find_directions(
        1000, "w", {"eyes": "interfacegan", "mouth": "svm"}, generator=ToyGenerator(),
        scorer=ToyScorer(), properties=("eyes", "mouth"), group_by=("hair_color",), workers=1,
        quiet=True,
    )  # fmt: skip
    boundaries = found.boundaries()
    assert boundaries.groups == ("h", "l")
    assert np.array_equal(boundaries.vectors[0, 0], boundaries.vectors[1, 0])
    assert not np.array_equal(boundaries.vectors[0, 1], boundaries.vectors[1, 1])
