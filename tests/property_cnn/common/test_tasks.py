"""Tasks: in order, on fixed numbers of threads, wherever the user configures joblib to put them."""

import joblib
import pytest
import torch

from property_cnn.common import tasks
from property_cnn.common.tasks import one_thread, run_tasks, training_threads
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.models.pair import Models


def threads_and(number):
    return number, torch.get_num_threads()


@pytest.fixture
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("workers", [1, 2, None])
def test_results_come_in_order_and_every_task_has_one_thread(workers, three_threads):
    results = list(run_tasks(threads_and, [(i,) for i in range(7)], workers))
    assert results == [(i, 1) for i in range(7)]
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize("workers", [1, 2])
def test_every_training_has_as_many_threads(workers, three_threads, monkeypatch):
    monkeypatch.setattr(tasks, "TRAINING_THREADS", 2)
    results = list(run_tasks(threads_and, [(i,) for i in range(5)], workers, training=True))
    assert results == [(i, 2) for i in range(5)]
    assert torch.get_num_threads() == 3


def test_networks_that_are_not_thread_safe_run_one_after_another(three_threads):
    models = Models(ToyGenerator(), ToyScorer())
    assert list(run_tasks(threads_and, [(0,), (1,)], None, models)) == [(0, 1), (1, 1)]
    assert list(run_tasks(threads_and, [(0,), (1,)], 2, models)) == [(0, 1), (1, 1)]


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_processes_are_used_where_the_user_configures_them(backend):
    with joblib.parallel_config(backend=backend, n_jobs=2):
        assert list(run_tasks(threads_and, [(i,) for i in range(3)])) == [(0, 1), (1, 1), (2, 1)]


def test_an_error_in_a_task_reaches_the_caller_and_threads_are_given_back(three_threads):
    def fail(number):
        raise ValueError(f"task {number}")

    with pytest.raises(ValueError, match="task 0"):
        list(run_tasks(fail, [(0,)], 2))
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize(("threads", "number"), [(one_thread, 1), (training_threads, 2)])
@pytest.mark.parametrize("before", [1, 3])
def test_numbers_of_threads_are_fixed_and_undone(
    three_threads, monkeypatch, threads, number, before
):
    monkeypatch.setattr(tasks, "TRAINING_THREADS", 2)
    torch.set_num_threads(before)
    with threads():
        assert torch.get_num_threads() == number
    assert threads()(torch.get_num_threads)() == number
    assert torch.get_num_threads() == before
