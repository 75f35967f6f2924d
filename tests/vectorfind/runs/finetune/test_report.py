"""Reports on tiny runs written by hand, from the library and from the command line."""

import shutil
from dataclasses import asdict

import pandas as pd
import pytest
from click.testing import CliRunner

from property_cnn.common.errors import InputError
from reports.analysis.finetune import ATTRIBUTES, LOG_COLUMNS
from reports.plots.finetune import CONCEPT, LABELS, TRAINING
from reports.plots.style import Plot
from stylegan_ft.finetune import run
from tests.reports.finetune_logs import concept_log, labelled_log, log_text
from tests.sketches import PNG
from tests.vectorfind.finetune_runs import (
    BRIGHT,
    BrightnessFilter,
    weights,  # noqa: F401
    write_generator,
    write_run,
)
from vectorfind.cli.finetune.report import report
from vectorfind.cli.main import Commands
from vectorfind.runs.finetune.report import read_directions, read_runs, write_finetune_report
from vectorfind.runs.finetune.settings import MeasureSettings
from vectorfind.runs.report import write_report

MEASURE = MeasureSettings(n=16, batch_size=8, device="cpu")
STATISTICS = "eyes_corr_mean,mouth_corr_mean,pose_corr_mean\n0.99,0.93,0.98\n"

pytestmark = pytest.mark.usefixtures("weights")


@pytest.fixture
def undrawn(monkeypatch):
    """Spares the time of drawing."""
    figures = {name: Plot(PNG) for name in (LABELS, CONCEPT, TRAINING)}
    monkeypatch.setattr("reports.pages.finetune.finetune_figures", lambda *given: figures)


@pytest.fixture
def v5(tmp_path):
    return [
        write_run(tmp_path / name, name, labelled_log(eyes=0.1, mouth=0.2 * number, pose=0.1))
        for number, name in enumerate(("v5-1", "v5-2", "v5-3"), start=1)
    ]


@pytest.fixture
def v9(tmp_path):
    base = write_generator(tmp_path / "base.safetensors", 0)
    folder = write_run(tmp_path / "v9", "v9", concept_log(), base)
    write_generator(folder / "generator.safetensors", 1)
    return folder


def test_columns_are_those_that_training_writes():
    assert LOG_COLUMNS == run.LOG_COLUMNS
    assert run.MEASURE_COLUMNS["concept"] == ATTRIBUTES


def test_labels_of_three_runs(v5, tmp_path):
    test = tmp_path / "test"
    test.mkdir()
    (test / "test_statistics.csv").write_text(STATISTICS)
    written = write_finetune_report(v5, tmp_path / "out", test)
    table = pd.read_csv(tmp_path / "out" / "verdict.csv")
    assert table["run"].tolist() == ["v5-1", "v5-2", "v5-3"]
    assert table["mouth_corr_last"].tolist() == pytest.approx([0.2, 0.4, 0.6])
    assert table["eyes_corr_directions"].tolist() == [0.99] * 3
    text = written.page.read_text()
    assert all(f"--variant v5-{number}" in text for number in (1, 2, 3))
    assert "rms difference 0.0125" in text
    drawn = {path.stem for path in (tmp_path / "out" / "figures").iterdir()}
    singles = {f"{name}_{kind}" for name in ("eyes", "mouth", "pose") for kind in ("corr", "mae")}
    assert drawn == singles | {"labels", "training"}
    assert written.lines[0].startswith("Best of 3 runs: eyes not learned (0.10)")
    assert not (tmp_path / "out" / "concept.csv").exists()


@pytest.mark.usefixtures("undrawn")
def test_the_concept_of_a_run_and_its_base(v9, tmp_path):
    out = tmp_path / "out"
    write_finetune_report([v9], out, None, MEASURE, BRIGHT, True)
    concept_csv = (out / "concept.csv").read_bytes()
    table = pd.read_csv(out / "concept.csv")
    assert table["n"].tolist() == [16, 16]
    assert table["passed"].tolist() == [round(16 * share) for share in table["share"]]
    gain = pd.read_csv(out / "concept_gain.csv").iloc[0]
    stds = table["mouth_std"]
    assert gain["mouth_diversity"] == pytest.approx(stds[1] / stds[0], rel=1e-2)
    page = (out / "report.html").read_bytes()
    write_finetune_report([v9], out, None, MEASURE, BRIGHT, True)
    assert BrightnessFilter.loads == 1  # the second measured nothing
    assert (out / "concept.csv").read_bytes() == concept_csv
    assert (out / "report.html").read_bytes() == page


@pytest.mark.usefixtures("undrawn")
def test_an_older_reports_tables_do_not_stay(v9, v5, tmp_path):
    out = tmp_path / "out"
    write_finetune_report([v9], out, None, MEASURE, BRIGHT, True)
    (out / "figures" / "own.png").write_bytes(b"the user's")
    (out / "figures" / "own_mae.png").write_bytes(b"the user's")
    with pytest.raises(InputError, match=r"own_mae.png is not of this job"):
        write_finetune_report(v5, out)
    (out / "figures" / "own_mae.png").unlink()
    write_finetune_report(v5, out)
    assert (out / "verdict.csv").exists()
    assert not (out / "concept_gain.csv").exists()
    assert sorted(path.stem for path in (out / "figures").iterdir()) == [
        *("concept", "labels", "own", "training"),
    ]


