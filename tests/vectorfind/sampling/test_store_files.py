"""Stores as files: what they hold, verified, and several made one, without any network."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from property_cnn.common.errors import InputError
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.models.pair import Models
from vectorfind.sampling.store import fill_store
from vectorfind.sampling.store_files import merge_stores, store_facts, verify_store

N = 1100  # three shards


def filled(folder, n=N, seed=0, layers=None):
    fill_store(folder, Models(ToyGenerator(), ToyScorer()), n, seed, layers)
    return folder


def without(folder, index):
    """The store without one of its shards, as a worker that made only others leaves it."""
    for path in [*folder.rglob(f"{index:05d}.*")]:
        path.unlink()
    return folder


def files(folder):
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return filled(tmp_path_factory.mktemp("store"))


@pytest.fixture
def copy(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "copy")


def test_facts_name_networks_samples_arrays_and_size(whole):
    facts = store_facts(whole)
    assert (facts.samples, facts.missing) == (3 * 512, ())
    assert {name: each.width for name, each in facts.arrays.items()} == {
        **{"z": 14, "label": 2, "scores": 8, "mapping_split1": 16, "mapping_split2": 16, "w": 8}
    }
    held = files(whole)
    assert (facts.size, facts.files) == (sum(map(len, held.values())), len(held) + 1)  # the lock
    shown = facts.values()
    assert (shown["generator"], shown["scorer"], shown["seed"]) == (
        "toy-generator",
        "toy-scorer",
        "0",
    )
    assert "missing shards" not in shown


def test_an_array_that_some_shards_lack_is_told(tmp_path):
    filled(tmp_path, N, layers=("w",))
    filled(tmp_path, 600, layers=("mapping_split2",))
    assert "mapping_split2 (16) of 2 shards" in store_facts(tmp_path).values()["arrays"]


def test_a_whole_store_is_verified_and_its_rate_told(whole):
    check = verify_store(whole)
    assert check.whole
    assert set(check.verified.files.values()) == {"whole"}
    assert check.lines()[-1].endswith("MB/s")
    assert json.dumps(check.values())


def test_damaged_missing_and_foreign_files_are_named(copy):
    path = copy / "w" / "00001.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    (copy / "scores" / "00002.npy").unlink()
    (copy / "mine.txt").write_text("x")
    check = verify_store(copy)
    lines = check.lines()
    assert not check.whole
    assert "w/00001.npy: altered" in lines
    assert "scores/00002.npy: missing" in lines
    assert "mine.txt: not listed, of someone else" in lines


def test_a_shard_that_is_missing_between_others_is_told(copy):
    check = verify_store(without(copy, 1))
    assert (check.whole, check.facts.missing) == (False, (1,))
    assert "shard 1: missing" in check.lines()


def test_a_folder_that_is_no_store_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="no store of samples"):
            store_facts(folder)


def test_stores_of_parts_make_the_bytes_of_the_whole(whole, tmp_path):
    first = without(shutil.copytree(whole, tmp_path / "first"), 1)
    second = filled(tmp_path / "second", 700, layers=("w", "mapping_split1"))
    third = filled(tmp_path / "third", 700, layers=("mapping_split2",))
    merged = merge_stores((first, second, third), tmp_path / "all")
    assert (merged.samples, merged.missing) == (3 * 512, ())
    assert files(tmp_path / "all") == files(whole)


def test_what_the_target_holds_stays_and_is_made_whole(whole, copy):
    (copy / "z" / "00000.npy").write_bytes(b"damaged")
    merge_stores((whole,), copy)
    assert files(copy) == files(whole)


def test_of_several_copies_the_first_whole_one_counts(whole, copy, tmp_path):
    (copy / "w" / "00000.npy").write_bytes(b"damaged")
    merge_stores((copy, whole), tmp_path / "all")
    assert files(tmp_path / "all") == files(whole)


def test_a_file_without_a_whole_copy_is_told(copy, tmp_path):
    (copy / "w" / "00000.npy").unlink()
    with pytest.raises(InputError, match="missing or altered"):
        merge_stores((copy,), tmp_path / "all")


def test_stores_of_other_samples_are_refused(whole, tmp_path):
    other = filled(tmp_path / "other", 100, seed=1)
    with pytest.raises(InputError, match="seed"):
        merge_stores((whole, other), tmp_path / "all")
    assert not (tmp_path / "all").exists()
    with pytest.raises(InputError, match="other samples"):
        merge_stores((whole,), other)


def test_networks_without_a_digest_are_not_merged(tmp_path):
    nameless = ToyGenerator()
    nameless.digest = ""
    fill_store(tmp_path / "a", Models(nameless, ToyScorer()), 100)
    with pytest.raises(InputError, match="without a digest"):
        merge_stores((tmp_path / "a",), tmp_path / "b")


def test_a_store_is_read_without_pytorch(whole):
    code = (
        "import sys; from vectorfind.sampling.store_files import verify_store\n"
        f"assert verify_store({str(whole)!r}).whole; sys.exit('torch' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_values_are_numbers_of_the_store(whole):
    z = np.load(whole / "z" / "00000.npy")
    assert store_facts(whole).arrays["z"].dtype == z.dtype
