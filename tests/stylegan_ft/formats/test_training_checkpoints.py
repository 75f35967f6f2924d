"""Checkpoints of trainings: objects beside the weights stay inert, are told, and stop nothing."""

from __future__ import annotations

import argparse
import datetime
import io
import sys
import types
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from property_cnn.common.errors import CheckpointError
from stylegan_ft.formats.describe import describe_file
from stylegan_ft.formats.load import read_checkpoint
from stylegan_ft.generator import load_generator
from stylegan_ft.pickles.machine import COST, interpret
from stylegan_ft.pickles.saved import read_torch
from tests.stylegan_ft.foreign_files import STYLEGAN1, Reduced, random_network
from vectorfind.runs.describe import describe

CLASSES = {
    "runners.running_stats": {"RunningStats": (), "SingleStats": ()},
    "omegaconf.dictconfig": {"DictConfig": ()},
    "easydict": {"EasyDict": (dict,)},
    "states": {"StateDict": (OrderedDict,), "rebuilt": None, "FloatStorage": None},
}
"""Module -> its classes and their bases, and functions; none is there when a file is read."""


@contextmanager
def training() -> Iterator[types.SimpleNamespace]:
    """What a training had imported while it wrote its checkpoint."""
    names = {name.rpartition(".")[0] for name in CLASSES} - {""} | CLASSES.keys()
    made = {name: types.ModuleType(name) for name in names}
    held = {}
    for module, classes in CLASSES.items():
        for name, bases in classes.items():
            if bases is None:
                held[name] = lambda *args: args
                held[name].__module__, held[name].__name__ = module, name
                held[name].__qualname__ = name
            else:
                held[name] = type(name, bases, {"__module__": module})
            setattr(made[module], name, held[name])
    before = {name: sys.modules.get(name) for name in names}
    sys.modules.update(made)
    try:
        yield types.SimpleNamespace(**held)
    finally:
        for name, module in before.items():
            del sys.modules[name]
            if module is not None:
                sys.modules[name] = module


def genforce_checkpoint(names: types.SimpleNamespace) -> dict:
    """What genforce's runners save: weights, and the state of the training as it stands."""
    state = random_network(STYLEGAN1).state_dict()
    stats, loss = names.RunningStats(), names.SingleStats()
    loss.__dict__ = {"_name": "loss", "val": np.float64(0.5), "sum": 1.0, "cnt": 2}
    stats.__dict__ = {"stats_pool": {"loss": loss}, "log_order": None}
    config = names.DictConfig()
    config.__dict__ = {"_content": {"lr": 1e-3}, "_parent": None}
    weight = torch.nn.Parameter(torch.ones(2))
    easy = names.EasyDict(a=1)
    easy.b = easy
    return {
        "models": {"generator": state, "generator_smooth": state, "discriminator": {}},
        "running_metadata": {"iter": 7, "seen_img": np.int64(448)},
        "optimizers": {"generator": torch.optim.Adam([weight]).state_dict()},
        "optimizer": torch.optim.SGD([weight], lr=0.1),
        "learning_rates": {"generator": {"base_lrs": [0.1], "last": np.float32(3)}},
        "running_stats": stats,
        "config": [config, easy, argparse.Namespace(path="x")],
        "ordered": names.StateDict(a=1),
        "when": datetime.datetime(2020, 1, 2),
    }


@pytest.mark.parametrize("archive", [True, False])
def test_objects_of_a_training_are_told_and_not_needed(tmp_path, archive):
    path = tmp_path / "checkpoint.pth"
    with training() as names:
        torch.save(genforce_checkpoint(names), path, _use_new_zipfile_serialization=archive)
    found = read_checkpoint(path)
    assert found.kind == "genforce state dict (generator_smooth)"
    expected = random_network(STYLEGAN1).state_dict()
    assert all(torch.equal(found.state[name], expected[name]) for name in expected)
    (note,) = (note for note in found.notes if "not imported" in note or "trust" in note)
    for name in (
        "runners.running_stats.RunningStats", "runners.running_stats.SingleStats",
        "omegaconf.dictconfig.DictConfig", "torch.optim.sgd.SGD", "states.StateDict",
    ):  # fmt: skip
        assert name in note
    assert "only if you trust" in note
    assert "runners.running_stats" not in sys.modules
    assert note in describe_file(path).notes
    assert "RunningStats" in describe(path)["notes"]
    assert load_generator(path, "cpu").resolution == 8


