"""Arrays and text in one file: whole, the same bytes each time, of one kind."""

import gc
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from property_cnn.common.arrays import Blocks, map_npy, read_arrays, read_npz, write_npy, write_npz
from property_cnn.common.errors import CheckpointError


def test_arrays_and_metadata_come_back(tmp_path):
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array(["hh", "hl"])}
    write_npz(tmp_path / "x.npz", "toys", arrays, {"n": 3, "names": ["é"]})
    read, metadata = read_npz(tmp_path / "x.npz", "toys")
    assert metadata == {"n": 3, "names": ["é"]}
    assert all(np.array_equal(read[name], array) for name, array in arrays.items())
    assert read["a"].dtype == np.float32


def test_the_time_of_writing_is_not_in_the_bytes(tmp_path, monkeypatch):
    write_npz(tmp_path / "one.npz", "toys", {"a": np.zeros(3)}, {})
    monkeypatch.setattr("time.time", lambda: 2e9)
    write_npz(tmp_path / "two.npz", "toys", {"a": np.zeros(3)}, {})
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_another_kind_is_refused(tmp_path):
    write_npz(tmp_path / "x.npz", "toys", {}, {})
    with pytest.raises(CheckpointError, match="holds toys, not tools"):
        read_npz(tmp_path / "x.npz", "tools")


def test_objects_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="Object arrays"):
        write_npz(tmp_path / "x.npz", "toys", {"a": np.array([{}])}, {})
    assert list(tmp_path.iterdir()) == []


def test_an_array_in_pieces_is_written_as_if_it_were_whole(tmp_path):
    rows = np.arange(700, dtype=np.float32).reshape(100, 7)
    pieces = Blocks(rows.shape, rows.dtype, lambda: iter([rows[:64], rows[64:]]))
    write_npz(tmp_path / "whole.npz", "kind", {"rows": rows}, {"seed": 1})
    write_npz(tmp_path / "pieces.npz", "kind", {"rows": pieces}, {"seed": 1})
    assert (tmp_path / "whole.npz").read_bytes() == (tmp_path / "pieces.npz").read_bytes()


def test_threads_read_at_once(tmp_path):
    """Also where garbage is collected while a header's text is parsed."""

    class Garbage:
        def __init__(self):
            self.itself = self

        def __del__(self):
            for _ in range(50):  # long enough for another thread to take its turn
                pass

    write_npy(tmp_path / "one.npy", np.arange(6.0))
    write_npz(tmp_path / "more.npz", "toys", {"a": np.arange(6.0)}, {})

    def read(deep):
        if deep:  # threads at the same depth never mistake each other's
            return read(deep - 1)
        found = set()
        for _ in range(60):
            Garbage()
            one = map_npy(tmp_path / "one.npy")
            found.add((one.sum(), read_arrays(tmp_path / "more.npz", ["a"])["a"].sum()))
        return found

    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(50, 2, 2)
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as threads:
            assert set().union(*threads.map(read, range(8))) == {(15.0, 15.0)}
    finally:
        gc.set_threshold(*threshold)
        sys.setswitchinterval(interval)
