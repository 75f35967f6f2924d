"""Times of a run's SVMs: their arithmetic, and what they are fitted to."""

import numpy as np
import pytest

from vectorfind.bench import fits
from vectorfind.bench.settings import BenchSettings


def test_half_the_variance_of_the_scores_follows_from_the_vectors():
    vectors = np.random.default_rng(0).standard_normal((4000, 6)).astype(np.float32)
    scores = fits.made_up_scores(vectors, 0)
    predicted = vectors @ np.linalg.lstsq(vectors, scores, rcond=None)[0]
    assert np.corrcoef(predicted, scores)[0, 1] ** 2 == pytest.approx(0.5, abs=0.03)


def test_all_fits_are_told_from_one_round(models, monkeypatch):
    monkeypatch.setattr(fits, "both_rate", lambda models, settings: 1000.0)
    rows = fits.fit_rows(models, BenchSettings(fit_n=4800, workers=2))
    values = {row.measure: row.value for row in rows}
    assert values["48 SVMs"] == pytest.approx(values["an SVM"] * 24)
    assert values["the run's images"] == pytest.approx((4800 + 2000 * 50) / 1000)
    assert values["SVMs to images"] == pytest.approx(
        100 * values["48 SVMs"] / values["the run's images"]
    )
    assert rows[0].note.startswith("n=4,800: 60 vectors on either side")
