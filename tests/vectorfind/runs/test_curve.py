"""The n-curve: one sampling for all, the same bytes after a stop, cells too small left out."""

import json
import shutil
from dataclasses import replace

import pandas as pd
import pytest

from property_cnn.common.devices import quick_dtype
from property_cnn.common.errors import InputError
from property_cnn.jobs.verify import verify
from reports.folders import Curves
from reports.pages.curve import curve_files
from reports.plots.style import Plot
from tests.sketches import PNG
from tests.vectorfind.planted import PlantedGenerator, PlantedScorer
from tests.vectorfind.run_files import run_contents
from vectorfind.config import CurveSettings, GradientSettings
from vectorfind.directions import finding
from vectorfind.runs import curve as module
from vectorfind.runs.curve import control_table, curve_table, run_curve
from vectorfind.runs.report import Report
from vectorfind.sampling.groups import grouped

SETTINGS = CurveSettings(
    n=(80, 600, 1200),
    layers=("mapping_split2", "w"),
    cases=6,
    control_cases=4,
    workers=1,
    gradient=GradientSettings(max_epochs=3),
)


class Counting(PlantedScorer):
    def __init__(self):
        super().__init__()
        self.images = 0

    def __call__(self, images):
        self.images += len(images)
        return super().__call__(images)


def run(out, scorer=None, settings=SETTINGS, **options):
    return run_curve(
        settings, out, PlantedGenerator(), scorer or PlantedScorer(), quiet=True, **options
    )


def contents(folder):
    """All bytes that must not vary: not the timings, nor what shows them; without the plots."""
    files = {
        name: data
        for name, data in run_contents(folder).items()
        if name.endswith((".csv", ".json", ".npy"))
    }
    listing = json.loads(files["files.json"])
    drawn = ("report.html", "findings.csv", "figures/")
    kept = {name: one for name, one in listing["files"].items() if not name.startswith(drawn)}
    files["files.json"] = json.dumps(listing | {"files": kept}).encode()
    curve = pd.read_csv(folder / "n_curve.csv").drop(columns="time")
    return files | {"n_curve.csv": curve.to_csv().encode()}


