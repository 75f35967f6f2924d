"""The store: the same samples as in memory, resumed, grown, repaired, and refused to others."""

import json

import joblib
import numpy as np
import pytest
from filelock import FileLock

from property_cnn.common.errors import InputError
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.models.pair import Models
from vectorfind.sampling import store as module
from vectorfind.sampling.sampler import sample
from vectorfind.sampling.store import fill_store, write_shard

N = 1100  # three shards


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


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
    assert sorted(manifest["shards"]) == ["00000", "00001", "00002"]
    names = {"z", "label", "scores", "mapping_split1", "mapping_split2", "w"}
    assert all(set(digests) == names for digests in manifest["shards"].values())


def test_a_full_store_runs_no_network(whole):
    class Dead(ToyGenerator):
        def map(self, z, label):
            raise AssertionError("the mapping was run")

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


def test_any_process_may_make_any_shard_in_any_order(models, whole, tmp_path):
    layers = tuple(models.generator.layers)
    for index in (2, 0, 1):
        write_shard(tmp_path, models, 0, index, layers, True, 64)
    made, wanted = files(tmp_path), files(whole)
    assert made == {name: wanted[name] for name in wanted if name.endswith(".npy")}


def test_an_interrupted_store_goes_on_to_the_same_bytes(models, whole, tmp_path, monkeypatch):
    made = []

    def interrupted(*task):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(task)
        return write_shard(*task)

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_shard", interrupted)
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


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"shards": 3}'])
def test_a_damaged_manifest_counts_as_none(models, whole, tmp_path, damage):
    fill_store(tmp_path, models, N)
    (tmp_path / "manifest.json").write_bytes(damage)
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
    head.write_groups(("hair_color", "pose"))
    with np.load(whole / "groups_100.npz", allow_pickle=False) as file:
        columns = [head.properties.index(name) for name in ("hair_color", "pose")]
        above = head.scores[:, columns] >= np.median(head.scores[:, columns], axis=0)
        assert file["group"].tolist() == ["".join("lh"[int(b)] for b in row) for row in above]
    (whole / "groups_100.npz").unlink()
