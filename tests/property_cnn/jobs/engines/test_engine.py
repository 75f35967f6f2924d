"""Engines, really started: two processes each of Dask and Ray, killed, late, refused, full.

The bytes are those of this process's threads.
"""

import errno
import os
from pathlib import Path
from threading import Lock

import numpy as np
import pytest

from property_cnn.common import tasks
from property_cnn.common.errors import FileError, InputError
from property_cnn.common.tasks import in_threads, run_tasks, running_on
from property_cnn.jobs.engines import engine as engines
from property_cnn.jobs.engines.names import engine_name
from property_cnn.jobs.engines.parcels import HEAVY
from property_cnn.jobs.engines.worker import Call
from tests.property_cnn.jobs.engines.deadly import Deadly
from tests.property_cnn.jobs.engines.travelling import (
    add,
    fail,
    full,
    full_in_one,
    full_once,
    loaded,
    pid_after,
    slow_if_first,
)
from tests.sketches import undrawn
from tests.vectorfind.planted import PlantedGenerator, PlantedScorer
from tests.vectorfind.runs.test_test import contents
from vectorfind.config import EvaluateSettings, FindSettings
from vectorfind.models.pair import Models
from vectorfind.runs.test import run_test
from vectorfind.sampling.store import fill_store

FIND = FindSettings(n=600, group_by=("hair_color",))
TEST = EvaluateSettings(cases=20, control_cases=4, bootstrap=50)


@pytest.fixture(scope="module", params=["dask", "ray"])
def engine(request):
    package = {"dask": "distributed", "ray": "ray"}[request.param]
    pytest.importorskip(package, reason=f"needs {package}: pip install 'vectorfind[test]'")
    if request.param == "dask":
        from property_cnn.jobs.engines.dask_engine import DaskEngine as Engine
    else:
        from property_cnn.jobs.engines.ray_engine import RayEngine as Engine
    started = Engine(engine_name(f"{request.param}-local:2"))
    yield started
    started.close()


@pytest.fixture
def dask(request):
    pytest.importorskip("distributed", reason="needs distributed: pip install 'vectorfind[test]'")
    from property_cnn.jobs.engines.dask_engine import DaskEngine

    started = DaskEngine(engine_name("dask-local:1"))
    yield started
    started.close()


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def test_results_come_in_order_from_several_processes_on_threads_of_a_fixed_number(
    engine, monkeypatch
):
    array = np.arange(HEAVY, dtype=float)  # travels as a file
    asked = [(number, array) for number in range(24)]
    with running_on(engine):
        assert not in_threads()
        results = list(run_tasks(add, asked))
        assert list(run_tasks(slow_if_first, [(i,) for i in range(40)])) == list(range(40))
        assert list(run_tasks(slow_if_first, [(i,) for i in range(3)], workers=1)) == [0, 1, 2]
        monkeypatch.setattr(tasks, "TRAINING_THREADS", 2)
        trained = list(run_tasks(add, asked[:4], training=True))
        again = list(run_tasks(add, asked[:4]))
        assert list(run_tasks(os.getenv, [("OMP_WAIT_POLICY",)])) == ["PASSIVE"]
    assert in_threads()
    assert [threads for _, _, threads in trained + again] == [2] * 4 + [1] * 4
    assert [value for value, _, _ in results] == [2.0 * number for number in range(24)]
    assert {threads for _, _, threads in results} == {1}
    assert os.getpid() not in {pid for _, pid, _ in results}
    assert len(list(engine._folder.iterdir())) == 1


def test_a_worker_says_how_threads_wait_before_it_loads_pytorch(dask):
    with running_on(dask):
        assert list(run_tasks(loaded, [("torch", "sklearn")])) == [[]]


def test_a_store_is_the_same_after_a_worker_was_killed(engine, tmp_path):
    models = Models(PlantedGenerator(), PlantedScorer())
    fill_store(tmp_path / "threads", models, 1100)
    deadly = Models(PlantedGenerator(), Deadly(tmp_path / "killed"))
    with running_on(engine):
        fill_store(tmp_path / "engine", deadly, 1100)
    assert (tmp_path / "killed").exists()
    assert files(tmp_path / "engine") == files(tmp_path / "threads")


