"""GANSpace: planted components are named by their scores, with sign, share and number."""

from dataclasses import replace

import numpy as np
import pytest

import vectorfind
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from tests.vectorfind.methods.linear.test_ridge import task, turn
from tests.vectorfind.offered import TWIN, OfferingGenerator
from vectorfind.config import ComponentSettings
from vectorfind.methods.base import OTHER_STRENGTHS
from vectorfind.methods.components.method import ComponentField
from vectorfind.methods.components.pca import PCA

SPREADS = (4.0, 3.0, 2.0, 1.0, 0.5)


def planted(n=5000):
    rng = np.random.default_rng(0)
    axes = turn(rng, 5)
    coordinates = rng.standard_normal((n, 5)) * SPREADS
    return coordinates, coordinates @ axes, axes


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_score_takes_the_component_that_it_was_made_of(number, sign):
    coordinates, vectors, axes = planted()
    noise = np.random.default_rng(1).standard_normal(5000)
    scores = sign * coordinates[:, number] / SPREADS[number] + noise
    field = PCA.fit(task(vectors, scores))["smile"]
    assert field.components.tolist() == [number]
    assert field.of_groups()[0] @ axes[number] * sign > 0.99
    assert field.effect == pytest.approx(np.sqrt(0.5), abs=0.03)
    variance = np.square(SPREADS)
    assert field.share == pytest.approx(variance[number] / variance.sum(), abs=0.02)


def test_only_so_many_components_are_there_to_choose_from():
    coordinates, vectors, _ = planted()
    given = task(vectors, coordinates[:, 4])
    settings = replace(given.settings, components=ComponentSettings(count=3))
    found = PCA.components(replace(given, settings=settings))
    assert found.numbers.tolist() == [0, 1, 2]
    assert found.spreads == pytest.approx(SPREADS[:3], rel=0.05)


def test_directions_are_found_edited_saved_and_loaded(tmp_path):
    options = {"method": "pca", "group_by": ("hair_color",), "workers": 1, "quiet": True}
    found = vectorfind.find_directions(
        1500, generator=ToyGenerator(), scorer=ToyScorer(), **options
    )
    assert found.layer == "w"
    numbers = [field.components[0] for field in found.fields.values()]
    assert len(set(numbers)) == 3
    assert set(found.strengths.values()) == {OTHER_STRENGTHS}
    evaluation = vectorfind.evaluate(found, cases=4, quiet=True)
    assert evaluation.table[[f"{name}_corr" for name in found.properties]].mean().min() > 0
    found.save(tmp_path / "d.npz")
    loaded = vectorfind.load_directions(tmp_path / "d.npz", ToyGenerator(), ToyScorer())
    assert isinstance(loaded.fields["pose"], ComponentField)
    assert loaded.fits() == found.fits()
    assert np.array_equal(loaded.boundaries().vectors, found.boundaries().vectors)


def test_a_range_of_layers_moves_in_its_own_part():
    found = vectorfind.find_directions(
        600, TWIN, "pca", generator=OfferingGenerator(), scorer=ToyScorer(), group_by=(),
        properties=("pose",), workers=1, quiet=True,
    )  # fmt: skip
    assert found.fields["pose"].size == 8
    assert (found.vectors(np.zeros((1, 16), np.float32), np.array(["all"]))[..., :8] == 0).all()


@pytest.mark.parametrize("count", [7, 40])
def test_settings_of_components_are_stored_with_the_directions(count, tmp_path):
    settings = vectorfind.config.FindSettings(
        n=600, method="pca", workers=1, components=ComponentSettings(count=count)
    )
    found = vectorfind.pipeline.find(settings, ToyGenerator(), ToyScorer(), quiet=True)
    found.save(tmp_path / "d.npz")
    loaded = vectorfind.load_directions(tmp_path / "d.npz", ToyGenerator(), ToyScorer())
    assert loaded.settings.components == settings.components
    assert ("components" in settings.as_stored()) == (count != 40)
