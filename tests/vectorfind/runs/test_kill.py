"""A run that is killed outright, again and again, ends in the same bytes as one left in peace."""

import time
from dataclasses import replace

import pytest

from property_cnn.common.errors import InputError
from property_cnn.jobs.verify import verify
from tests import children
from tests.sketches import undrawn
from tests.vectorfind.planted import PlantedGenerator, PlantedScorer
from tests.vectorfind.run_files import run_contents
from tests.vectorfind.runs.test_test import contents
from vectorfind.config import EvaluateSettings, FindSettings, GradientSettings
from vectorfind.models.pair import Models
from vectorfind.runs.test import run_test
from vectorfind.sampling.store import fill_store

FIND = FindSettings(
    n=1200,
    method="mixed",
    group_by=("hair_color",),
    workers=1,
    gradient=GradientSettings(max_epochs=5),
)
TEST = EvaluateSettings(cases=24, control_cases=8, bootstrap=50)
KILLS = 3


class SlowScorer(PlantedScorer):
    """Leaves time to be killed in."""

    def __call__(self, images):
        time.sleep(0.005)
        return super().__call__(images)


def run(out, seed=0, overwrite=False):
    find = replace(FIND, seed=int(seed))
    models = (PlantedGenerator(), SlowScorer())
    with undrawn():
        run_test(find, TEST, out, *models, overwrite=bool(overwrite), quiet=True)


def sample_slowly(folder):
    fill_store(folder, Models(PlantedGenerator(), SlowScorer()), 4000, workers=1)


def test_kills_change_no_byte(tmp_path):
    run(tmp_path / "whole")
    folder, kills = tmp_path / "killed", 0
    moments = [0.05, 0.5, 0.2]
    while kills < 30:
        seen = _files(folder)
        process = children.started(run, folder)
        while process.is_alive() and _files(folder) == seen:
            time.sleep(0.01)  # until it has left something new
        time.sleep(moments[kills % len(moments)])
        process.kill()
        process.join()
        if process.exitcode == 0:
            break
        kills += 1
        if kills >= KILLS:
            run(folder)
            break
    assert kills >= 1
    first, second = contents(tmp_path / "whole"), contents(folder)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_kills_of_a_run_that_replaces_another_lose_neither(tmp_path, monkeypatch):
    monkeypatch.setattr(SlowScorer, "__call__", PlantedScorer.__call__)  # not that of the child
    folder = tmp_path / "out"
    run(folder)
    run(tmp_path / "new", seed=1)
    before = run_contents(folder)
    for moment in (0.4,):
        process = children.started(run, folder, 1, True)
        while process.is_alive() and not (folder / ".replacement" / "samples").exists():
            time.sleep(0.01)
        time.sleep(moment)
        process.kill()
        process.join()
        assert process.exitcode != 0
        there = run_contents(folder)
        assert {name: there[name] for name in before} == before
        assert verify(folder).whole
    run(folder, seed=1, overwrite=True)
    assert contents(folder) == contents(tmp_path / "new")


def test_a_sampler_at_work_in_a_runs_folder_is_left_alone(tmp_path):
    samples = tmp_path / "out" / "samples"
    process = children.started(sample_slowly, samples)
    while process.is_alive() and not list(samples.glob("scores/*.npy")):
        time.sleep(0.01)
    for _ in range(3):
        with pytest.raises(InputError, match=r"another process works in .*samples"):
            run(tmp_path / "out")
    process.join(120)
    assert process.exitcode == 0
    fill_store(tmp_path / "alone", Models(PlantedGenerator(), PlantedScorer()), 4000)
    assert run_contents(samples) == run_contents(tmp_path / "alone")
    run(tmp_path / "out")
    assert verify(tmp_path / "out").whole


def _files(folder):
    return {(path, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}
