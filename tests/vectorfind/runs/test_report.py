"""Reports from files: every kind of source, the same bytes twice, and clear refusals."""

import re
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from property_cnn.common.errors import InputError
from reports.folders import ReadingError, read_curves, read_results_at
from reports.reading import read_curve
from tests.reports.reference import CURVES, HEAD
from tests.vectorfind.run_files import planted_corrs, write_results, write_run
from vectorfind.runs.report import Report, write_report


def png() -> bytes:
    buffer = BytesIO()
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(buffer, "PNG")
    return buffer.getvalue()


def files_of(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run", planted_corrs())


@pytest.fixture
def curves(tmp_path):
    """A folder of n-curves as the reference has them."""
    folder = tmp_path / "ncurve"
    folder.mkdir()
    for name, rows in CURVES.items():
        (folder / f"{name}.csv").write_text(HEAD + rows.strip() + "\n")
    (folder / "other.csv").write_text("a,b\n1,2\n")
    return folder


def test_a_runs_folder_gives_page_statistics_and_plots(run, tmp_path):
    report = write_report(run, tmp_path / "out")
    files = files_of(tmp_path / "out")
    assert {*files} == {
        "files.json",
        "report.html",
        "test_statistics.csv",
        "group_statistics.csv",
        "figures/corr_coefs.png",
        "figures/slopes.png",
    }
    assert report.page == tmp_path / "out" / "report.html"
    assert report.lines[0].startswith("mean corr-coef")
    page = files["report.html"].decode()
    assert "SVM directions at w, found from 4,000 samples" in page
    for piece in ("clear of chance", "accuracy", "By group"):
        assert piece in page
    assert "vectorfind test -n 4000" in page
    write_report(run, tmp_path / "again")
    assert files_of(tmp_path / "again") == files


def test_the_runs_own_pictures_are_shown(run, tmp_path):
    (run / "figures").mkdir()
    for name in ("strip_eyes", "grid", "strength"):
        (run / "figures" / f"{name}.png").write_bytes(png())
    page = write_report(run, tmp_path / "out").page.read_text()
    assert "Strip of images: eyes from closed to open" in page
    assert "All combinations of eyes, mouth and pose" in page


def test_a_damaged_picture_is_named(run, tmp_path):
    (run / "figures").mkdir()
    for name, data in (("grid", b"\x89PNG"), ("strength", png()[: len(png()) // 2])):
        (run / "figures" / f"{name}.png").write_bytes(data)
        with pytest.raises(InputError, match=f"{name}.png is no whole PNG"):
            write_report(run, tmp_path / "out")
        (run / "figures" / f"{name}.png").unlink()


def test_a_bare_table_gives_what_it_can(tmp_path):
    path = write_results(tmp_path / "any.csv", -planted_corrs())
    report = write_report(path, tmp_path / "out")
    assert "figures/slopes.png" not in files_of(tmp_path / "out")
    assert any("negative" in line for line in report.lines)
    assert "below zero" in report.page.read_text()


def test_figures_come_from_the_same_seed_as_the_runs(run):
    results = read_results_at(run)
    assert results.config["evaluate"]["seed"] == 3
    assert results.slopes is not None


def test_a_folder_of_curves_gives_plots_and_findings(curves, tmp_path):
    report = write_report(curves, tmp_path / "out")
    files = files_of(tmp_path / "out")
    plots = {f"figures/n_curve_{what}.png" for what in ("sum", "eyes", "mouth", "pose")}
    assert plots <= {*files}
    assert {f"figures/finding_{index}.png" for index in range(1, 8)} <= {*files}
    findings = pd.read_csv(tmp_path / "out" / "findings.csv")
    assert findings["holds"].tolist() == ["holds"] * 6 + ["partly"]
    again = read_curve((tmp_path / "out" / "n_curve.csv").read_text())
    pd.testing.assert_frame_equal(again, read_curves(curves))
    assert "lines: 7 (" in report.lines[0]
    assert "6 hold and 1 holds partly" in report.page.read_text()


def test_overlays_are_drawn_and_tried_too(curves, run, tmp_path):
    report = write_report(curves / "svm_w.csv", tmp_path / "out", [curves / "mixed.csv", run])
    overlay = pd.read_csv(tmp_path / "out" / "overlay.csv")
    assert {*zip(overlay["method"], overlay["layer"], strict=True)} == {
        ("mixed", "mapping_split1"),
        ("svm", "w"),
    }
    assert "evidence_overlay" in pd.read_csv(tmp_path / "out" / "findings.csv")
    page = report.page.read_text()
    assert "Dashed: the overlay" in page
    assert "NA&gt;" not in page  # a curve without k among some with


def test_an_older_reports_figures_do_not_stay(curves, run, tmp_path):
    out = tmp_path / "out"
    write_report(curves, out)
    (out / "figures" / "mine.png").write_bytes(b"mine")
    write_report(run, out)
    names = {path.name for path in (out / "figures").iterdir()}
    assert names == {"corr_coefs.png", "slopes.png", "mine.png"}


def test_pages_need_no_other_file(curves, run, tmp_path):
    for index, source in enumerate((curves, run)):
        page = write_report(source, tmp_path / str(index)).page.read_text()
        links = re.findall(r'(?:src|srcset|href)="([^"]*)"', page)
        assert links
        assert all(link.startswith(("#", "data:image/webp;base64,")) for link in links)


def test_what_cannot_be_used_is_refused(curves, run, tmp_path):
    def refused(match, source, out="out", overlays=()):
        with pytest.raises(InputError, match=match):
            write_report(source, tmp_path / out, overlays)

    (tmp_path / "empty").mkdir()
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    refused("no file .*none.csv; give a run's folder", tmp_path / "none.csv")
    refused("holds no test_result.csv and no n-curve", tmp_path / "empty")
    refused("bytes.csv is no UTF-8 text", tmp_path / "bytes.csv")
    refused("other.csv cannot be used: neither", curves / "other.csv")
    refused("run's own folder; choose another --out", curves, "run")
    refused("no run's own folder.*give --out", curves, "ncurve")
    refused("--overlay goes with n-curves", run, overlays=[curves])
    refused("holds no n-curve", curves, overlays=[tmp_path / "empty"])
    refused("stands twice", curves, overlays=[curves, curves / "mixed.csv"])
    assert not (tmp_path / "out").exists()


def test_results_of_a_folder_without_them_are_refused(tmp_path):
    with pytest.raises(ReadingError, match=r"holds no test_result\.csv"):
        read_results_at(tmp_path)


def test_undefined_values_are_shown_as_dashes(tmp_path):
    corrs = planted_corrs(4)
    corrs[:, 1] = np.nan
    page = write_report(write_results(tmp_path / "a.csv", corrs), tmp_path / "out").page
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page.read_text()).lower()


def test_a_report_is_its_results_in_lines(tmp_path):
    report = Report(tmp_path / "report.html", ("passed 9 of 10", "sum 2.8"))
    lines = repr(report).splitlines()
    assert lines[0] == "Report"
    assert lines[1].startswith("  page")
    assert [line.split("  ")[-1].strip() for line in lines[2:]] == ["passed 9 of 10", "sum 2.8"]
    table = pd.DataFrame({"case": range(1000)})
    assert "1,000 rows of case" in repr(Report(None, (), {"test_result": table}))
