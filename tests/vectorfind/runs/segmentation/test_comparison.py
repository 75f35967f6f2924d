"""A whole comparison on tiny pictures: its files, its page, and going on with it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from property_cnn.common.errors import InputError
from property_cnn.segmentation.settings import ScheduleSettings
from tests.vectorfind.runs.segmentation.pictures import write_pictures
from vectorfind.runs.report import write_report
from vectorfind.runs.segmentation.comparison import compare_students
from vectorfind.runs.segmentation.settings import StudySettings

pytest.importorskip("transformers", reason="needs the extra hair")
pytestmark = pytest.mark.usefixtures("tiny_b0")

STUDY = StudySettings(
    teacher="b0",
    terms=("kl:1", "sp:1", "kl:1:class"),
    baseline_seeds=2,
    schedule=ScheduleSettings(
        iterations=2, batch_size=2, height=32, width=32, checks=2, save_every=1, lr=1e-3
    ),
)
OVERLAYS = ("overlays.png", "overlays_narrow.png")
TABLES = ("students.csv", "students.md", "checks.csv", "differences.csv")


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, object]:
    folder = tmp_path_factory.mktemp("study")
    data = write_pictures(folder / "data", cars=1)
    reference = folder / "theirs.csv"
    reference.write_text("model,car,mIoU\nB0,72.13,69.38\n")
    said: list[str] = []
    compare_students(
        folder / "out", data, STUDY, reference, "vectorfind segment compare", log=said.append
    )
    return folder, data, said


def test_every_network_has_its_rows(finished):
    folder, _, _ = finished
    table = pd.read_csv(folder / "out" / "students.csv")
    counts = table.groupby("model").size().to_dict()
    assert counts == {"baseline": 8, "teacher": 4, "kl-1": 4, "sp-1": 4, "kl-1-class": 4}
    checks = pd.read_csv(folder / "out" / "checks.csv")
    assert set(checks["iteration"]) == {1, 2}


def test_the_class_that_a_fold_does_not_show_is_left_out_and_said(finished):
    folder, _, said = finished
    table = pd.read_csv(folder / "out" / "students.csv")
    shown = table.groupby("fold")["car"].agg(lambda values: values.notna().all())
    assert sorted(shown) == [False, True]
    assert any("no test image shows car" in line for line in said)


def test_the_page_is_made_again_from_a_copy(finished, tmp_path):
    folder, _, _ = finished
    page = (folder / "out" / "report.html").read_text()
    for text in ("baseline", "kl-1-class", "72.13", "Pull of the teacher", "Wrong pixels are red"):
        assert text in page
    write_report(folder / "out", tmp_path / "copy")
    assert (tmp_path / "copy" / "report.html").read_text() == page
    for name in OVERLAYS:
        copied = (tmp_path / "copy" / "figures" / name).read_bytes()
        assert copied == (folder / "out" / "figures" / name).read_bytes()


def test_overlays_have_two_widths_and_can_be_left_out(finished, tmp_path):
    folder, data, _ = finished
    wide, narrow = (Image.open(folder / "out" / "figures" / name) for name in OVERLAYS)
    assert wide.height == narrow.height
    assert narrow.width < wide.width / 2
    shutil.copytree(folder / "out", tmp_path / "out")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    del config["study"]["shown_images"]  # as versions before wrote it
    (tmp_path / "out" / "config.json").write_text(json.dumps(config))
    none = replace(STUDY, shown_images=0)
    compare_students(tmp_path / "out", data, none, log=_not_trained)
    assert not any((tmp_path / "out" / "figures" / name).exists() for name in OVERLAYS)
    assert "Wrong pixels" not in (tmp_path / "out" / "report.html").read_text()


def _not_trained(line):
    assert "iteration" not in line


def test_a_second_call_trains_nothing_and_changes_nothing(finished):
    folder, data, _ = finished
    before = {name: (folder / "out" / name).read_bytes() for name in TABLES}
    said: list[str] = []
    compare_students(folder / "out", data, STUDY, folder / "theirs.csv",
                     "vectorfind segment compare", log=said.append)  # fmt: skip
    assert not any("iteration" in line for line in said)
    assert {name: (folder / "out" / name).read_bytes() for name in TABLES} == before


def test_a_folder_of_another_comparison_is_refused(finished):
    folder, data, _ = finished
    with pytest.raises(InputError, match="temperature"):
        compare_students(folder / "out", data, replace(STUDY, temperature=2.0))


def test_a_reference_that_is_no_table_is_refused_before_anything_is_made(finished, tmp_path):
    _, data, _ = finished
    (tmp_path / "theirs.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="no column model"):
        compare_students(tmp_path / "out", data, STUDY, tmp_path / "theirs.csv")
    assert not (tmp_path / "out").exists()


def test_classes_named_as_columns_are_refused(finished, tmp_path):
    _, data, _ = finished
    with pytest.raises(InputError, match="fold"):
        compare_students(tmp_path / "out", replace(data, classes=("sky", "road", "fold")), STUDY)