def test_a_file_of_weights_alone_has_no_such_note(tmp_path):
    state = random_network(STYLEGAN1).state_dict()
    held = {"models": {"generator_smooth": state}, "when": datetime.timedelta(1), "n": np.int64(3)}
    torch.save({**held, "args": argparse.Namespace(a=1)}, tmp_path / "file")
    assert not any("trust" in note for note in read_checkpoint(tmp_path / "file").notes)


@pytest.mark.parametrize("archive", [True, False])
@pytest.mark.parametrize(
    ("held", "told"),
    [
        (lambda names, state: names.StateDict(state), "it has a 'states.StateDict'"),
        (
            lambda names, state: {"g_ema": names.StateDict(state)},
            "it has under 'g_ema' a 'states.StateDict', whose code is not run",
        ),
        (
            lambda names, state: {"g_ema": state | {"a": Reduced(names.rebuilt, state)}},
            "it has under 'a' a 'states.rebuilt'",
        ),
        (lambda names, state: {"stats": names.RunningStats(), "epoch": 3}, "RunningStats"),
        (lambda names, state: names.RunningStats(), "RunningStats"),
    ],
)
def test_objects_that_weights_need_are_refused_by_name(tmp_path, held, told, archive):
    state = dict(random_network(STYLEGAN1).state_dict())
    with training() as names:
        value = held(names, state)
        torch.save(value, tmp_path / "file", _use_new_zipfile_serialization=archive)
    for load in (read_checkpoint, describe_file, load_generator):
        with pytest.raises(CheckpointError, match=rf"holds no state dict.*{told}.*state_dict\(\)"):
            load(tmp_path / "file")


def test_a_storage_of_a_foreign_kind_is_none():
    out = io.BytesIO()
    torch.save({"w": torch.ones(2)}, out)
    data = bytearray(out.getvalue().replace(b"ctorch\nFloatStorage", b"ctorcs\nFloatStorage"))
    held = read_torch(data)
    assert held.foreign == ("torcs.FloatStorage",)
    with pytest.raises(CheckpointError, match="no usable kind"):
        held.tensor(held.value["w"])


def test_the_memory_of_foreign_objects_is_bounded():
    allowance = 2**18
    for code in (b"cfoo\nBar\n0", b"cfoo\nBar\n)R0", b"cfoo\nBar\n)R}b0", b"cfoo\nBar\n)R]Na0"):
        with pytest.raises(CheckpointError, match="more parts"):
            interpret(b"\x80\x02" + code * (allowance // COST), allowance=allowance)
    name = b"c" + b"x" * 1000 + b"\n" + b"y" * 1000 + b"\n0"
    with pytest.raises(CheckpointError, match="more parts"):
        interpret(b"\x80\x02" + name * 100 + b"N.", allowance=allowance // 4)


def test_calls_of_python_s_library_refuse_the_file_all_the_same(tmp_path: Path):
    made = tmp_path / "made"
    with training() as names:
        stats = names.RunningStats()
        stats.call = Reduced(exec, f"open({str(made)!r}, 'w')")
        torch.save(
            {"state_dict": random_network(STYLEGAN1).state_dict(), "s": stats}, tmp_path / "f"
        )
    with pytest.raises(CheckpointError, match=r"names 'builtins\.exec'"):
        read_checkpoint(tmp_path / "f")
    assert not made.exists()
