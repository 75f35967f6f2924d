"""Units of strengths: a strength of 1 is one deviation of the score, on every layer; files."""

import numpy as np
import pytest
import torch

import vectorfind
from property_cnn.common.errors import CheckpointError
from property_cnn.properties import PROPERTIES
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.directions.calibration import first_guess, read_calibration


def find(layer="w", scorer=None, **options):
    return vectorfind.find_directions(
        600, layer, generator=ToyGenerator(), scorer=scorer or ToyScorer(), group_by=(),
        units="sigma", workers=1, quiet=True, **options,
    )  # fmt: skip


@pytest.mark.parametrize("layer", ["mapping_split1", "w"])
def test_a_strength_of_one_moves_the_score_by_one_deviation(layer):
    def stretched(scores):
        return scores * torch.linspace(1, 300, 8)

    found = find(layer, ToyScorer(stretched))
    rng = np.random.default_rng(0)
    z, label = (rng.standard_normal((20, k)).astype(np.float32) for k in (14, 2))
    before = found.models.score(found.edit(z, label))
    for name in found.properties:
        column = PROPERTIES.index(name)
        after = found.models.score(found.edit(z, label, **{name: 1.0}))
        rise = (after - before)[:, column].mean() / found.score_std[column]
        assert rise == pytest.approx(1.0, abs=0.02)


def test_slopes_of_the_test_are_ones():
    found = find()
    slopes = vectorfind.evaluate(found, cases=6, quiet=True).measured.slope.mean
    own = [slopes[k, PROPERTIES.index(name)] for k, name in enumerate(found.properties)]
    np.testing.assert_allclose(own, 1.0, atol=0.05)


def test_reach_is_told_and_kept_in_files(tmp_path):
    found = find()
    one = found.calibration["eyes"]
    eyes = PROPERTIES.index("eyes")
    assert one.low == pytest.approx(found.score_mean[eyes] - 2.33 * found.score_std[eyes], rel=0.2)
    assert one.low < found.score_mean[eyes] < one.high
    assert one.radius > 0
    found.save(tmp_path / "d.npz")
    loaded = vectorfind.load_directions(tmp_path / "d.npz", ToyGenerator(), ToyScorer())
    assert loaded.calibration == found.calibration
    assert loaded.settings.units == "sigma"
    found.save(tmp_path / "again.npz")
    assert (tmp_path / "d.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()


def test_raw_units_have_no_calibration():
    raw = vectorfind.find_directions(
        300, "w", generator=ToyGenerator(), scorer=ToyScorer(), group_by=(), workers=1, quiet=True
    )
    assert raw.calibration == {}
    np.testing.assert_allclose(
        np.linalg.norm(raw.vectors(np.zeros((1, 8), np.float32), np.array(["all"])), axis=2),
        1.0,
        rtol=1e-5,
    )


def test_a_direction_that_moves_nothing_is_told():
    class Still(ToyScorer):
        """Its samples have scores, edits have none: as of a generator that hides the layer."""

        calls = 0

        def __call__(self, images):
            Still.calls += 1
            scores = super().__call__(images)
            return scores if Still.calls <= 16 else torch.zeros_like(scores)

    with pytest.warns(UserWarning, match=r"moves it by 0\.00 standard deviations, too little"):
        found = find(scorer=Still())
    assert all(one.step > 0 for one in found.calibration.values())


def test_a_first_guess_is_exact_where_all_is_linear_and_falls_back_on_the_spread():
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((4000, 3)) * (1, 2, 4)
    directions = np.eye(3)[:2]
    scores = np.stack([vectors[:, 0] / 1.0, rng.standard_normal(4000)], axis=1)
    np.testing.assert_allclose(first_guess(vectors, directions, scores), [1.0, 2.0], rtol=0.05)


def test_damaged_calibrations_are_refused():
    with pytest.raises(ValueError, match="no length"):
        read_calibration({"eyes": {"step": 0, "low": 0, "high": 1, "radius": 1}})
    with pytest.raises(TypeError):
        read_calibration({"eyes": {"step": 1}})


def test_a_file_without_what_its_units_need_is_refused(tmp_path):
    from property_cnn.common.arrays import read_npz, write_npz
    from vectorfind.directions.packing import KIND

    find().save(tmp_path / "d.npz")
    arrays, metadata = read_npz(tmp_path / "d.npz", KIND)
    write_npz(
        tmp_path / "e.npz", KIND, arrays, {k: v for k, v in metadata.items() if k != "calibration"}
    )
    with pytest.raises(CheckpointError, match="calibration of nothing"):
        vectorfind.load_directions(tmp_path / "e.npz", ToyGenerator(), ToyScorer())
