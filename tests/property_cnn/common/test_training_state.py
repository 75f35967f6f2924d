"""Checkpoints: all comes back, of its kind, settings and data; a changed bit is noticed."""

from __future__ import annotations

import copy

import pytest
import torch

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import load_tensors, save_tensors
from property_cnn.common.training_state import (
    fingerprint,
    load_state,
    parts_state,
    restore_parts,
    save_state,
)

MARKS = fingerprint(lr=0.1, data="toys")
LIKE = {"weights": {}, "rows": [], "step": 0, "loss": 0.0}


def state():
    weights = {"a": torch.arange(6.0).view(2, 3), "step": torch.tensor(3, dtype=torch.int64)}
    weights["half"] = torch.ones(2, dtype=torch.bfloat16)
    weights["same"] = weights["a"]
    rows = [{"epoch": 1, "loss": 0.1 + 0.2}, (None, True, "é")]
    return {"weights": weights, "rows": rows, "step": 7, "loss": float("inf"), "by": {3: 4}}


def test_tensors_and_values_of_any_depth_come_back(tmp_path):
    save_state(tmp_path / "x", "toys 1", MARKS, state())
    read = load_state(tmp_path / "x", "toys 1", MARKS, LIKE)
    for name, tensor in state()["weights"].items():
        own = read["weights"].pop(name)
        assert own.dtype == tensor.dtype
        assert torch.equal(own, tensor)
    assert read == {**state(), "weights": {}}
    whole = (tmp_path / "x").read_bytes()
    save_state(tmp_path / "x", "toys 1", MARKS, state())
    assert (tmp_path / "x").read_bytes() == whole


def test_a_training_goes_on_to_the_same_bits(tmp_path):
    """The moments keep their layout in memory, which fused optimisers rely on."""
    network = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1, fused=True)
    images = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))

    def step(network, optimizer):
        optimizer.zero_grad()
        network(images).square().sum().backward()
        optimizer.step()

    step(network, optimizer)
    save_state(tmp_path / "x", "toys 1", MARKS, parts_state({"n": network, "o": optimizer}))
    other = copy.deepcopy(network)
    again = torch.optim.AdamW(other.parameters(), lr=0.3, fused=True)
    restore_parts({"n": other, "o": again}, load_state(tmp_path / "x", "toys 1", MARKS, {}))
    assert again.state[other.weight]["exp_avg"].stride() == other.weight.stride()
    for pair in ((network, optimizer), (other, again)):
        step(*pair)
    assert torch.equal(network.weight, other.weight)


def test_none_or_one_of_other_settings_is_no_state(tmp_path):
    assert load_state(None, "toys 1", MARKS, LIKE) is None
    assert load_state(tmp_path / "x", "toys 1", MARKS, LIKE) is None
    save_state(tmp_path / "x", "toys 1", MARKS, state())
    assert load_state(tmp_path / "x", "toys 1", fingerprint(lr=0.2, data="toys"), LIKE) is None


def test_every_flipped_bit_is_noticed(tmp_path):
    path = tmp_path / "x"
    save_state(path, "toys 1", MARKS, state())
    whole = path.read_bytes()
    wanted = load_state(path, "toys 1", MARKS, {})
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        try:
            read = load_state(path, "toys 1", MARKS, LIKE)
        except CheckpointError:
            continue
        assert read is not None
        assert str(read) == str(wanted), place  # e.g. in the spaces that pad the header


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 torn", None])
def test_damaged_and_foreign_files_are_refused(tmp_path, content):
    path = tmp_path / "x"
    if content is None:
        save_tensors(path, {"a": torch.zeros(1)})
    else:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged or no checkpoint"):
        load_state(path, "toys 1", MARKS, LIKE)
    save_state(path, "other toys", MARKS, state())
    with pytest.raises(CheckpointError, match="something else"):
        load_state(path, "toys 1", MARKS, LIKE)


@pytest.mark.parametrize("wrong", [{"step": "7"}, {"weights": 1}, {"rows": None}])
def test_entries_that_are_missing_or_of_another_type_count_as_damage(tmp_path, wrong):
    save_state(tmp_path / "x", "toys 1", MARKS, {**state(), **wrong})
    with pytest.raises(CheckpointError, match=f"lacks {next(iter(wrong))}"):
        load_state(tmp_path / "x", "toys 1", MARKS, LIKE)
    save_state(tmp_path / "x", "toys 1", MARKS, {"weights": {}})
    with pytest.raises(CheckpointError, match="lacks rows, step, loss"):
        load_state(tmp_path / "x", "toys 1", MARKS, LIKE)


def test_what_no_file_can_hold_is_refused_at_once(tmp_path):
    with pytest.raises(TypeError, match="/optimizer: a set"):
        save_state(tmp_path / "x", "toys 1", MARKS, {"optimizer": {1}})


def test_only_tensors_and_text_are_in_the_file(tmp_path):
    save_state(tmp_path / "x", "toys 1", MARKS, state())
    tensors, metadata = load_tensors(tmp_path / "x")
    assert set(tensors) == {f"/weights/{name}" for name in ("a", "step", "half", "same")}
    assert set(metadata) == {"kind", "fingerprint", "values", "checksum"}