@pytest.mark.usefixtures("undrawn")
def test_an_unfinished_run_is_reported_and_said_to_be(tmp_path):
    folder = write_run(tmp_path / "v1", "v1", log_text(rows=0))
    written = write_finetune_report([folder], tmp_path / "out", None, MEASURE)
    assert "note: v1 has no generator.safetensors yet" in written.lines[-1]
    assert BrightnessFilter.loads == 0


@pytest.mark.usefixtures("undrawn")
def test_the_page_shows_the_first_and_the_last_samples(v5, tmp_path):
    page = write_finetune_report(v5[:1], tmp_path / "out").page.read_text()
    assert "Before training." in page
    assert "After 100 batches." in page
    assert "After 50 batches." not in page


@pytest.mark.usefixtures("undrawn")
def test_the_page_is_a_function_of_the_reports_folder(v9, v5, tmp_path):
    written = write_finetune_report([v9, *v5], tmp_path / "out", None, MEASURE, BRIGHT, True)
    page = written.page.read_bytes()
    copy = shutil.copytree(tmp_path / "out", tmp_path / "copy")
    shutil.rmtree(v9)  # the runs themselves are not needed any more
    again = write_report(copy)
    assert again.page.read_bytes() == page
    assert again.lines == written.lines


def test_runs_have_names_of_their_own(tmp_path):
    log = concept_log(2)
    paths = [write_run(tmp_path / name, "v9", log) for name in ("a/v9", "b/v9", "c")]
    names = [found.log.name for found in read_runs(paths)]
    assert names == [str(paths[0]), str(paths[1]), "c (v9)"]
    with pytest.raises(InputError, match="twice"):
        read_runs([paths[0], tmp_path / "a" / ".." / "a" / "v9"])


@pytest.mark.parametrize("text", ["a,b\n1,2\n", STATISTICS.replace("0.93", "high"), "", "\x00"])
def test_a_foreign_table_of_directions_is_named(tmp_path, text):
    path = tmp_path / "s.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"s\.csv"):
        read_directions(path)


def test_undefined_means_of_directions_are_left_out(tmp_path):
    (tmp_path / "test_statistics.csv").write_text(STATISTICS.replace("0.93", ""))
    assert read_directions(tmp_path) == {"eyes": 0.99, "pose": 0.98}


def invoke(*args):
    main = Commands("vectorfind", commands=[report])
    return CliRunner().invoke(main, ["report", *map(str, args)])


@pytest.mark.usefixtures("undrawn")
def test_command_prints_what_was_found_and_the_page(v9, v5, tmp_path):
    out = tmp_path / "out"
    how = ("-n", 16, "--device", "cpu", "--quiet", "--out", out)
    result = invoke(v9, *v5, *how)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("Best of 3 runs: ")
    assert lines[1].startswith("v9: ")
    assert lines[-1] == f"report: {out / 'report.html'}"
    assert result.stderr == ""


def test_defaults_are_those_of_the_settings():
    defaults = {option.name: option.default for option in report.params}
    settings = asdict(MeasureSettings())
    assert settings.pop("device") is None
    assert {name: defaults[name] for name in settings} == settings


def test_help_has_an_example():
    assert "Example:\n    vectorfind finetune report" in invoke("--help").stdout


SETTINGS, LOG = "settings.json", "train_log.csv"
DAMAGE = {
    "not a run": (SETTINGS, None),
    "no log": (LOG, None),
    "cut settings": (SETTINGS, lambda whole: whole[:20]),
    "binary settings": (SETTINGS, lambda whole: b"\xff\xfe\x00"),
    "deep settings": (SETTINGS, lambda whole: b"[" * 100_000),
    "other variant": (SETTINGS, lambda whole: whole.replace(b'"v9"', b'["v9"]')),
    "no epoch": (SETTINGS, lambda whole: whole.replace(b"40", b'"40"')),
    "other table": (LOG, lambda whole: b"a,b\n1,2\n"),
    "no base": ("../base.safetensors", None),
    "damaged generator": ("generator.safetensors", lambda whole: b"no tensors"),
}
"""What is wrong -> the file of the run, and its bytes of the whole one's; None if it is missing."""


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_gets_one_line(v9, tmp_path, what):
    name, damaged = DAMAGE[what]
    path = (v9 / name).resolve()
    whole = path.read_bytes()
    path.unlink()
    if damaged is not None:
        path.write_bytes(damaged(whole))
    result = invoke(v9, "-n", 4, "--device", "cpu", "--quiet", "--out", tmp_path / "out")
    assert result.exit_code == 2, result.output
    assert len(result.stderr.splitlines()) == 1
    assert str(tmp_path) in result.stderr


def test_a_runs_own_folder_is_no_place_for_reports(v9):
    result = invoke(v9, "--out", v9)
    assert result.exit_code == 2
    assert "own folder" in result.stderr
