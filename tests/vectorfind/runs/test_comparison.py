"""Comparisons of runs' folders: written whole, cases that differ refused."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest

from property_cnn.common.arrays import write_npz
from property_cnn.common.errors import InputError
from reports.analysis.comparison import COLUMNS
from tests.vectorfind.run_files import PROPERTIES, planted_corrs, write_results, write_run
from vectorfind.runs.comparison import (
    compare_files,
    compare_runs,
    compare_several,
    write_comparison,
)


def test_two_folders_are_compared_and_written(tmp_path):
    a = write_run(tmp_path / "svm", planted_corrs())
    b = write_run(tmp_path / "gradient", planted_corrs(shift=0.02))
    report = compare_runs(a, b, tmp_path / "out")
    assert not any(line.startswith("note") for line in report.lines)
    page = report.page
    assert "gradient is ahead of svm" in page.read_text()
    written = pd.read_csv(tmp_path / "out" / "comparison.csv")
    assert tuple(written.columns) == COLUMNS
    first = (tmp_path / "out" / "figures" / "differences.png").read_bytes()
    compare_runs(a, b, tmp_path / "again")
    assert (tmp_path / "again" / "figures" / "differences.png").read_bytes() == first
    assert (tmp_path / "again" / "report.html").read_bytes() == page.read_bytes()


def test_bare_tables_are_compared_with_a_note(tmp_path):
    a = write_results(tmp_path / "a.csv", planted_corrs())
    _, notes = compare_files(a, a)
    assert "taken for granted" in notes[0]


def test_other_cases_are_refused(tmp_path):
    def refused(match, a, b):
        with pytest.raises(InputError, match=match):
            compare_files(a, b)

    a = write_run(tmp_path / "a", planted_corrs())
    refused("latents of", a, write_run(tmp_path / "few", planted_corrs(20)))
    few = write_results(tmp_path / "few.csv", planted_corrs(20))
    refused("40 cases, B 20", a, few)
    refused(
        "the seed of the test differs: 3 in a, 4", a, write_run(tmp_path / "s", planted_corrs(), 4)
    )
    other = write_run(tmp_path / "g", planted_corrs(), generator="h")
    refused("the generator differs: g in a, h in g", a, other)
    moved = write_run(tmp_path / "z", planted_corrs(), 4)
    config = json.loads((a / "config.json").read_text())
    (moved / "config.json").write_text(json.dumps(config))
    refused("latents of .* differ", a, moved)
    bare = tmp_path / "bare.csv"
    bare.write_text("case,eyes_corr\n0,0.5\n")
    refused("properties eyes, mouth, pose, B eyes", a, bare)
    bare.write_text((a / "test_result.csv").read_text().replace("\n39,", "\n99,"))
    refused("numbered otherwise", a, bare)
    refused("no file", a, tmp_path / "none.csv")
    table, _ = compare_files(a, a)
    with pytest.raises(InputError, match="run's own folder"):
        write_comparison(a, a, table, a)


def write_scores_of(folder, leak, seed=3):
    """Scores of cases whose first property moves the fourth score too, by `leak`."""
    grid = np.array(list(itertools.product((-1.0, 1.0), (-1.0, 0, 1.0), (-1.0, 0, 1.0))))
    base = np.random.default_rng(seed).standard_normal((40, 4))
    effects = np.concatenate([np.eye(3), np.array([[leak], [0], [0]])], axis=1)
    arrays = {"base": base, "edited": base[:, None] + grid @ effects, "strengths": grid}
    arrays |= {"properties": np.array(PROPERTIES), "scored": np.array([*PROPERTIES, "hair_color"])}
    write_npz(folder / "scores.npz", "vectorfind scores", arrays, {})


def test_several_runs_have_a_row_each_and_differ_from_the_first(tmp_path):
    paths = []
    for name, shift, leak in (("a", 0.0, 0.5), ("b", 0.02, 0.2), ("c", -0.02, 0.0)):
        paths.append(write_run(tmp_path / name, planted_corrs(shift=shift)))
        write_scores_of(paths[-1], leak)
    report = compare_several(paths, tmp_path / "out")
    table = report.tables["comparison"].set_index(["run", "measure"])
    std = np.random.default_rng(3).standard_normal((40, 4)).std(axis=0)
    # of three properties one leaks, to one of its three other scores
    assert table.loc[("a", "leak"), "mean"] == pytest.approx(0.5 * std[0] / std[3] / 9, rel=1e-3)
    assert table.loc[("c", "leak"), "difference_high"] < 0
    assert table.loc[("b", "sum_abs_corr"), "difference"] == pytest.approx(0.06, abs=1e-3)
    assert np.isnan(table.loc[("a", "leak"), "difference"])
    text = report.page.read_text()
    assert "b has the largest sum of |corr|" in text
    assert "c has the least leak" in text
    assert (tmp_path / "out" / "attribute_dependency.csv").exists()
    assert compare_several(paths[:2]).lines == compare_runs(*paths[:2]).lines
    with pytest.raises(InputError, match="give two or more"):
        compare_several(paths[:1])