@pytest.fixture
def undrawn(monkeypatch):
    """Leaves the plots undrawn, where a test is not about them."""

    monkeypatch.setattr(module, "own_report", lambda folder: Report(folder / "report.html", ()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("curve") / "out"
    assert run(path).page == path / "report.html"
    return path


def test_every_cell_has_its_row_and_small_ones_are_named(folder):
    table = pd.read_csv(folder / "n_curve.csv")
    rows = set(zip(table.method, table.layer, table.n, strict=True))
    layers = SETTINGS.layers
    assert rows == {
        *(("gradient", layer, n) for layer in layers for n in (80, 600, 1200)),
        *(("svm", layer, n) for layer in layers for n in (600, 1200)),
    }
    assert "n=80 is too small for 16 groups" in (folder / "report.html").read_text()


def test_the_table_has_the_reference_systems_columns(folder):
    columns = list(pd.read_csv(folder / "n_curve.csv").columns)
    assert columns[:5] == ["method", "layer", "n", "k", "time"]
    for name in ("eyes", "mouth", "pose"):
        assert {f"svm_{name}_acc", f"nn_{name}_mse", f"{name}_mean_corr"} <= set(columns)
    assert "sum_mean_corr" in columns


def test_planted_properties_obey_and_chance_does_not(folder):
    table = pd.read_csv(folder / "n_curve.csv")
    most = table[table.n == 1200]
    assert most[most.method == "svm"].sum_mean_corr.min() > 2.8
    control = pd.read_csv(folder / "control.csv")
    assert len(control) == 4
    assert (control.sum_mean_corr < 2.0).all()


def test_the_sum_is_that_of_the_means(folder):
    table = pd.read_csv(folder / "n_curve.csv")
    means = table[["eyes_mean_corr", "mouth_mean_corr", "pose_mean_corr"]].sum(axis=1)
    assert (means - table.sum_mean_corr).abs().max() < 2e-4
    assert (table.sum_mean_corr_low <= table.sum_mean_corr).all()


def test_the_page_does_not_vary_with_the_time(folder):
    table = pd.read_csv(folder / "n_curve.csv")
    pages = [curve_files(Curves(table.assign(time=time)))[0]["report.html"] for time in (1.0, 2.0)]
    assert pages[0] == pages[1]


def test_plots_are_there(folder):
    names = {path.name for path in (folder / "figures").iterdir()}
    assert {f"n_curve_{what}.png" for what in ("sum", "eyes", "mouth", "pose")} <= names


def test_images_are_sampled_once_for_all_cells(tmp_path, undrawn):
    scorer = Counting()
    run(tmp_path, scorer, FOUR)
    cells, controls = 4, 2
    tests = cells * 6 * (1 + 50) + controls * 4 * 50
    assert scorer.images == 2 * 512 + tests


def test_a_second_curve_shares_the_store(folder, tmp_path, undrawn):
    scorer = Counting()
    run(tmp_path, scorer, store=folder / "samples")
    assert scorer.images == 10 * 6 * 51 + 4 * 4 * 50
    assert not (tmp_path / "samples").exists()


FOUR = replace(SETTINGS, n=(600, 800), layers=("w",))


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    """A curve of four cells, without plots."""
    path = tmp_path_factory.mktemp("four") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "own_report", lambda folder: Report(folder / "report.html", ()))
        run(path, settings=FOUR)
    return path


@pytest.mark.parametrize(
    ("stage", "after"), [("run_cell", 3), ("fill_store", 0), ("train_part", 2)]
)
def test_an_interrupted_curve_goes_on_to_the_same_bytes(
    four, tmp_path, monkeypatch, undrawn, stage, after
):
    real, calls = getattr(module, stage), []

    def interrupted(*args, **kwargs):
        if len(calls) == after:
            raise KeyboardInterrupt
        calls.append(args)
        return real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(module, stage, interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, settings=FOUR)
    run(tmp_path, settings=FOUR)
    first, second = contents(four), contents(tmp_path)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_a_finished_cell_is_not_run_again(tmp_path, undrawn):
    scorer = Counting()
    settings = replace(SETTINGS, n=(600,))
    run(tmp_path, settings=settings)
    run(tmp_path, scorer, settings)
    assert scorer.images == 0


def test_other_settings_are_refused(folder):
    with pytest.raises(InputError, match="holds a run with other settings"):
        run(folder, settings=CurveSettings(n=(600,), workers=1))


CELL = "cells/gradient_w_600"
SMALL = replace(SETTINGS, n=(600,), layers=("w",), cases=4, control_cases=2)


def leave_out_plots(patch):
    """Every plot is a pixel."""
    patch.setattr("reports.pages.curve.both_widths", lambda draw: Plot(PNG))


@pytest.fixture
def no_plots(monkeypatch):
    leave_out_plots(monkeypatch)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("small") / "out"
    with pytest.MonkeyPatch.context() as patch:
        leave_out_plots(patch)
        run(path, settings=SMALL)
    return path


@pytest.mark.parametrize("damage", ["gone", "digit", "{}"])
@pytest.mark.parametrize(
    "name",
    [
        *("config.json", "control.csv", "n_curve.csv", "timings.json", "report.html"),
        *(f"{CELL}/{name}" for name in ("row.json", "test_result.csv")),
    ],
)
def test_what_is_missing_or_altered_is_made_again(small, tmp_path, no_plots, name, damage):
    out = tmp_path / "out"
    shutil.copytree(small, out)
    before, path = contents(out), out / name
    content = path.read_bytes()
    path.write_bytes(content.replace(b"0", b"1", 1) if damage == "digit" else b"{}")
    if damage == "gone":
        path.unlink()
    told = run(out, settings=SMALL).lines[0]
    assert told == f"made again: {name} ({'missing' if damage == 'gone' else 'altered'})"
    assert contents(out) == before
    assert verify(out).whole


def test_a_finished_curve_samples_nothing(small, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "fill_store", None)
    assert run(small, settings=SMALL).lines[-1].startswith("seconds: ")


def test_directions_that_are_altered_are_found_again(small, tmp_path, monkeypatch, undrawn):
    with monkeypatch.context() as patch:
        patch.setattr(module, "run_evaluation", None)
        with pytest.raises(TypeError):
            run(tmp_path, settings=SMALL)
    (path,) = tmp_path.glob("cells/*/directions.npz")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    run(tmp_path, settings=SMALL)
    first, second = contents(small), contents(tmp_path)
    first.pop("findings.csv")
    assert first == second


@pytest.mark.parametrize("stage", ["fill_store", "run_evaluation"])
def test_what_is_overwritten_stays_until_the_new_curve_is_complete(
    small, tmp_path, monkeypatch, no_plots, stage
):
    out, other = tmp_path / "out", replace(SMALL, seed=1)
    shutil.copytree(small, out)
    (out / "mine.csv").write_text("mine")
    (out / "figures" / "mine.png").write_bytes(b"mine")
    before = run_contents(out)
    with monkeypatch.context() as patch:
        patch.setattr(module, stage, None)
        with pytest.raises(TypeError):
            run(out, settings=other, overwrite=True)
    there = run_contents(out)
    assert {name: there[name] for name in before} == before
    run(out, settings=other, overwrite=True)
    run(tmp_path / "new", settings=other)
    assert (out / "figures" / "mine.png").read_bytes() == b"mine"
    (out / "mine.csv").unlink()
    assert contents(out) == contents(tmp_path / "new")
    assert verify(out).whole


@pytest.mark.parametrize("name", ["cells/mine.txt", f"{CELL}/mine.txt", "figures/n_curve_a.png"])
def test_files_of_others_where_a_curve_writes_are_refused(small, tmp_path, name):
    out = tmp_path / "out"
    shutil.copytree(small, out)
    (out / name).write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(InputError, match=f"{name} is not of this job; move it away"):
            run(out, settings=SMALL, overwrite=overwrite)
    (tmp_path / "other" / "cells").mkdir(parents=True)
    (tmp_path / "other" / "cells" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="neither empty nor of this job"):
        run(tmp_path / "other", settings=SMALL)
    assert (tmp_path / "other" / "cells" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": (8, 4)}, "give rising numbers"),
        ({"n": ()}, "no n given"),
        ({"layers": ()}, "no layers given"),
        ({"cases": 0}, "cases is 0"),
    ],
)
def test_settings_that_are_not_allowed_are_told(change, message):
    with pytest.raises(InputError, match=message):
        CurveSettings(**change).validate()


