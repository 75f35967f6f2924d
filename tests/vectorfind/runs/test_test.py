"""A run's folder: complete, the same bytes each time, resumed, and never clobbered."""

import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

from property_cnn.common.errors import InputError
from property_cnn.jobs.folder import Work
from property_cnn.jobs.verify import verify
from reports.plots.style import Plot
from tests.sketches import PNG, undraw
from tests.vectorfind.planted import PlantedGenerator, PlantedScorer
from tests.vectorfind.run_files import run_contents
from vectorfind.config import (
    GROUPING,
    ComponentSettings,
    EvaluateSettings,
    FindSettings,
    GradientSettings,
)
from vectorfind.runs import test as runs
from vectorfind.runs.record import command_line
from vectorfind.sampling.store import StoredSamples

FIND = FindSettings(n=320, group_by=("hair_color",), workers=1)
TEST = EvaluateSettings(cases=5, control_cases=4, bootstrap=50)
FILES = {
    ".lock",
    "attribute_dependency.csv",
    "config.json",
    "control.csv",
    "directions.npz",
    "files.json",
    "fits.csv",
    "group_statistics.csv",
    "latents.npz",
    "n_curve.csv",
    "report.html",
    "scores.npz",
    "slopes.csv",
    "test_result.csv",
    "test_statistics.csv",
    "timings.json",
}
FIGURES = {
    "attribute_dependency.png",
    "attribute_dependency_narrow.png",
    "corr_coefs.png",
    "corr_coefs_narrow.png",
    "grid.png",
    "grid_narrow.png",
    "slopes.png",
    "slopes_narrow.png",
    "strength.png",
    "strength_narrow.png",
    "strip_eyes.png",
    "strip_mouth.png",
    "strip_pose.png",
    "tsne.png",
    "tsne_narrow.png",
}


def run(out, find=FIND, test=TEST, scorer=None, **options):
    return runs.run_test(
        find, test, out, PlantedGenerator(), scorer or PlantedScorer(), quiet=True, **options
    )


def contents(folder):
    """All bytes that must not vary: not the timings, nor the n-curve's column of seconds."""
    curve = pd.read_csv(folder / "n_curve.csv").drop(columns="time")
    return run_contents(folder) | {"n_curve.csv": curve.to_csv().encode()}


def leave_out_figures(patch):
    """Every figure is a pixel."""
    undraw(patch)
    figures = {name.removesuffix(".png"): Plot(PNG) for name in FIGURES}
    patch.setattr(runs, "run_figures", lambda *args: figures)


