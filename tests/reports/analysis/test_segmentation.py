"""What a comparison of students says: means, clear differences, the pull of the teacher."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from reports.analysis.segmentation import (
    class_names,
    differences,
    means,
    models,
    pull,
    weak_classes,
)


def _row(model, fold, seed, ious, weights="last"):
    miou = float(np.nanmean(ious))
    names = dict(zip("abc", ious, strict=True))
    return {
        "model": model, "fold": fold, "seed": seed, "weights": weights, "iteration": 9, **names,
        "mIoU": miou, "mAcc": miou, "aAcc": miou,
    }  # fmt: skip


@pytest.fixture
def table():
    rows = []
    for fold, level in ((1, 50.0), (2, 60.0)):
        for seed, noise in ((0, -1.0), (1, 0.0), (2, 1.0)):
            rows.append(_row("baseline", fold, seed, [level + noise] * 3))
        rows.append(_row("teacher", fold, 0, [level + 20, level + 10, level - 15]))
        rows.append(_row("follows", fold, 0, [level + 10, level + 5, level - 7.5]))
        rows.append(_row("ignores", fold, 0, [level + 0.5] * 3))
    return pd.DataFrame(rows)


def test_models_and_classes_in_order(table):
    assert models(table.iloc[::-1]) == ["baseline", "teacher", "ignores", "follows"]
    assert class_names(table) == ["a", "b", "c"]


def test_means_are_over_folds_then(table):
    found = means(table).set_index("model")
    assert found["mIoU"]["baseline"] == pytest.approx(55)
    assert found["networks"].to_dict() == {"baseline": 6, "teacher": 2, "follows": 2, "ignores": 2}


def test_a_class_that_a_fold_does_not_show_is_left_out(table):
    table.loc[table["fold"] == 2, "c"] = math.nan
    found = means(table).set_index("model")
    assert found["c"]["baseline"] == pytest.approx(50)
    rows = differences(table).set_index(["model", "what"])
    assert rows["difference"]["teacher", "c"] == pytest.approx(-15)


def test_the_margin_is_students_t(table):
    rows = differences(table).set_index(["model", "what"])
    spread = 1.0  # of -1, 0, 1, in both folds: 4 degrees of freedom
    margin = 2.7764 * spread * math.sqrt((1 + 1 / 3) / 2)
    assert rows["margin"]["follows", "a"] == pytest.approx(margin, rel=1e-4)
    assert rows["difference"]["follows", "a"] == pytest.approx(10)
    assert rows["clear"]["follows", "a"] == "higher"
    assert rows["clear"]["follows", "c"] == "lower"
    assert rows["clear"]["ignores", "a"] == ""


def test_one_seed_tells_nothing_clear(table):
    rows = differences(table[table["seed"] == 0])
    assert rows["margin"].isna().all()
    assert set(rows["clear"]) == {""}


def test_pull_is_one_where_a_student_takes_over_all(table):
    found = differences(table)
    assert pull(found, "follows") == pytest.approx(1)
    assert math.isnan(pull(found, "ignores"))  # the same in all classes: no correlation
    assert weak_classes(found) == ["c"]


def test_a_class_that_no_baseline_tells_has_no_margin(table):
    table.loc[table["model"] == "baseline", "a"] = 0.0
    rows = differences(table).set_index(["model", "what"])
    assert math.isnan(rows["margin"]["teacher", "a"])
    assert rows["clear"]["teacher", "a"] == ""
