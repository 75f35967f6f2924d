"""`vectorfind store`: what it prints and its exit codes."""

import json

import pytest
from click.testing import CliRunner

from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.cli import main
from vectorfind.models.pair import Models
from vectorfind.sampling.store import fill_store


@pytest.fixture
def folder(tmp_path):
    fill_store(tmp_path / "samples", Models(ToyGenerator(), ToyScorer()), 600)
    return tmp_path / "samples"


def run(*words, code=0):
    result = CliRunner().invoke(main, ["store", *map(str, words)])
    assert result.exit_code == code, result.output
    return result.output


def test_info(folder):
    assert "1,024 in 2 shards of 512" in run("info", folder)
    assert json.loads(run("info", folder, "--json"))["seed"] == "0"


def test_verify_tells_what_is_damaged_and_exits_with_1(folder):
    assert "files whole" in run("verify", folder)
    (folder / "w" / "00001.npy").write_bytes(b"x")
    assert "w/00001.npy: altered" in run("verify", folder, code=1)
    told = json.loads(run("verify", folder, "--json", code=1))
    assert (told["whole"], told["files"]["w/00001.npy"]) == (False, "altered")


def test_merge_and_export(folder, tmp_path):
    assert "samples: 1,024" in run("merge", folder, "--out", tmp_path / "all", "--quiet")
    said = run("export", tmp_path / "all", "-n", "700", "--out", tmp_path / "out", "--quiet")
    assert "samples: 700 of z, label, scores" in said
    assert (tmp_path / "out" / "layout.json").is_file()


def test_no_store_is_one_line(tmp_path):
    assert run("info", tmp_path, code=2).startswith("Error: ")
