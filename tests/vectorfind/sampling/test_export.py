"""Exports: read back by NumPy, pandas and pyarrow, they are the store's rows."""

import json

import numpy as np
import pandas as pd
import pytest

from property_cnn.common.errors import InputError, MissingError
from property_cnn.jobs.verify import verify
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.models.pair import Models
from vectorfind.sampling import export as module
from vectorfind.sampling.export import export_store
from vectorfind.sampling.store import fill_store

N = 1100
ARRAYS = {"z": 14, "label": 2, "scores": 8, "mapping_split1": 16, "mapping_split2": 16, "w": 8}


def unread(scores):
    scores[3] = np.nan  # an image of each batch that cannot be read
    return scores


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    fill_store(folder, Models(ToyGenerator(), ToyScorer(unread)), N)
    return folder


def rows(store, name, n=N):
    paths = sorted((store / name).glob("*.npy"))
    return np.concatenate([np.load(path) for path in paths])[:n]


def test_arrays_are_mapped_by_numpy(store, tmp_path):
    export_store(store, tmp_path, "numpy", N)
    layout = json.loads((tmp_path / "layout.json").read_text())
    assert {name: each["shape"] for name, each in layout["arrays"].items()} == {
        name: [N, width] for name, width in ARRAYS.items()
    }
    for name, each in layout["arrays"].items():
        read = np.load(tmp_path / each["file"], mmap_mode="r")
        assert isinstance(read, np.memmap)
        assert (read.shape, str(read.dtype)) == (tuple(each["shape"]), each["dtype"])
        assert np.array_equal(read, rows(store, name), equal_nan=True)
    assert verify(tmp_path).whole


def test_all_samples_and_some_arrays(store, tmp_path):
    written = export_store(store, tmp_path, arrays=("w", "scores"))
    assert (written.n, list(written.arrays)) == (3 * 512, ["scores", "w"])
    assert sorted(path.name for path in tmp_path.glob("*.npy")) == ["scores.npy", "w.npy"]


@pytest.fixture
def small_parts(monkeypatch):
    pytest.importorskip("pyarrow", reason="pyarrow, of the extra parquet, is not installed")
    monkeypatch.setattr(module, "PART", 2)


@pytest.mark.usefixtures("small_parts")
def test_a_parquet_data_set_is_the_stores_rows(store, tmp_path):
    from pyarrow import dataset

    export_store(store, tmp_path, "parquet", N)
    assert len([*(tmp_path / "samples.parquet").iterdir()]) == 2
    table = pd.read_parquet(tmp_path / "samples.parquet")
    assert table["sample"].tolist() == list(range(N))
    for name in set(ARRAYS) - {"scores"}:
        assert np.array_equal(np.stack(table[name]), rows(store, name))
    names = json.loads((tmp_path / "layout.json").read_text())["properties"]
    scores = table[[f"score_{name}" for name in names]].to_numpy()
    assert np.isnan(scores[3]).all()
    assert np.array_equal(scores, rows(store, "scores"), equal_nan=True)
    few = dataset.dataset(tmp_path / "samples.parquet").to_table(
        columns=["sample"], filter=dataset.field("score_eyes") > 0
    )
    assert few["sample"].to_pylist() == np.flatnonzero(scores[:, 0] > 0).tolist()


@pytest.mark.parametrize("form", ["numpy", "parquet"])
@pytest.mark.usefixtures("small_parts")
def test_a_stopped_export_goes_on_with_what_is_whole(store, tmp_path, form, monkeypatch):
    export_store(store, tmp_path / "straight", form)
    name = "write_npy" if form == "numpy" else "_write_part"
    real, calls = getattr(module, name), []

    def stopping(*given):
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(*given)

    monkeypatch.setattr(module, name, stopping)
    with pytest.raises(KeyboardInterrupt):
        export_store(store, tmp_path / "out", form)
    assert not verify(tmp_path / "out").whole
    export_store(store, tmp_path / "out", form)
    assert len(calls) == (len(ARRAYS) if form == "numpy" else 2) + 1  # the whole one stayed
    for path in (tmp_path / "straight").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "out" / path.relative_to(
                tmp_path / "straight")).read_bytes()  # fmt: skip


def test_a_finished_export_is_left_and_a_damaged_file_made_again(store, tmp_path):
    export_store(store, tmp_path)
    before = (tmp_path / "w.npy").read_bytes()
    (tmp_path / "w.npy").write_bytes(b"x")
    export_store(store, tmp_path)
    assert (tmp_path / "w.npy").read_bytes() == before
    with pytest.raises(InputError, match="other settings"):
        export_store(store, tmp_path, n=512)


def test_a_damaged_store_is_not_exported(tmp_path):
    folder = tmp_path / "store"
    fill_store(folder, Models(ToyGenerator(), ToyScorer()), 600)
    path = folder / "w" / "00001.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match="missing or altered"):
        export_store(folder, tmp_path / "out")
    assert export_store(folder, tmp_path / "few", n=512).n == 512  # which it has whole


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"form": "csv"}, "unknown format"),
        ({"n": 0}, "samples in a row"),
        ({"n": 5000}, "1,536 samples in a row"),
        ({"arrays": ("v",)}, "unknown array"),
    ],
)
def test_what_is_not_there_is_refused(store, tmp_path, options, words):
    with pytest.raises(InputError, match=words):
        export_store(store, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_parquet_without_its_extra_is_told(store, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingError, match=r"vectorfind\[parquet\]"):
        export_store(store, tmp_path / "out", "parquet")
