"""Tensors of torch.save's files and of plain pickles: those that torch gives, or an error."""

from __future__ import annotations

import codecs
import io
import os
import pickle
import random
import zipfile
from collections import OrderedDict

import pytest
import torch
from torch import Tensor, nn

from property_cnn.common.errors import CheckpointError
from stylegan_ft.pickles.saved import is_stream, read_pickle, read_torch
from stylegan_ft.pickles.tensors import read_state

STATE = {
    "matrix": torch.arange(12.0).reshape(3, 4),
    "channels_last": torch.arange(72.0).reshape(2, 4, 3, 3).to(memory_format=torch.channels_last),
    "transposed": torch.arange(6).reshape(2, 3).T,
    "part": torch.arange(100.0)[40:60:3],
    "half": torch.linspace(0, 1, 5).half(),
    "bfloat16": torch.linspace(0, 1, 5).bfloat16(),
    "double": torch.rand(3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)),
    "bytes": torch.arange(5, dtype=torch.uint8),
    "number": torch.tensor(2.5),
    "empty": torch.zeros(0, 3),
    "parameter": nn.Parameter(torch.ones(2, 2)),
}


def saved(value: object, archive: bool = True, protocol: int = 2) -> bytearray:
    out = io.BytesIO()
    torch.save(value, out, pickle_protocol=protocol, _use_new_zipfile_serialization=archive)
    return bytearray(out.getvalue())


class Storage:
    """A storage that is unpickled from what it is given."""

    def __init__(self, held: object):
        self.held = held

    def __reduce__(self):
        return torch.storage._load_from_bytes, (self.held,)


class Encoded:
    """A text with the coding that makes bytes of it."""

    def __init__(self, *held: object):
        self.held = held

    def __reduce__(self):
        return codecs.encode, self.held


WRITERS = {
    "archive": lambda value: saved(value),
    "stream": lambda value: saved(value, archive=False),
    "archive, protocol 1": lambda value: saved(value, protocol=1),
    "stream, protocol 1": lambda value: saved(value, archive=False, protocol=1),
    "pickle 0": lambda value: bytearray(pickle.dumps(value, 0)),
    "pickle 2": lambda value: bytearray(pickle.dumps(value, 2)),
    "pickle 3": lambda value: bytearray(pickle.dumps(value, 3)),
    "pickle 5": lambda value: bytearray(pickle.dumps(value, 5)),
}


def read(writer: str, data: bytearray, payload: bool = True) -> dict[str, Tensor]:
    held = read_pickle(data) if writer.startswith("pickle") else read_torch(data)
    parts = held.value.items() if isinstance(held.value, dict) else ()
    stored = {name: held.tensor(part) for name, part in parts}
    return read_state({name: found for name, found in stored.items() if found}, data, payload)


@pytest.mark.parametrize("writer", WRITERS)
def test_tensors_come_back_to_the_bit(writer):
    found = read(writer, WRITERS[writer](STATE))
    assert found.keys() == STATE.keys()
    for name, expected in STATE.items():
        assert found[name].dtype == expected.dtype
        assert torch.equal(found[name], expected), name
        assert found[name].is_contiguous()


@pytest.mark.parametrize("writer", WRITERS)
def test_tensors_are_copies(writer):
    data = WRITERS[writer]({"w": torch.arange(4.0)})
    found = read(writer, data)["w"]
    data[:] = bytes(len(data))
    assert torch.equal(found, torch.arange(4.0))


@pytest.mark.parametrize("writer", WRITERS)
def test_large_tensors_stay_unread_where_shapes_are_enough(writer):
    data = WRITERS[writer]({"large": torch.ones(200, 200), "small": torch.ones(3)})
    found = read(writer, data, payload=False)
    assert found["large"].device.type == "meta"
    assert found["large"].shape == (200, 200)
    assert torch.equal(found["small"], torch.ones(3))


def test_streams_are_told_from_archives_and_pickles():
    assert is_stream(saved(STATE, archive=False))
    assert not is_stream(saved(STATE))
    assert not is_stream(bytearray(pickle.dumps(STATE, 4)))


def test_what_is_no_tensor_is_none():
    held = read_torch(saved({"step": 3, "parts": [torch.ones(2)]}))
    assert held.tensor(held.value["step"]) is None
    assert held.tensor(held.value["parts"]) is None
    assert held.tensor(held.value["parts"][0]).shape == (2,)


def patched(stride: tuple, size: tuple, offset: int = 0) -> bytearray:
    """A file with a tensor of six numbers under other sizes."""

    class Lies:
        def __reduce__(self):
            rebuild, args = torch.arange(6.0).__reduce_ex__(2)[:2]
            return rebuild, (args[0], offset, size, stride, *args[4:])

    return saved({"w": Lies()})