def test_a_method_that_there_is_not_is_told(tmp_path):
    with pytest.raises(InputError, match="unknown method 'sum'; choose one of svm, gradient"):
        run(tmp_path, settings=replace(SETTINGS, methods=("sum",)))


def test_nothing_runs_where_every_group_is_too_small(tmp_path):
    settings = CurveSettings(n=(80,), methods=("svm",), layers=("w",), workers=1)
    with pytest.raises(InputError, match="no cell could be run"):
        run(tmp_path, settings=settings)


def test_rows_are_ordered_by_line_and_n():
    rows = [
        {"method": method, "layer": "w", "n": n, "k": n, "time": 1.0, "eyes_mean_corr": 1}
        | {"fits": {fit: 0.5}}
        for n, method, fit in [
            (10, "gradient", "nn_eyes_mse"),
            (20, "svm", "svm_eyes_acc"),
            (20, "gradient", "nn_eyes_mse"),
        ]
    ]
    table = curve_table(rows)
    assert table.n.tolist() == [10, 20, 20]
    assert table.method.tolist() == ["gradient", "gradient", "svm"]
    assert list(table.columns[-1:]) == ["eyes_mean_corr"]
    assert control_table(rows).empty


def test_the_samples_of_each_n_are_grouped_once(tmp_path, monkeypatch, undrawn):
    sizes = []

    def counting(samples, *args):
        sizes.append(len(samples))
        return grouped(samples, *args)

    for place in (module, finding):
        monkeypatch.setattr(place, "grouped", counting)
    run(tmp_path / "out", settings=replace(SETTINGS, n=(600, 800), methods=("svm",)))
    assert sizes == [600, 800]


def test_the_precision_of_training_is_written_down(folder):
    told = json.loads((folder / "config.json").read_text())
    assert told["curve"]["gradient"]["dtype"] == quick_dtype("cpu")
