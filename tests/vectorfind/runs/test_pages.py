"""A page is a function of a folder: remade or made from a copy elsewhere, it is the same bytes."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

import reports
from reports import layout
from tests.vectorfind.planted import PlantedGenerator, PlantedScorer
from vectorfind.config import CurveSettings, EvaluateSettings, FindSettings
from vectorfind.runs import test as runs
from vectorfind.runs.comparison import compare_runs
from vectorfind.runs.curve import run_curve
from vectorfind.runs.report import write_report

FIND = FindSettings(n=320, layer="w", group_by=("hair_color",), workers=1)
TEST = EvaluateSettings(cases=5, control_cases=3, bootstrap=50, hair=True)
SOURCE = Path(reports.__file__).parents[1]


class Segmenter:
    """Hair is where an image is bright."""

    digest, device = "toy-segmenter", "cpu"

    def __call__(self, images):
        return (images.mean(dim=1, keepdim=True) > 0).float()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a test with hair, and what it printed."""
    place = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "segmenter_for", lambda generator: Segmenter())
        networks = PlantedGenerator(), PlantedScorer()
        report = runs.run_test(FIND, TEST, place / "run", *networks, quiet=True)
    return place / "run", report


@pytest.fixture(scope="module")
def curve(tmp_path_factory):
    folder = tmp_path_factory.mktemp("curve") / "curve"
    settings = CurveSettings(
        n=(80, 400, 600), methods=("svm",), layers=("w",), cases=4, control_cases=2, workers=1
    )
    run_curve(settings, folder, PlantedGenerator(), PlantedScorer(), quiet=True)
    return folder


def files_of(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def assert_a_function_of(folder, elsewhere):
    """The page is the same when made again in place, in another folder, and from a copy."""
    before = files_of(folder)
    page = before[Path(layout.REPORT)]
    write_report(folder)
    assert files_of(folder) == before
    assert write_report(folder, elsewhere / "out").page.read_bytes() == page
    copy = shutil.copytree(folder, elsewhere / "under another name")
    (copy / layout.REPORT).unlink()
    assert write_report(copy).page.read_bytes() == page


def test_the_page_of_a_test(run, tmp_path):
    folder, report = run
    assert_a_function_of(folder, tmp_path)
    assert write_report(folder).lines == report.lines


def test_the_page_of_a_curve(curve, tmp_path):
    assert_a_function_of(curve, tmp_path)


def test_the_page_of_a_comparison(run, tmp_path):
    compare_runs(run[0], run[0], tmp_path / "compared")
    assert_a_function_of(tmp_path / "compared", tmp_path)


def test_nothing_is_lost_on_the_way_through_files(run):
    folder, _ = run
    page = (folder / layout.REPORT).read_text().replace("<wbr>", "")
    for words in (
        "What the numbers do", "Every combination", "From number to score", "What else moves",
        "How reliably", "By group", "What happens to the hair", "The samples that were told apart",
        "The fits on samples held out", "SVM, 2 groups", "strengths of mouth", "unreadable samples",
        "hair mask kept (IoU)", "the same by chance", "toy-segmenter", "hair_iou",
    ):  # fmt: skip
        assert words in page, words
    figures = {path.read_bytes() for path in (folder / layout.FIGURES).iterdir()}
    wide_and_narrow = len(re.findall(r'(?:src|srcset)="data:image/webp', page))
    assert wide_and_narrow == len(figures) == 3 + 1 + 2 * 6  # strips; hair; the others in two


def test_a_finished_runs_settings_stay_those_of_its_page(run):
    folder, _ = run
    config = json.loads((folder / layout.CONFIG).read_text())
    assert config["tested"]["edits"] == 50
    assert config["words"]["method"] == "SVM"


def test_what_a_curve_left_out_stands_in_its_folder(curve):
    config = json.loads((curve / layout.CONFIG).read_text())
    assert "n=80 is too small" in config["skipped"][0]
    assert "n=80 is too small" in (curve / layout.REPORT).read_text()


def test_a_curve_without_its_cells_still_has_a_page(curve, tmp_path):
    copy = shutil.copytree(curve, tmp_path / "copy")
    shutil.rmtree(copy / layout.CELLS)
    assert "What chance gives" in write_report(copy).page.read_text()
    table = pd.read_csv(copy / layout.N_CURVE)
    assert table.equals(pd.read_csv(curve / layout.N_CURVE))


def test_names_of_files_stand_in_one_place():
    names = {
        value
        for name, value in vars(layout).items()
        if name.isupper() and isinstance(value, str) and re.search(r"\.(csv|json|html|npz)$", value)
    }
    assert layout.RESULT in names
    found = [
        f"{path.relative_to(SOURCE)}: {name}"
        for package in ("vectorfind", "reports")
        for path in sorted((SOURCE / package).rglob("*.py"))
        if path.name != "layout.py"
        for name in names
        if re.search(rf"""["'/]{re.escape(name)}["']""", path.read_text(encoding="utf-8"))
    ]
    assert found == []