def test_a_stand_in_with_true_sizes_is_read():
    found = read("archive", patched((3, 1), (2, 3)))
    assert torch.equal(found["w"], torch.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize(
    ("stride", "size", "offset"),
    [
        ((1,), (7,), 0),
        ((1,), (6,), 1),
        ((2,), (4,), 0),
        ((1,), (2,), 2**39),
        ((0, 0), (1000, 1000), 0),  # one number a million times
        ((1, 1), (3, 3), 0),  # numbers that lie upon each other
        ((0,), (2**39,), 0),
        ((-1,), (3,), 5),
        ((1,), (-3,), 0),
        ((1,), (3, 2), 0),
        ((1,) * 9, (1,) * 9, 0),
        ((1,), (2.0,), 0),
        ((1,), (True,), 0),
        ((2**62,), (2,), 0),
    ],
)
def test_sizes_that_do_not_fit_are_refused(stride, size, offset):
    with pytest.raises(CheckpointError, match=r"does not fit|no sizes"):
        read("archive", patched(stride, size, offset))


def test_tensors_larger_than_their_file_together_are_refused():
    shared = torch.ones(10_000)
    data = saved({f"w{k}": shared for k in range(3)})
    held = read_torch(data)
    stored = {name: held.tensor(part) for name, part in held.value.items()}
    assert len(read_state({"w0": stored["w0"]}, data)) == 1
    with pytest.raises(CheckpointError, match="share their numbers"):
        read_state(stored, data)


def rewritten(data: bytes, change: dict[str, bytes | None]) -> bytearray:
    """An archive with other entries; None takes one out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        held = {name.partition("/")[2]: old.read(name) for name in old.namelist()} | change
        for name, entry in held.items():
            if entry is not None:
                new.writestr(f"archive/{name}", entry)
    return bytearray(out.getvalue())


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"data/0": None}, "not whole"),
        ({"data/0": b"1234"}, "not whole"),
        ({"data.pkl": None}, "not of weights"),
        ({"byteorder": b"big"}, "big-endian"),
        ({"constants.pkl": b""}, "TorchScript"),
    ],
)
def test_incomplete_archives_are_refused(change, what):
    with pytest.raises(CheckpointError, match=what):
        read_torch(rewritten(saved({"w": torch.ones(4)}), change))


def test_an_archive_of_something_else_is_refused_by_its_entries():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("arr_0.npy", b"x")
    with pytest.raises(CheckpointError, match=r"arr_0\.npy"):
        read_torch(bytearray(out.getvalue()))


def test_a_stream_of_another_machine_is_refused():
    data = saved({"w": torch.ones(4)}, archive=False)
    place = data.index(b"little_endian")
    data[data.index(b"\x88", place)] = 0x89  # True -> False
    with pytest.raises(CheckpointError, match="big-endian"):
        read_torch(data)


def test_complex_numbers_are_no_weights():
    held = read_torch(saved({"w": torch.ones(2, dtype=torch.complex64)}))
    with pytest.raises(CheckpointError, match="no usable kind"):
        held.tensor(held.value["w"])


class Touches:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_a_call_in_a_nested_file_is_refused_and_never_made(tmp_path):
    path = tmp_path / "made"
    inner = bytes(saved(Touches(path), archive=False))

    class Nests:
        def __reduce__(self):
            return torch.storage._load_from_bytes, (inner,)

    data = pickle.dumps({"unneeded": Nests()}, 4)
    with pytest.raises(CheckpointError, match=r"posix\.system"):
        read_pickle(data)
    assert not path.exists()


def test_files_nested_in_nested_files_are_refused():
    class Nests:
        def __init__(self, inner):
            self.inner = inner

        def __reduce__(self):
            return torch.storage._load_from_bytes, (bytes(self.inner),)

    inner = pickle.dumps(torch.ones(2).untyped_storage(), 4)
    data = saved(Nests(inner), archive=False)
    for held in (pickle.dumps(Nests(data), 4), pickle.dumps(Nests(saved(3, archive=False)), 4)):
        with pytest.raises(CheckpointError):
            read_pickle(held)


@pytest.mark.parametrize(
    "held",
    ["text", 3, None, Encoded("text", "utf-8"), Encoded(3, "latin1"), Encoded("é€", "latin1")],
)
def test_texts_that_stand_for_no_bytes_are_refused(held):
    data = pickle.dumps({"w": Storage(held)}, 2)
    with pytest.raises(CheckpointError, match=r"without bytes|bytes that are none"):
        read_pickle(bytearray(data))


class Part:
    """A tensor of one number of a storage."""

    def __init__(self, storage: Storage, place: int):
        self.storage, self.place = storage, place

    def __reduce__(self):
        parts = (self.storage, self.place, (1,), (1,), False, OrderedDict())
        return torch._utils._rebuild_tensor_v2, parts


def test_many_tensors_of_one_text_are_refused():
    """Each would be decoded by itself, in a time that no size of the file explains."""
    storage = Storage(bytes(saved(torch.arange(5000.0)._typed_storage(), archive=False)))
    parts = {f"w{k}": Part(storage, k) for k in range(3)}
    assert float(read("pickle 3", bytearray(pickle.dumps(parts, 3)))["w2"]) == 2.0
    assert float(read("pickle 2", bytearray(pickle.dumps({"w2": parts["w2"]}, 2)))["w2"]) == 2.0
    with pytest.raises(CheckpointError, match="share their numbers"):
        read("pickle 2", bytearray(pickle.dumps(parts, 2)))


def test_names_in_a_file_that_stands_as_text_are_told(tmp_path):
    class Calls:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'made'}",)

    data = pickle.dumps({"w": Storage(bytes(saved(Calls(), archive=False)))}, 2)
    with pytest.raises(CheckpointError, match=r"names 'posix\.system'"):
        read_pickle(bytearray(data))
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("writer", WRITERS)
def test_truncations_and_random_damage_give_tensors_or_the_error(writer):
    data, rng = (
        WRITERS[writer]({"a": torch.ones(3, 4), "b": torch.ones(5).half()}),
        random.Random(1),
    )
    refused = 0
    for k in range(600):
        damaged = bytearray(data)
        if k % 3:
            damaged[rng.randrange(len(data))] = rng.randrange(256)
        else:
            del damaged[rng.randrange(len(data)) :]
        try:
            read(writer, damaged)
        except CheckpointError:
            refused += 1
    assert 100 < refused < 600
