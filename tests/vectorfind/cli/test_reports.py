"""`vectorfind report` and `vectorfind compare`: what they print, and errors in one line."""

import json

import pytest
from click.testing import CliRunner

from tests.reports.reference import CURVES, HEAD
from tests.vectorfind.run_files import planted_corrs, write_results, write_run
from vectorfind.cli import main


def invoke(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


@pytest.mark.parametrize("command", ["report", "compare", "verify"])
def test_help_has_an_example(command):
    result = invoke(command, "--help")
    assert result.exit_code == 0
    assert f"Example:\n    vectorfind {command}" in result.stdout


def test_report_prints_cases_passed_and_means(tmp_path):
    path = write_results(tmp_path / "test_result.csv", -planted_corrs())
    result = invoke("report", path, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[1].startswith("  eyes: found -0.9")
    assert any(line.startswith("mean |corr|: eyes 0.9") for line in lines)
    assert any(line.startswith("cases passed: ") for line in lines)
    assert lines[-1] == f"report: {tmp_path / 'out' / 'report.html'}"


def test_report_of_curves_prints_the_findings(tmp_path):
    for name in ("svm_w", "gradient_w"):
        (tmp_path / f"{name}.csv").write_text(HEAD + CURVES[name].strip() + "\n")
    overlay = tmp_path / "gradient_w.csv"
    result = invoke("report", tmp_path, "--overlay", overlay, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "  Eyes are best by gradient: holds" in result.stdout.splitlines()


def test_compare_prints_a_table_and_writes_only_if_asked(tmp_path):
    a = write_run(tmp_path / "a", planted_corrs())
    b = write_run(tmp_path / "b", planted_corrs(shift=0.02))
    result = invoke("compare", a, b)
    assert result.exit_code == 0, result.output
    assert "+0.0200  [+0.0200, +0.0200]" in result.stdout
    result = invoke("compare", a, b, "--out", tmp_path / "out")
    assert result.stdout.splitlines()[-1] == f"report: {tmp_path / 'out' / 'report.html'}"


@pytest.mark.parametrize(
    "args", [("report", "none", "--out", "out"), ("compare", "none", "none"), ("report", "none")]
)
def test_what_is_missing_gets_one_line(args, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = invoke(*args)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1


def test_verify_tells_each_file_that_is_not_whole(tmp_path):
    path = write_results(tmp_path / "test_result.csv", -planted_corrs())
    out = tmp_path / "out"
    assert invoke("report", path, "--out", out).exit_code == 0
    result = invoke("verify", out)
    assert (result.exit_code, result.stdout) == (0, "4 of 4 files whole\n")
    (out / "report.html").write_text("x")
    (out / "test_statistics.csv").unlink()
    (out / "mine.txt").write_text("mine")
    result = invoke("verify", out)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "report.html: altered",
        "test_statistics.csv: missing",
        "mine.txt: not listed, of someone else",
        "2 of 4 files whole",
    ]
    result = invoke("verify", out, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["foreign"] == ["mine.txt"]
    result = invoke("verify", tmp_path)
    assert result.exit_code == 1
    result = invoke("verify", tmp_path / "none")
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.parametrize(
    "words",
    [
        ("test", "--out", ""),
        ("sample", "--store", ""),
        ("curve", "--out", ""),
        ("curve", "--out", "curve", "--store", ""),
        ("report", "x.csv", "--out", ""),
        ("compare", "a", "b", "--out", ""),
        ("bench", "--out", ""),
        ("hair", "distill", "--out", ""),
        ("finetune", "filter", "--out", ""),
    ],
)
def test_an_empty_name_is_no_folder(words):
    result = invoke(*words)
    assert result.exit_code == 2
    assert "it is empty; name a folder" in result.output
