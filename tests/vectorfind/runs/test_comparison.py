"""Comparisons of runs' folders: written whole, cases that differ refused."""

import json

import pandas as pd
import pytest

from property_cnn.common.errors import InputError
from reports.comparison import COLUMNS
from tests.vectorfind.run_files import planted_corrs, write_results, write_run
from vectorfind.runs.comparison import compare_files, compare_runs, write_comparison


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
