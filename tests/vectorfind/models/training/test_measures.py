"""Agreement of known predictions."""

from __future__ import annotations

import numpy as np
import pytest

from vectorfind.models.training.measures import COLUMNS, agreement, images_a_second


def test_agreement_of_known_predictions():
    rng = np.random.default_rng(0)
    wanted = rng.normal(5, 2, (400, 3)).astype(np.float32)
    predicted = wanted.copy()
    predicted[:, 1] = wanted[:, 1].mean()
    predicted[:, 1] += rng.normal(0, 1e-3, 400)
    predicted[:, 2] += rng.normal(0, 1, 400)
    table = agreement(predicted, wanted, ("same", "mean", "noisy"))
    assert tuple(table.columns) == COLUMNS
    assert table["r2"].tolist() == pytest.approx([1, 0, 0.75], abs=0.06)
    assert table["error"][0] == 0
    assert table["mean"].tolist() == pytest.approx(wanted.mean(0).tolist())
    assert (table["r2_low"] <= table["r2"]).all()
    assert (table["r2"] <= table["r2_high"] + 1e-12).all()
    noisy = table.loc[2]
    assert 0.02 < noisy["r2_high"] - noisy["r2_low"] < 0.2
    assert noisy["corr"] == pytest.approx(np.sqrt(0.8), abs=0.03)
    again = agreement(predicted, wanted, ("same", "mean", "noisy"))
    assert again.equals(table)


def test_the_faster_one_is_seen_to_be():
    import time

    slow, fast = (lambda images: time.sleep(0.01)), (lambda images: time.sleep(0.001))
    rates = images_a_second({"slow": slow, "fast": fast}, np.zeros((20, 1)))
    assert rates["slow"] < rates["fast"]
    assert rates["slow"] == pytest.approx(2000, rel=0.5)
