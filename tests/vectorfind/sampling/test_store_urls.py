"""Samples at URLs: the bytes of a folder, found, merged, exported and told like one."""

from __future__ import annotations

import fsspec
import numpy as np
import pytest
from click.testing import CliRunner

from property_cnn.common.errors import InputError
from property_cnn.common.shards.places import CACHE, descendants, place_of, read
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.cli.main import main
from vectorfind.config import FindSettings
from vectorfind.models.pair import Models
from vectorfind.pipeline import find_directions
from vectorfind.sampling.export import export_store
from vectorfind.sampling.groups import group_cuts
from vectorfind.sampling.store import fill_store, holds_samples
from vectorfind.sampling.store_files import merge_stores, store_facts, verify_store

pytest.importorskip("upath", reason="universal-pathlib is not installed")

URL = "memory://bucket/samples"
N = 1100  # three shards


@pytest.fixture(autouse=True)
def nothing_else(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    fsspec.get_filesystem_class("memory").store.clear()


@pytest.fixture
def folder(tmp_path, models):
    fill_store(tmp_path / "samples", models, N)
    return tmp_path / "samples"


def files(place):
    place = place_of(place)
    found = {path.relative_to(place).as_posix(): read(path) for path in descendants(place)}
    return {name: data for name, data in found.items() if name != ".lock"}


def test_samples_and_groups_are_those_of_a_folder(models, folder):
    fill_store(URL, models, 600, layers=("w",))
    samples = fill_store(URL, models, N)
    assert files(URL) == files(folder)
    assert holds_samples(place_of(URL), models, 0)
    rows = np.random.default_rng(0).permutation(N)[:300]
    local = fill_store(folder, models, N)
    assert np.array_equal(samples.scores, local.scores)
    for layer in models.generator.layers:
        assert np.array_equal(samples.vectors(layer, rows), local.vectors(layer, rows))
    for each in (samples, local):
        cuts = group_cuts(each.scores[:, [0]])
        each.write_groups(each.properties[:1], cuts)
    assert files(URL) == files(folder)
    assert f"groups_{N}.npz" in files(URL)
    with pytest.raises(InputError, match=r"holds other samples \(seed: 0 there, 1 here\)"):
        fill_store(URL, models, N, seed=1)


def test_stores_without_a_digest_are_never_read_from_older_copies(models):
    class Nameless(ToyGenerator):
        digest, sign = "", 1.0

        def map(self, z, label):
            return {layer: self.sign * vectors for layer, vectors in super().map(z, label).items()}

    generator = Nameless()
    before = fill_store(URL, Models(generator, ToyScorer()), 512).vectors("w", np.arange(9))
    generator.sign = -1.0
    again = fill_store(URL, Models(generator, ToyScorer()), 512, fresh=True)
    assert np.array_equal(again.vectors("w", np.arange(9)), -before)
    assert np.array_equal(again.vectors("w", np.arange(9)), again.rows("w").whole()[:9])


def test_facts_merging_and_export(models, folder, tmp_path):
    merged = merge_stores([folder], URL)
    assert files(URL) == files(folder)
    assert (merged.samples, merged.missing) == (1536, ())
    assert merged.size == sum(map(len, files(folder).values()))
    assert {name: each.width for name, each in merged.arrays.items()} == {
        name: each.width for name, each in store_facts(folder).arrays.items()
    }
    assert verify_store(URL).whole
    export_store(URL, tmp_path / "exported", n=700)
    assert np.array_equal(
        np.load(tmp_path / "exported" / "scores.npy"), fill_store(folder, models, 700).scores
    )
    merge_stores([URL], tmp_path / "back")
    assert files(tmp_path / "back") == files(folder)
    with pytest.raises(InputError, match="memory://bucket/none holds no store of samples"):
        store_facts("memory://bucket/none")


def test_directions_are_found_from_one(models):
    settings = {"n": 600, "group_by": (), "method": "svm", "layer": "w", "properties": ("eyes",)}
    how = {**settings, "generator": models.generator, "scorer": models.scorer}
    there, here = find_directions(store=URL, **how), find_directions(**how)
    assert there.fields["eyes"].directions.tobytes() == here.fields["eyes"].directions.tobytes()
    assert store_facts(URL).samples == 1024
    assert FindSettings(**settings).n == 600


def test_the_command_line_takes_urls_where_stores_lie_and_nowhere_else(models):
    fill_store(URL, models, N)
    run = CliRunner()
    told = run.invoke(main, ["store", "info", URL])
    assert (told.exit_code, "1,536 in 3 shards" in told.output) == (0, True)
    for command in (["store", "verify", URL], ["verify", URL]):
        checked = run.invoke(main, command)
        assert (checked.exit_code, "files whole" in checked.output) == (0, True)
    merged = run.invoke(main, ["store", "merge", URL, "--out", "memory://bucket/two", "--quiet"])
    assert (merged.exit_code, merged.output) == (0, "samples: 1,536 in memory://bucket/two\n")
    assert files("memory://bucket/two") == files(URL)
    refused = run.invoke(main, ["find", "-n", "600", "--out", "s3://bucket/d.npz"])
    assert refused.exit_code == 2
    assert "s3://bucket/d.npz is a URL; name a place on this machine" in refused.output
    unknown = run.invoke(main, ["store", "info", "nonsense://a/b"])
    assert unknown.exit_code == 2
    assert "no file system is called nonsense; give a folder, or" in unknown.output