def test_a_whole_run_is_the_same_after_a_worker_was_killed(engine, tmp_path):
    with undrawn():
        run_test(FIND, TEST, tmp_path / "a", PlantedGenerator(), PlantedScorer(), quiet=True)
        scorer = Deadly(tmp_path / "killed")
        with running_on(engine):
            run_test(FIND, TEST, tmp_path / "b", PlantedGenerator(), scorer, quiet=True)
    assert (tmp_path / "killed").exists()
    assert contents(tmp_path / "b") == contents(tmp_path / "a")


def test_a_tasks_error_comes_back_with_its_place(engine):
    with running_on(engine), pytest.raises(KeyError, match="task 0") as raised:
        list(run_tasks(fail, [(0,)]))
    assert "on worker" in raised.value.__notes__[0]


def test_a_worker_that_sees_another_checkpoint_is_refused(engine):
    network = PlantedGenerator(("w",))  # of which no worker has read the parcel yet
    parcels = engine._parcels()
    packed = parcels.packed((type(network).synthesize, (network, None, "w")))
    parcel = parcels.folder / parcels.name_of(network)
    parcel.write_bytes(parcel.read_bytes()[::-1])
    call = Call(packed, parcels.folder, Path.cwd(), False)
    with pytest.raises(InputError, match=r"has the digest .* refused"):
        result_of(engine, call)
    parcel.unlink()


def test_a_worker_of_other_versions_is_refused(engine):
    call = Call(b"", engine._parcels().folder, Path.cwd(), False, release={"torch": "0.1"})
    with pytest.raises(InputError, match=r"for 0\.1; install the same versions"):
        result_of(engine, call)


def test_a_worker_that_does_not_see_the_folder_is_refused(engine, tmp_path):
    parcels = engine._parcels()
    call = Call(parcels.packed((pid_after, (0,))), parcels.folder, tmp_path / "none", False)
    with pytest.raises(InputError, match=r"does not see .*none"):
        result_of(engine, call)


def result_of(engine, call):
    handle = engine.submit(call, False)
    while True:
        try:
            return engine.answer(handle).result()
        except TimeoutError:
            continue


def test_a_task_that_met_a_full_disk_is_run_once_more(engine, tmp_path):
    with running_on(engine):
        results = list(run_tasks(full_once, [(i, tmp_path / "full") for i in range(4)]))
        assert results == [0, 1, 2, 3]
        with pytest.raises(FileError, match=r"cannot write 7 \(on .*\)") as raised:
            list(run_tasks(full, [(7,)]))
    assert raised.value.errno == errno.ENOSPC


def test_work_that_cannot_travel_is_told(engine):
    with running_on(engine), pytest.raises(InputError, match="cannot be sent"):
        list(run_tasks(fail, [(Lock(),)]))


def test_a_worker_that_joins_late_gets_tasks_and_one_with_a_full_disk_none(dask, tmp_path):
    with running_on(dask):
        results = run_tasks(pid_after, [(i,) for i in range(60)])
        pids = [next(results)]
        dask._cluster.scale(2)
        pids += list(results)
        assert len({*pids}) == 2
        pids = list(run_tasks(full_in_one, [(i, tmp_path) for i in range(8)]))
    assert {*map(str, pids)}.isdisjoint([(tmp_path / "pid").read_text()])


def test_a_cluster_without_workers_is_given_up(dask, monkeypatch):
    monkeypatch.setattr(engines, "LOST", 0.5)
    with running_on(dask):
        list(run_tasks(pid_after, [(0,)]))
        dask._cluster.scale(0)
        dask._cluster.sync(dask._cluster._correct_state)
        with pytest.raises(InputError, match="had no worker"):
            list(run_tasks(pid_after, [(0,)]))
