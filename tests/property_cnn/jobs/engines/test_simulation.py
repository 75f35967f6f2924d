"""A simulated cluster: closed forms where nothing is random, and what must hold where it is."""

import numpy as np
import pytest

from property_cnn.jobs.engines.simulation import HOUR, ClusterModel, simulate


def test_equal_workers_take_whole_rounds():
    run = simulate(ClusterModel(workers=10, task=2.0), 40)
    assert run.seconds == pytest.approx(8.0)
    assert run.efficiency == pytest.approx(1.0)
    assert run.half == pytest.approx(6.0)
    run = simulate(ClusterModel(workers=10, task=2.0, start=5.0), 41)
    assert run.seconds == pytest.approx(15.0)  # a fifth round for one task
    assert run.efficiency == pytest.approx(41 * 2 / (10 * 15))
    assert run.lost == 0


def test_a_head_that_takes_too_long_is_the_limit():
    run = simulate(ClusterModel(workers=100, task=1.0, head=0.1), 2000)
    assert run.seconds == pytest.approx(200, rel=0.02)
    assert run.busy == pytest.approx(1.0, abs=0.02)
    assert simulate(ClusterModel(workers=100, task=1.0, head=0.001), 2000).busy < 0.12


def test_slow_workers_do_less_and_hold_up_no_other():
    run = simulate(ClusterModel(workers=100, task=1.0, slow=0.1, slowness=5.0), 9200)
    assert run.seconds == pytest.approx(100, rel=0.05)  # 90 usual workers and 10 / 5 of one
    assert run.efficiency == pytest.approx(0.92, rel=0.05)


def test_deaths_lose_the_tasks_that_the_rate_says():
    model = ClusterModel(workers=50, task=10.0, deaths=36.0, restart=20.0)
    run = simulate(model, 5000, seed=3)
    chance = 1 - np.exp(-10.0 * 36.0 / HOUR)  # of a death in one task
    assert run.lost == pytest.approx(5000 * chance / (1 - chance), rel=0.15)
    assert run.seconds > 1000
    assert run == simulate(model, 5000, seed=3)
    assert run != simulate(model, 5000, seed=4)
