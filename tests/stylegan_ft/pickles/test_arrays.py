"""NumPy's arrays in pickles: the numbers that NumPy gives, in every protocol, or an error."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from property_cnn.common.errors import CheckpointError
from stylegan_ft.pickles.arrays import stored_array
from stylegan_ft.pickles.machine import interpret
from tests.stylegan_ft.tensorflow_by_hand import written

RNG = np.random.default_rng(0)
ARRAYS = {
    "single": RNG.normal(size=(3, 4, 2)).astype("f4"),
    "columns": np.asfortranarray(RNG.normal(size=(3, 4))),
    "turned": RNG.normal(size=(3, 4)).astype("f2").T,
    "long": RNG.normal(size=(30, 40)).astype("f4"),
    "part": np.arange(20)[::3],
    "bytes": np.arange(7, dtype="u1"),
    "truths": np.array([True, False]),
    "number": np.float32(2.5),
    "without axes": np.array(2.5, "f4"),
    "empty": np.zeros((0, 3), "f4"),
}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize(
    ("python", "protocol"), [*((3, p) for p in range(6)), (2, 0), (2, 1), (2, 2)]
)
def test_arrays_come_back_to_the_bit(name, python, protocol):
    data = written(ARRAYS[name], protocol, python)
    found = stored_array(interpret(data).value).read(bytearray(data))
    assert np.array_equal(found.numpy(), np.asarray(ARRAYS[name]).astype(found.numpy().dtype))
    assert found.is_contiguous()
    assert found.element_size() == ARRAYS[name].dtype.itemsize


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_large_arrays_stay_unread_where_shapes_are_asked_for(protocol):
    data = pickle.dumps(np.zeros((200, 100), "f4"), protocol)
    found = stored_array(interpret(data).value)
    assert found.read(data, payload=False).shape == (200, 100)
    assert found.read(data, payload=False).device.type == "meta"
    assert not found.read(bytearray(data)).any()


def test_what_is_no_array_is_none():
    for value in (3, "text", [1], torch.Size([1]), complex(1, 2)):
        assert stored_array(interpret(pickle.dumps(value, 4)).value) is None


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.array([None, "a"], dtype=object), "type 'O8'"),
        (np.array(["a"]), "type 'U1'"),
        (np.zeros(2, "c8"), "type 'c8'"),
        (np.zeros(2, ">f4"), "big-endian"),
        (np.zeros(2, [("a", "f4"), ("b", "i4")]), "parts|type"),
    ],
)
def test_arrays_of_other_things_are_refused(array, told):
    with pytest.raises(CheckpointError, match=told):
        stored_array(interpret(pickle.dumps(array, 2)).value)


@pytest.mark.parametrize("protocol", [0, 2, 3, 4])
def test_arrays_of_another_length_are_refused(protocol):
    data = pickle.dumps(np.zeros(5, "f4"), protocol)
    for change in (
        (b"K\x05", b"K\x06"),
        (b"I5\n", b"I6\n"),
        (b"K\x05", b"K\x04"),
        (b"I5\n", b"I4\n"),
    ):
        if change[0] in data:
            held = data.replace(*change, 1)
            with pytest.raises(CheckpointError, match=r"its 20 bytes|20 bytes in place of"):
                stored_array(interpret(held).value).read(bytearray(held))
