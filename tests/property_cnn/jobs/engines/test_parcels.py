"""Parcels: heavy arguments once, as files; read once a process, checked, refused."""

import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from property_cnn.common.errors import InputError
from property_cnn.jobs.engines import parcels as module
from property_cnn.jobs.engines.parcels import HEAVY, Parcels, is_heavy, unpacked
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.models.pair import Models

LARGE = np.arange(HEAVY // 4, dtype=np.float32)


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(module, "_cache", module._Cache())
    monkeypatch.setattr(module, "PATIENCE", 0.2)


def test_what_is_heavy():
    assert is_heavy(LARGE)
    assert is_heavy(torch.from_numpy(LARGE))
    assert is_heavy(torch.nn.Linear(2, 2))
    assert is_heavy(ToyGenerator())
    assert is_heavy(ToyScorer())
    for light in (LARGE[:10], np.array([{}] * HEAVY), torch.zeros(3), Path(), print, object()):
        assert not is_heavy(light)


def test_a_heavy_argument_is_one_file_however_often_it_is_sent(tmp_path):
    models = Models(ToyGenerator(), ToyScorer())
    sender = Parcels(tmp_path)
    sent = [sender.packed((models, LARGE, index)) for index in range(5)]
    assert len(list(tmp_path.iterdir())) == 3
    assert max(map(len, sent)) < 1000
    again = Parcels(tmp_path).packed((models, LARGE, 0))
    assert again == sent[0]
    assert len(list(tmp_path.iterdir())) == 3
    first, second = (unpacked(data, tmp_path) for data in sent[:2])
    assert first[0].generator is second[0].generator
    assert first[1].tobytes() == LARGE.tobytes()
    assert first[2:] + second[2:] == (0, 1)


def test_layout_and_order_of_arrays_stay(tmp_path):
    turned = np.asfortranarray(np.random.default_rng(0).normal(size=(300, 300)))
    back = unpacked(Parcels(tmp_path).packed(turned[::2]), tmp_path)
    assert np.array_equal(back, turned[::2])
    assert type(back) is np.ndarray


def test_the_last_ones_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "KEPT", 2)
    sender = Parcels(tmp_path)
    for shift in range(4):
        unpacked(sender.packed(LARGE + shift), tmp_path)
    assert len(module._cache._kept) == 2


def test_another_content_is_refused(tmp_path):
    sent = Parcels(tmp_path).packed(LARGE)
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match=r"has the digest .* refused"):
        unpacked(sent, tmp_path)


def test_a_folder_that_is_not_seen_is_told(tmp_path):
    sent = Parcels(tmp_path).packed(LARGE)
    with pytest.raises(InputError, match="give a folder that all workers see"):
        unpacked(sent, tmp_path / "other")


def test_what_cannot_travel_is_told(tmp_path):
    with pytest.raises(InputError, match="leave out the engine"):
        Parcels(tmp_path).packed(threading.Lock())
