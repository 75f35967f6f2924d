"""The store: the same samples as in memory, resumed, grown, repaired, and refused to others."""

import json
import shutil

import joblib
import numpy as np
import pytest
from filelock import FileLock

from property_cnn.common.errors import FileError, InputError
from property_cnn.common.files import file_digest
from property_cnn.common.shards import store as shard_store
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.models.pair import Models
from vectorfind.sampling.groups import group_cuts
from vectorfind.sampling.sampler import sample
from vectorfind.sampling.store import fill_store

N = 1100  # three shards


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


class Dead(ToyGenerator):
    def map(self, z, label):
        raise AssertionError("the mapping was run")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A store that was filled in one go."""
    folder = tmp_path_factory.mktemp("store")
    fill_store(folder, Models(ToyGenerator(), ToyScorer()), N)
    return folder


def test_it_holds_what_memory_would(models, whole):
    stored, memory = fill_store(whole, models, N), sample(models, N)
    assert len(stored) == N
    assert stored.scores.tobytes() == memory.scores.tobytes()
    rows = np.random.default_rng(0).permutation(N)[:300]
    for layer in models.generator.layers:
        assert np.array_equal(stored.vectors(layer, rows), memory.vectors(layer, rows))
    z = np.concatenate([np.load(whole / "z" / f"{i:05d}.npy") for i in range(3)])
    assert np.array_equal(z[:N], memory.z)


def test_the_manifest_names_networks_seed_and_every_file(whole):
    manifest = json.loads((whole / "manifest.json").read_text())
    assert (manifest["generator"], manifest["scorer"]) == ("toy-generator", "toy-scorer")
    assert (manifest["seed"], manifest["shard_rows"], manifest["dtype"]) == (0, 512, "float32")
    names = {"z", "label", "scores", "mapping_split1", "mapping_split2", "w"}
    for index in range(3):
        listed = json.loads((whole / "checksums" / f"{index:05d}.json").read_text())
        paths = {name: whole / name / f"{index:05d}.npy" for name in names}
        assert listed["arrays"] == {name: file_digest(path) for name, path in paths.items()}


def test_a_full_store_runs_no_network(whole):
    stored = fill_store(whole, Models(Dead(), ToyScorer()), 600, layers=("w",))
    assert (len(stored), stored.layers) == (600, {"w": 8})


def test_growing_in_n_and_in_layers_gives_the_same_bytes(models, whole, tmp_path):
    fill_store(tmp_path, models, 100, layers=("w",))
    fill_store(tmp_path, models, 700, layers=("mapping_split1",))
    fill_store(tmp_path, models, N)
    assert files(tmp_path) == files(whole)


def test_a_layer_that_is_added_makes_no_image_again(models, tmp_path):
    class Blind(ToyScorer):
        def __call__(self, images):
            raise AssertionError("an image was scored")

    fill_store(tmp_path, models, 600, layers=("w",))
    fill_store(tmp_path, Models(ToyGenerator(), Blind()), 600)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_change_no_byte(models, whole, tmp_path, workers):
    fill_store(tmp_path, models, N, workers=workers)
    assert files(tmp_path) == files(whole)


def test_processes_change_no_byte(models, whole, tmp_path):
    with joblib.parallel_config(backend="loky", n_jobs=2):
        fill_store(tmp_path, models, N)
    assert files(tmp_path) == files(whole)


def test_an_interrupted_store_goes_on_to_the_same_bytes(models, whole, tmp_path, monkeypatch):
    made = []

    def interrupted(*task):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(task)
        return write(*task)

    write = shard_store.write_shard
    with monkeypatch.context() as patch:
        patch.setattr(shard_store, "write_shard", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fill_store(tmp_path, models, N, workers=1)
    (tmp_path / "w" / ".partial-00002-x1.npy").write_bytes(b"half")
    fill_store(tmp_path, models, N)
    assert files(tmp_path) == files(whole)


@pytest.mark.parametrize("name", ["w", "scores", "z"])
@pytest.mark.parametrize("place", [5, 200, -1])
def test_one_flipped_byte_is_noticed_and_made_good(models, whole, tmp_path, capsys, name, place):
    fill_store(tmp_path, models, N)
    path = tmp_path / name / "00001.npy"
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(bytes(content))
    fill_store(tmp_path, models, N, quiet=False)
    assert f"{path} is damaged; making it again" in capsys.readouterr().err
    assert files(tmp_path) == files(whole)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"[" * 100_000, b"\xff", None])
def test_a_damaged_manifest_costs_no_sample(models, whole, tmp_path, damage):
    fill_store(tmp_path, models, N)
    if damage is None:
        (tmp_path / "manifest.json").unlink()
    else:
        (tmp_path / "manifest.json").write_bytes(damage)
    fill_store(tmp_path, Models(Dead(), ToyScorer()), N)
    assert files(tmp_path) == files(whole)


def test_a_store_of_version_1_is_read_and_gone_on_with(models, whole, tmp_path):
    """Its manifest listed the checksums of all shards."""
    fill_store(tmp_path, models, 600)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    lists = sorted((tmp_path / "checksums").iterdir())
    manifest["shards"] = {path.stem: json.loads(path.read_text())["arrays"] for path in lists}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"version": 1}))
    shutil.rmtree(tmp_path / "checksums")
    fill_store(tmp_path, Models(Dead(), ToyScorer()), 600)
    fill_store(tmp_path, models, N)
    assert files(tmp_path) == files(whole)


def test_other_models_and_seeds_are_refused(models, whole):
    generator = ToyGenerator()
    generator.digest = "another"
    message = "holds other samples .generator: toy-generator there, another here.*--store"
    with pytest.raises(InputError, match=message):
        fill_store(whole, Models(generator, ToyScorer()), N)
    with pytest.raises(InputError, match="seed: 0 there, 1 here"):
        fill_store(whole, models, N, seed=1)


def test_nameless_models_start_afresh_only_when_told(tmp_path):
    generator = ToyGenerator()
    generator.digest = ""
    models = Models(generator, ToyScorer())
    fill_store(tmp_path, models, 100)
    with pytest.raises(InputError, match="without a digest"):
        fill_store(tmp_path, models, 100)
    assert len(fill_store(tmp_path, models, 100, fresh=True)) == 100


def test_a_store_in_use_is_left_alone(models, whole):
    with FileLock(whole / ".lock"), pytest.raises(InputError, match="another process works in"):
        fill_store(whole, models, N)


def test_the_first_samples_and_their_groups(models, whole):
    head = fill_store(whole, models, N).head(100)
    assert len(head) == 100
    columns = [head.properties.index(name) for name in ("hair_color", "pose")]
    head.write_groups(("hair_color", "pose"), group_cuts(head.scores[:, columns], 2))
    with np.load(whole / "groups_100.npz", allow_pickle=False) as file:
        above = head.scores[:, columns] >= np.median(head.scores[:, columns], axis=0)
        assert file["group"].tolist() == ["".join("lh"[int(b)] for b in row) for row in above]
    (whole / "groups_100.npz").unlink()
    (whole / "checksums" / "groups_100.json").unlink()


def test_a_store_says_what_it_lacks_and_refuses_what_the_disk_has_no_room_for(
    tmp_path, capsys, monkeypatch
):
    models = Models(ToyGenerator(), ToyScorer())
    fill_store(tmp_path, models, 512, quiet=False)
    first = capsys.readouterr().err.splitlines()[0]
    assert first == f"sampling: 512 images to make, about 128 KiB in {tmp_path}"
    free = shutil.disk_usage(tmp_path)._replace(free=100 * 2**10)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    with pytest.raises(FileError, match="about 256 KiB, where 100 KiB are free; make room"):
        fill_store(tmp_path, models, N)
    assert len(fill_store(tmp_path, models, 512)) == 512  # needs no room
