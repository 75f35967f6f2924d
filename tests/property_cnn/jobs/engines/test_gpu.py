"""Workers on GPUs: one a process, the same bytes as on this process's."""

import os

import pytest
import torch

from property_cnn.common.tasks import run_tasks, running_on
from property_cnn.jobs.engines.names import engine_name
from vectorfind.models.pair import load_models
from vectorfind.sampling.sampler import sample

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU (CUDA)")


def gpus_seen(number):
    return os.environ["CUDA_VISIBLE_DEVICES"], torch.cuda.device_count()


def test_a_process_has_one_gpu_and_gives_the_same_bytes():
    pytest.importorskip("distributed", reason="needs distributed: pip install 'vectorfind[test]'")
    from property_cnn.jobs.engines.dask_engine import DaskEngine

    models = load_models(device="cuda")
    here = sample(models, 1024)
    engine = DaskEngine(engine_name(f"dask-local:{torch.cuda.device_count()}"))
    try:
        with running_on(engine):
            seen = set(run_tasks(gpus_seen, [(i,) for i in range(8)]))
            there = sample(models, 1024)
    finally:
        engine.close()
    assert {count for _, count in seen} == {1}
    assert there.scores.tobytes() == here.scores.tobytes()
    assert all(
        there.latents[name].tobytes() == here.latents[name].tobytes() for name in here.latents
    )
