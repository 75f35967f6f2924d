"""What one would run instead, re-enacted: it finds what there is to find; never a timing."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from property_cnn.properties import PROPERTIES
from tests.vectorfind.conftest import RANGE, SIDE
from vectorfind.bench import practice
from vectorfind.bench.settings import BenchSettings
from vectorfind.sampling.sampler import sample

SETTINGS = BenchSettings(practice_n=300, pca_n=1000)


def test_images_on_disk_are_scored_as_those_in_memory(models, tmp_path):
    latents = practice.write_images(models, 6, 0, tmp_path)
    assert latents.shape == (6, 8)
    assert np.array_equal(np.load(tmp_path / "w.npy"), latents)
    with Image.open(tmp_path / "000005.png") as image:
        assert image.size == (SIDE, SIDE)
    scores = practice.score_files(models, tmp_path, 6)
    exact = models.read(latents, "w")
    inside = np.abs(exact) < RANGE
    assert inside.mean() > 0.9
    assert np.abs(scores - exact)[inside].max() < RANGE / 127.5


def test_normals_point_where_the_scores_rise(models):
    samples = sample(models, 1000, layers=("w",))
    normals = practice.boundaries(samples.latents["w"], samples.scores)
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1, abs=1e-5)
    assert (np.einsum("pd,pd->p", normals, models.generator.truth("w")) > 0.9).all()


def test_unreadable_images_are_left_out(models):
    samples = sample(models, 600, layers=("w",))
    scores = samples.scores.copy()
    scores[::3] = np.nan
    assert np.isfinite(practice.boundaries(samples.latents["w"], scores)).all()


def test_both_ways_find_the_same_components():
    rng = np.random.default_rng(0)
    spreads = 2.0 ** -np.arange(12)
    vectors = (rng.standard_normal((4000, 12)) * spreads).astype(np.float32)
    found = practice.compare_components(vectors, seed=0, batch=1000)
    assert found.agreement > 0.999
    assert min(found.theirs, found.ours) > 0


def test_the_rows_compare_time_with_time(models):
    rows = practice.practice_rows(models, SETTINGS)
    values = {row.measure: row.value for row in rows}
    assert {row.part for row in rows} == {"practice"}
    theirs = [values[f"InterFaceGAN, {step}"]
              for step in ("images to files", "scores from files", "SVMs")]  # fmt: skip
    ours = [values[f"the same, ours: {step}"] for step in ("sampling", "SVMs")]
    assert values["InterFaceGAN to ours"] == pytest.approx(sum(theirs) / sum(ours))
    assert values["GANSpace to ours"] == pytest.approx(
        values["GANSpace, PCA"] / values["the same, ours"]
    )


def test_a_scorer_of_other_properties_will_do(models):
    few = replace(models, scorer=type(models.scorer)(properties=PROPERTIES[5:7]))
    assert len(practice.interfacegan_rows(few, SETTINGS)) == 7
