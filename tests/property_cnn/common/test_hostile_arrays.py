"""Headers of .npz and .npy that lie: refused before anything is unpacked."""

import io
import warnings
import zipfile

import numpy as np
import pytest

from property_cnn.common.arrays import npz_headers, read_arrays, read_npy
from property_cnn.common.errors import CheckpointError
from vectorfind.runs.describe import describe


def npy(shape, dtype="<f4", data=b""):
    buffer = io.BytesIO()
    header = {"shape": shape, "fortran_order": False, "descr": dtype}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue() + data


def npz(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


@pytest.fixture
def bomb(tmp_path):
    """A megabyte or so that unpacks to more than a gibibyte of zeros, beside a small array."""
    path = npz(tmp_path / "bomb.npz", z=npy((2, 2), data=bytes(16)))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("zeros.npy", "w", force_zip64=True) as member:
            member.write(npy((2**28 + 2**20,)))
            for _ in range(2**8 + 1):
                member.write(bytes(2**22))
    return path


def test_what_is_not_needed_is_not_unpacked_and_large_is_refused(bomb):
    assert [*read_arrays(bomb, ("z",))] == ["z"]
    with pytest.raises(CheckpointError, match="1,028 MiB, at most 1,024"):
        read_arrays(bomb)
    shown = describe(bomb)
    assert (shown["z"], shown["zeros"]) == ("0.0 0.0 0.0 0.0", f"float32 ({2**28 + 2**20},)")


@pytest.mark.parametrize(
    "member",
    [npy((-1, 4)), npy((-2, -2), data=bytes(16)), npy((10**30,)), npy((1,), "|O", bytes(8)), b"x"],
)
def test_headers_that_lie_are_refused(member, tmp_path):
    with pytest.raises(CheckpointError, match="is damaged"):
        npz_headers(npz(tmp_path / "a.npz", z=member))


@pytest.mark.parametrize("offset", [8, 10])
def test_flags_of_the_zip_are_no_traceback(offset, tmp_path):
    path = npz(tmp_path / "a.npz", z=npy((2, 2), data=bytes(16)))
    data = bytearray(path.read_bytes())
    start = data.index(b"PK\x01\x02")
    data[start + offset] ^= 0x61
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="is damaged"):
        read_arrays(path, ("z",))


def test_a_negative_shape_in_an_npy_is_refused(tmp_path):
    (tmp_path / "a.npy").write_bytes(npy((-2, -2), data=bytes(16)))
    with pytest.raises(CheckpointError, match="get it again"):
        read_npy(tmp_path / "a.npy")


def test_a_headers_odd_text_is_no_warning(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((1, 4), np.float32))
    data = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(data.replace(b"'descr'", b"'de\\cr'", 1))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with pytest.raises(CheckpointError, match=r"not a whole \.npy file"):
            read_npy(tmp_path / "x.npy")
    assert not said