@pytest.fixture
def no_figures(monkeypatch):
    """Leaves the figures undrawn, where a test is not about them: they take most of the time."""
    leave_out_figures(monkeypatch)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "out"
    assert run(path).page == path / "report.html"
    return path


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A run without figures."""
    path = tmp_path_factory.mktemp("plain") / "out"
    with pytest.MonkeyPatch.context() as patch:
        leave_out_figures(patch)
        run(path)
    return path


def test_every_file_is_there(folder):
    assert {path.name for path in folder.iterdir() if path.is_file()} == FILES
    assert {path.name for path in (folder / "figures").iterdir()} == FIGURES


def test_tables_have_the_reference_systems_columns(folder):
    names = ("test_result", "test_statistics", "n_curve")
    columns = {name: list(pd.read_csv(folder / f"{name}.csv").columns) for name in names}
    assert columns["test_result"] == (
        "case,group_name,passed,eyes_corr,mouth_corr,pose_corr,sum_abs_corr".split(",")
    )
    assert columns["test_statistics"][:6] == (
        "eyes_corr_mean,mouth_corr_mean,pose_corr_mean,sum_abs_corr_mean,passed,passed_ratio"
    ).split(",")
    assert columns["n_curve"] == (
        "n,k,time,svm_eyes_acc,svm_mouth_acc,svm_pose_acc,"
        "eyes_mean_corr,mouth_mean_corr,pose_mean_corr,sum_mean_corr"
    ).split(",")


def test_planted_properties_obey_and_chance_does_not(folder):
    table = pd.read_csv(folder / "control.csv").set_index(["directions", "measure"])["mean"]
    for name in ("eyes", "mouth", "pose"):
        assert table["found", f"{name}_corr"] > 0.9
        assert abs(table["random", f"{name}_corr"]) < 0.8
    assert "follow their numbers, clear of chance" in (folder / "report.html").read_text()


def test_fits_are_told_group_by_group(folder):
    table = pd.read_csv(folder / "fits.csv", dtype=str)
    assert table.groupby("property", sort=False).group_name.apply(list).to_dict() == {
        name: ["h", "l"] for name in ("eyes", "mouth", "pose")
    }
    assert (table.fit + table.measure == "svmaccuracy").all()
    assert table.value.astype(float).between(0.5, 1).all()


def test_latents_of_the_cases_are_kept(folder):
    with np.load(folder / "latents.npz", allow_pickle=False) as file:
        assert file["z"].shape == (5, 6)
        assert file["label"].shape == (5, 2)


def test_same_settings_give_the_same_bytes(folder, tmp_path):
    run(tmp_path / "again")
    first, second = contents(folder), contents(tmp_path / "again")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_interrupted_run_goes_on_to_the_same_bytes(folder, tmp_path, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(runs, "run_evaluation", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path)
    assert not (tmp_path / "report.html").exists()
    monkeypatch.setattr(runs, "draw", interrupted)  # what was found is not sought again
    run(tmp_path)
    assert contents(folder) == contents(tmp_path)


@pytest.mark.parametrize("stage", ["write_groups", "tsne_figure", "write_scores", "own_report"])
def test_a_run_stopped_anywhere_goes_on_to_the_same_bytes(
    plain, tmp_path, monkeypatch, stage, no_figures
):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    place = StoredSamples if stage == "write_groups" else runs
    with monkeypatch.context() as patch:
        patch.setattr(place, stage, interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path)
    run(tmp_path)
    assert contents(plain) == contents(tmp_path)


def test_a_stopped_run_with_networks_goes_on_to_the_same_bytes(tmp_path, monkeypatch, no_figures):
    find = replace(FIND, method="gradient", gradient=GradientSettings(max_epochs=2))
    run(tmp_path / "whole", find=find)
    with monkeypatch.context() as patch:
        patch.setattr(runs, "run_evaluation", None)
        with pytest.raises(TypeError):
            run(tmp_path / "stopped", find=find)
    run(tmp_path / "stopped", find=find)
    assert contents(tmp_path / "whole") == contents(tmp_path / "stopped")


def test_runs_may_share_a_store(plain, tmp_path, no_figures):
    run(tmp_path / "out", store=tmp_path / "store")
    assert not (tmp_path / "out" / "samples").exists()
    with_own = {k: v for k, v in contents(plain).items() if not k.startswith("samples/")}
    assert contents(tmp_path / "out") == with_own
    run(tmp_path / "other", find=replace(FIND, layer="w"), store=tmp_path / "store")
    listed = json.loads((tmp_path / "store" / "checksums" / "00000.json").read_text())
    assert {"mapping_split2", "w"} <= set(listed["arrays"])


def test_two_processes_cannot_work_in_one_folder(folder):
    with FileLock(folder / ".lock"), pytest.raises(InputError, match="another process works in"):
        run(folder)


def test_finished_run_is_not_repeated(folder, monkeypatch):
    monkeypatch.setattr(runs, "run_evaluation", None)
    before = contents(folder)
    report = run(folder)
    assert report.page == folder / "report.html"
    assert report.lines[1].startswith("  eyes: found ")
    assert contents(folder) == before


def test_other_settings_are_refused_unless_overwritten(tmp_path):
    run(tmp_path)
    other = EvaluateSettings(cases=4, control_cases=0, bootstrap=50)
    with pytest.raises(InputError, match=r"cases: 5 there, 4 here.*--overwrite"):
        run(tmp_path, test=other)
    fewer = replace(FIND, properties=("eyes", "pose"))
    assert run(tmp_path, fewer, other, overwrite=True).page == tmp_path / "report.html"
    assert not (tmp_path / "figures" / "strip_mouth.png").exists()
    assert not (tmp_path / ".replacement").exists()
    assert len(pd.read_csv(tmp_path / "test_result.csv")) == 4
    assert json.loads((tmp_path / "config.json").read_text())["evaluate"]["cases"] == 4
    assert "no control was run" in (tmp_path / "report.html").read_text()
    assert verify(tmp_path).whole


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *((name, "digit") for name in sorted(FILES - {".lock", "files.json"})),
        *((name, "gone") for name in ("control.csv", "directions.npz", "figures/tsne.png")),
        *((name, "gone") for name in ("latents.npz", "report.html", "test_result.csv")),
        *((name, "empty") for name in ("config.json", "timings.json", "control.csv")),
    ],
)
def test_what_is_missing_or_altered_is_made_again(plain, tmp_path, name, damage, no_figures):
    place = tmp_path / "run"
    shutil.copytree(plain, place)
    before, path = run_contents(place, ()), place / name
    damaged = {"digit": _other_digit(path.read_bytes()), "empty": b"{}"}
    path.write_bytes(damaged.get(damage, b""))
    if damage == "gone":
        path.unlink()
    told = run(place).lines[0]
    assert told == f"made again: {name} ({'missing' if damage == 'gone' else 'altered'})"
    after = run_contents(place, ())
    if name == "timings.json":  # seconds of another day
        before, after = run_contents(place), run_contents(place)
    assert before == after
    assert not run(place).lines[0].startswith("made again")


def _other_digit(content):
    place = next(place for place in range(len(content) - 1, 0, -1) if content[place] in b"12345678")
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize(
    "name",
    ["report.html", "cases/mine.txt", "training/mine.txt", "samples/w/mine.txt", "mine.txt"],
)
def test_folders_of_others_are_refused_and_left_as_they_are(tmp_path, monkeypatch, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    monkeypatch.setattr(runs, "fit_samples", None)
    for overwrite in (False, True):
        with pytest.raises(InputError, match=r"neither empty nor of this job.*another --out"):
            run(tmp_path, overwrite=overwrite)
    assert run_contents(tmp_path) == {name: b"mine"}


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("mine.txt", False),
        ("figures/mine.png", False),
        ("samples/mine.txt", False),
        ("samples/w/mine.txt", False),
        ("figures/strip_mine.png", True),
        ("cases/mine.txt", True),
        ("training/mine.txt", True),
    ],
)
def test_files_of_others_in_a_runs_folder_are_never_touched(
    plain, tmp_path, monkeypatch, no_figures, name, refused
):
    place = tmp_path / "run"
    shutil.copytree(plain, place)
    (place / name).parent.mkdir(exist_ok=True)
    (place / name).write_text("mine")
    (place / "slopes.csv").unlink()
    if refused:
        monkeypatch.setattr(runs, "fit_samples", None)
        for overwrite in (False, True):
            with pytest.raises(InputError, match=f"{name} is not of this job; move it away"):
                run(place, overwrite=overwrite)
    else:
        run(place)
        if not name.startswith("samples/"):
            run(place, test=replace(TEST, cases=4), overwrite=True)
    assert (place / name).read_text() == "mine"


def test_samples_that_are_replaced_hold_nothing_of_others(plain, tmp_path, no_figures):
    place = tmp_path / "run"
    shutil.copytree(plain, place)
    (place / "samples" / "mine.txt").write_text("mine")
    before = run_contents(place)
    with pytest.raises(InputError, match=r"mine.txt is not of this job; move it away"):
        run(place, replace(FIND, seed=1), overwrite=True)
    assert run_contents(place) == before


@pytest.mark.parametrize("stage", ["draw", "write_scores", "finish", "settle"])
def test_what_is_overwritten_stays_until_the_new_run_is_complete(
    plain, tmp_path, monkeypatch, no_figures, stage
):
    other, place = replace(FIND, seed=1), tmp_path / "run"
    run(tmp_path / "new", find=other)
    shutil.copytree(plain, place)
    old = run_contents(place)

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    where = {"finish": Work, "settle": os}.get(stage, runs)
    with monkeypatch.context() as patch:
        if stage == "settle":
            calls, real = [], os.replace

            def some(source, target):
                moved = ".replacement" in str(source) and ".replacement" not in str(target)
                calls.extend([1] if moved else [])
                return interrupted() if len(calls) == 5 else real(source, target)

            patch.setattr(where, "replace", some)
        else:
            patch.setattr(where, stage, interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(place, find=other, overwrite=True)
    if stage != "settle":
        there = run_contents(place)
        assert {name: there[name] for name in old} == old
        with monkeypatch.context() as patch:
            patch.setattr(runs, "run_evaluation", None)
            run(place)  # the old run's own command finds it whole
    else:
        run(place, find=other)  # is complete already
    if stage != "settle":
        run(place, find=other, overwrite=True)
    assert contents(place) == contents(tmp_path / "new")
    assert verify(place).whole


def test_a_store_outside_with_other_samples_is_refused_before_anything_is_touched(
    plain, tmp_path, no_figures
):
    place = tmp_path / "run"
    shutil.copytree(plain, place)
    run(tmp_path / "other", replace(FIND, seed=2), store=tmp_path / "store")
    before, stored = run_contents(place), run_contents(tmp_path / "store")
    with pytest.raises(InputError, match="holds other samples"):
        run(place, replace(FIND, seed=1), store=tmp_path / "store", overwrite=True)
    there = run_contents(place)
    assert {name: there[name] for name in before} == before
    assert run_contents(tmp_path / "store") == stored


def test_a_run_of_a_version_without_lists_is_gone_on_with(plain, tmp_path, no_figures):
    place = tmp_path / "run"
    shutil.copytree(plain, place)
    (place / "files.json").unlink()
    run(place)
    assert contents(place) == contents(plain)


@pytest.mark.parametrize("damage", ["cut", "digit"])
def test_a_damaged_list_costs_no_file(plain, tmp_path, damage, no_figures):
    place = tmp_path / "run"
    shutil.copytree(plain, place)
    path = place / "files.json"
    content = path.read_bytes()
    path.write_bytes(content[:-9] if damage == "cut" else _other_digit(content))
    run(place)
    assert contents(place) == contents(plain)


def test_directions_that_are_altered_are_not_gone_on_from(plain, tmp_path, monkeypatch, no_figures):
    with monkeypatch.context() as patch:
        patch.setattr(runs, "run_evaluation", None)
        with pytest.raises(TypeError):
            run(tmp_path)
    other = tmp_path / "directions.npz"
    other.write_bytes(other.read_bytes()[:-1] + b"x")
    run(tmp_path)
    assert contents(plain) == contents(tmp_path)


def test_networks_without_a_digest_are_never_resumed(tmp_path, no_figures):
    scorer = PlantedScorer()
    scorer.digest = ""
    run(tmp_path, scorer=scorer)
    written = (tmp_path / "timings.json").stat().st_mtime_ns
    run(tmp_path, scorer=scorer)
    assert (tmp_path / "timings.json").stat().st_mtime_ns > written


def test_unwritable_folder_is_refused_before_any_network_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "models_for", None)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write in"):
        run(tmp_path / "file" / "out")


def test_a_run_that_is_refused_leaves_the_folder_to_other_settings(tmp_path, no_figures):
    out = tmp_path / "out"
    with pytest.raises(InputError, match="n=40 is too small"):
        run(out, replace(FIND, n=40, group_by=GROUPING))
    assert sorted(path.name for path in out.iterdir()) == [".lock", "samples"]
    run(out, replace(FIND, n=320, seed=1))  # another seed: the samples are others too
    assert verify(out).whole


def test_evaluate_writes_the_same_tables_from_a_file_of_directions(folder, tmp_path):
    runs.run_evaluate(
        folder / "directions.npz", TEST, tmp_path, PlantedGenerator(), PlantedScorer(), quiet=True
    )
    for name in ("test_result.csv", "control.csv", "slopes.csv", "figures/grid.png"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    assert not (tmp_path / "n_curve.csv").exists()


def test_unreadable_images_are_counted(tmp_path, no_figures):
    def blind(scores):
        scores[scores[:, 1] > 0.9] = float("nan")
        return scores

    run(tmp_path, scorer=PlantedScorer(blind))
    statistics = pd.read_csv(tmp_path / "test_statistics.csv")
    assert statistics["unreadable"].iloc[0] > 0
    assert np.isfinite(statistics.iloc[0, :6].astype(float)).all()


def test_command_line_repeats_the_run():
    find = FindSettings(8000, "mapping_split1", "mixed", ("eyes", "pose"), GROUPING, seed=3)
    find = replace(find, units="raw")  # as complete settings say
    test = EvaluateSettings(cases=50, seed=3)
    assert command_line(find, test, "default", "my scorer.safetensors") == (
        "vectorfind test -n 8000 --cases 50 --layer mapping_split1 --method mixed --seed 3 "
        "--properties eyes,pose --scorer 'my scorer.safetensors'"
    )
    assert command_line(find, test, PlantedGenerator(), "default") == ""
    channels = ComponentSettings(count=9, channels=2, slopes="exact")
    find = replace(find, method="stylespace", layer="s", components=channels)
    assert command_line(find, test, "default", "default").endswith(
        "--properties eyes,pose --components 9 --channels 2 --channel-slopes exact"
    )
    find = replace(find, components=ComponentSettings(faces=9))
    assert command_line(find, test, "default", "default") == ""


def test_one_property_of_ones_own_is_enough(tmp_path):
    find = FindSettings(n=100, layer="w", properties=("hairstyle",), group_by=(), workers=1)
    run(tmp_path, find=find)
    assert (tmp_path / "figures" / "strip_hairstyle.png").exists()
    assert not (tmp_path / "figures" / "grid.png").exists()
    assert "From straight to curly" in (tmp_path / "report.html").read_text()
