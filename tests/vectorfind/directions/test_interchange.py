"""Other projects' files of directions: read as they are, written as they expect them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from property_cnn.common.arrays import read_npy
from property_cnn.common.errors import CheckpointError, InputError
from vectorfind.directions.boundaries import Boundaries
from vectorfind.directions.interchange import (
    read_csv,
    read_foreign,
    read_ganspace,
    read_interfacegan,
    write_csv,
    write_interfacegan,
)

REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "vectorfind"


def unit(*shape, seed=0):
    drawn = np.random.default_rng(seed).standard_normal(shape)
    return drawn / np.linalg.norm(drawn, axis=-1, keepdims=True)


@pytest.fixture
def boundaries():
    return Boundaries("w+4-7", ("eyes", "mouth"), ("hh", "hl", "ll"), unit(3, 2, 16))


def test_boundaries_are_brought_to_unit_norm():
    found = Boundaries("w", ("eyes",), ("all",), 7 * unit(1, 1, 8))
    assert found.vectors.dtype == np.float32
    assert np.allclose(found.vectors, unit(1, 1, 8), atol=1e-6)


@pytest.mark.parametrize("vectors", [np.zeros((1, 1, 4)), np.full((1, 1, 4), np.nan)])
def test_vectors_without_a_norm_are_refused(vectors):
    with pytest.raises(InputError, match="zero or not finite"):
        Boundaries("w", ("eyes",), ("all",), vectors)
    with pytest.raises(InputError, match=r"shape \(1, 1, 4\); expected \(2 groups, 1 prop"):
        Boundaries("w", ("eyes",), ("h", "l"), vectors)


def test_renaming_takes_what_is_named_in_that_order(boundaries):
    found = boundaries.renamed({"mouth": "smile", "eyes": "eyes"})
    assert found.properties == ("smile", "eyes")
    assert np.array_equal(found.vectors, boundaries.vectors[:, ::-1])
    assert boundaries.renamed({"mouth": "m"}).vectors.shape == (3, 1, 16)
    with pytest.raises(InputError, match="unknown property to rename 'nose'; choose one of eyes"):
        boundaries.renamed({"nose": "eyes"})
    with pytest.raises(InputError, match="stands twice"):
        boundaries.renamed({"mouth": "a", "eyes": "a"})


def test_interfacegan_gets_what_its_edit_expects(boundaries, tmp_path):
    paths = write_interfacegan(boundaries, tmp_path / "new")
    assert [path.name for path in paths] == [
        f"{name}_w+4-7_{group}_boundary.npy"
        for group in ("hh", "hl", "ll")
        for name in ("eyes", "mouth")
    ]
    for path, vector in zip(paths, boundaries.vectors.reshape(6, 16), strict=True):
        array = np.load(path)  # as its edit.py loads it
        assert (array.shape, array.dtype) == ((1, 16), np.float32)
        assert np.linalg.norm(array) == pytest.approx(1, abs=1e-6)
        assert np.array_equal(array[0], vector)
    found = read_interfacegan(paths, "w+4-7")
    assert (found.properties, found.groups) == (boundaries.properties, boundaries.groups)
    assert np.allclose(found.vectors, boundaries.vectors, atol=1e-7)


def test_without_groups_no_group_is_in_the_name(tmp_path):
    one = Boundaries("w", ("smile",), ("all",), unit(1, 1, 8))
    (path,) = write_interfacegan(one, tmp_path)
    assert path.name == "smile_w_boundary.npy"
    assert read_interfacegan([path], "w").groups == ("all",)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 24), (1, 3, 8)])  # HiGAN's may be a layer a row
def test_boundaries_of_others_are_read_under_the_given_name(tmp_path, dtype, shape):
    path = tmp_path / "stylegan_ffhq_age_w_boundary.npy"
    array = unit(24).astype(dtype).reshape(shape)
    np.save(path, array)
    found = read_interfacegan({"age": path}, "w")
    assert (found.properties, found.groups) == (("age",), ("all",))
    assert np.allclose(found.vectors[0, 0], array.ravel(), atol=1e-7)


@pytest.mark.parametrize(
    ("stem", "name"),
    [("age_boundary", "age"), ("boundary_Smiling", "Smiling"), ("pose_z_boundary", "pose")],
)
def test_names_of_files_tell_the_property(tmp_path, stem, name):
    np.save(tmp_path / f"{stem}.npy", unit(1, 8))
    assert read_interfacegan([tmp_path / f"{stem}.npy"], "z").properties == (name,)


def test_pickled_boundaries_are_refused_with_the_way_to_convert_them(tmp_path):
    fields = {"boundary": unit(1, 8), "meta_data": {"manipulate_layers": "6-11"}}
    path = tmp_path / "age_boundary.npy"
    np.save(path, np.array(fields, dtype=object), allow_pickle=True)
    with pytest.raises(CheckpointError, match="pickled Python objects, which can run code") as told:
        read_interfacegan([path], "w")
    advice = str(told.value).split("trust it: ")[1].replace("PATH", repr(str(path)))
    plain = tmp_path / "boundary.npy"
    exec("import numpy; " + advice.replace('"boundary.npy"', repr(str(plain))))
    assert np.array_equal(np.load(plain), fields["boundary"])


def test_damaged_and_foreign_arrays_are_refused(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, unit(1, 64))
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(200):
        changed = bytearray(whole)
        changed[rng.integers(0, 128)] = rng.integers(256)
        path.write_bytes(
            changed[: rng.integers(1, len(whole) + 1)] if rng.random() < 0.5 else changed
        )
        try:
            read_npy(path)
        except CheckpointError:
            pass
    for content in (b"", b"PK\x03\x04", whole[:-1], whole + b"\0"):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"a\.npy"):
            read_npy(path)
    np.save(path, np.arange(4))
    with pytest.raises(CheckpointError, match="holds int64; give float32 or float64"):
        read_npy(path)
    np.save(path, unit(2, 4))
    with pytest.raises(CheckpointError, match=r"a boundary has the shape \(1, d\)"):
        read_interfacegan([path], "w")
    with pytest.raises(CheckpointError, match=r"no file .*nothing\.npy"):
        read_npy(tmp_path / "nothing.npy")


def test_a_huge_size_in_a_header_takes_no_memory(tmp_path):
    header = np.lib.format.header_data_from_array_1_0(np.zeros((1, 1)))
    with open(tmp_path / "a.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(file, header | {"shape": (1, 10**15)})
    with pytest.raises(CheckpointError, match="holds 0 bytes"):
        read_npy(tmp_path / "a.npy")


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference's tables are not here")
@pytest.mark.parametrize(("sign", "turn"), [("fix", -1), ("keep", 1)])
def test_the_references_directions_are_unit_vectors_with_the_documented_sign(sign, turn):
    folder = REFERENCE / "directions_mapping_split2"
    found = read_csv(folder, "mapping_split2", sign)
    assert found.properties == ("eyes", "mouth", "pose")
    assert found.groups == ("hhhh", "hlhl", "llhh", "llll")
    assert found.vectors.shape == (4, 3, 1024)
    assert np.allclose(np.linalg.norm(found.vectors, axis=2), 1, atol=1e-6)
    table = pd.read_csv(folder / "mouth_change_mapping_split2_vector_llhh.csv", index_col=0)
    assert np.allclose(found.vectors[2, 1], turn * table.to_numpy()[0], atol=1e-6)


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference's tables are not here")
def test_the_references_directions_are_written_as_they_came(tmp_path):
    folder = REFERENCE / "directions_mapping_split2"
    for path in write_csv(read_csv(folder, "mapping_split2", "fix"), tmp_path, "fix"):
        given, made = (pd.read_csv(some / path.name, index_col=0) for some in (folder, tmp_path))
        assert list(given.columns) == list(made.columns)
        assert list(given.index) == list(made.index)
        assert np.allclose(given, made, atol=1e-7)


@pytest.mark.parametrize("sign", ["fix", "keep"])
def test_csvs_come_back(boundaries, tmp_path, sign):
    paths = write_csv(boundaries, tmp_path, sign)
    assert paths[0].name == "eyes_change_w+4-7_vector_hh.csv"
    header, row = paths[0].read_text().splitlines()
    assert header == "," + ",".join(map(str, range(16)))
    first = float(row.split(",")[1])
    assert first == pytest.approx({"fix": -1, "keep": 1}[sign] * boundaries.vectors[0, 0, 0])
    found = read_csv(tmp_path, "w+4-7", sign)
    assert (found.properties, found.groups) == (boundaries.properties, boundaries.groups)
    assert np.allclose(found.vectors, boundaries.vectors, atol=1e-7)


def test_what_csvs_lack_is_told(boundaries, tmp_path):
    paths = write_csv(boundaries, tmp_path, "keep")
    with pytest.raises(CheckpointError, match="holds no files PROPERTY_change_w_vector_GROUP"):
        read_csv(tmp_path, "w", "keep")
    with pytest.raises(InputError, match="unknown sign 'turn'; choose one of fix, keep"):
        read_csv(tmp_path, "w+4-7", "turn")
    paths[0].unlink()
    with pytest.raises(InputError, match="no direction of eyes for hh, as others have"):
        read_csv(tmp_path, "w+4-7", "keep")


@pytest.mark.parametrize(
    "text", ["", "a", ",0,1\n0,1.0,x\n", ",0,1\n0,1.0\n", ",0,1\n0,1,2\n1,1,2\n", ",1,2\n0,1,2\n"]
)
def test_damaged_csvs_are_refused(tmp_path, text):
    (tmp_path / "eyes_change_w_vector_h.csv").write_text(text)
    with pytest.raises(CheckpointError, match="eyes_change_w_vector_h"):
        read_csv(tmp_path, "w", "keep")


def components(path, shape=(5, 1, 8), **more):
    arrays = {"act_comp": unit(*shape, seed=1), "lat_comp": unit(*shape), "lat_stdev": np.ones(5)}
    np.savez_compressed(path, **arrays | more)
    return path


def test_ganspaces_components_are_the_latent_ones_by_number(tmp_path):
    path = components(tmp_path / "c.npz")
    found = read_ganspace(path, "w")
    assert found.properties == tuple(f"component_{index}" for index in range(5))
    assert np.allclose(found.vectors[0], unit(5, 1, 8)[:, 0], atol=1e-7)
    assert read_ganspace(path, "w", 2).properties == ("component_0", "component_1")


def test_other_arrays_are_no_components(tmp_path):
    for name, array in {"i": np.ones((5, 1, 8), int), "w": unit(5, 2, 8), "s": unit(8)}.items():
        path = components(tmp_path / f"{name}.npz", lat_comp=array)
        with pytest.raises(CheckpointError, match=r"expected floats \(k, 1, d\)"):
            read_ganspace(path, "w")
    np.savez(tmp_path / "x.npz", act_comp=unit(5, 1, 8))
    with pytest.raises(CheckpointError, match="lacks lat_comp; it holds act_comp"):
        read_ganspace(tmp_path / "x.npz", "w")


def test_the_kind_is_told_by_what_is_there(boundaries, tmp_path):
    write_csv(boundaries, tmp_path / "csvs", "fix")
    paths = [str(path) for path in write_interfacegan(boundaries, tmp_path / "npys")]
    assert len(read_foreign([str(components(tmp_path / "c.npz"))], "w").properties) == 5
    for found in (
        read_foreign([str(tmp_path / "csvs")], "w+4-7", "fix"),
        read_foreign(paths, "w+4-7"),
        read_foreign([Path(path) for path in paths], "w+4-7"),
    ):
        assert np.allclose(found.vectors, boundaries.vectors, atol=1e-7)
    named = read_foreign([f"a={paths[0]}", f"b={paths[1]}"], "w+4-7")
    assert (named.properties, named.groups) == (("a", "b"), ("hh",))
    with pytest.raises(InputError, match="the sign of CSVs must be chosen"):
        read_foreign([str(tmp_path / "csvs")], "w+4-7")
    with pytest.raises(InputError, match="sign fix is for a folder of CSVs"):
        read_foreign(paths, "w+4-7", "fix")
    with pytest.raises(InputError, match="second direction of a, group hh"):
        read_foreign([f"a={paths[0]}", f"a={paths[1]}"], "w+4-7")


@pytest.mark.parametrize("write", [write_interfacegan, lambda b, f: write_csv(b, f, "keep")])
@pytest.mark.parametrize("name", ["../eyes", "a/b", ""])
def test_no_file_is_named_after_a_path(tmp_path, write, name):
    for names in ((name, "a", "b"), ("a", name, "b"), ("a", "b", name)):
        layer, own, group = names
        one = Boundaries(layer, (own,), (group,), unit(1, 1, 8))
        with pytest.raises(InputError, match="a file cannot be named after"):
            write(one, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [("age.npy", "one by one"), ("directions.npz", "a run's folder"), ("a.txt", "no CSVs")],
)
def test_a_folder_of_other_files_is_told_apart(name, words, tmp_path):
    (tmp_path / name).touch()
    with pytest.raises(InputError, match=words):
        read_foreign([str(tmp_path)], "w")
