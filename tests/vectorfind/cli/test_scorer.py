"""`vectorfind scorer`: what it prints, and errors in one line."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from vectorfind.cli import main
from vectorfind.models.training import training


def invoke(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


def table(tmp_path, n=120):
    """Scores by hand of the default generator's images: their number."""
    rows = "".join(f"{index:06d}.png,{index % 7}\n" for index in range(n))
    (tmp_path / "scores.csv").write_text(f"image,mine\n{rows}", encoding="utf-8")
    return tmp_path / "scores.csv"


@pytest.mark.parametrize("command", ["train", "images"])
def test_help_has_an_example(command):
    result = invoke("scorer", command, "--help")
    assert result.exit_code == 0
    assert f"Example:\n    vectorfind scorer {command}" in result.stdout


def test_a_table_is_learned_and_told(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "TIMED", 2)
    words = ("--teacher", table(tmp_path), "--epochs", 1, "--width", 2, "--workers", 1, "--quiet")
    result = invoke("scorer", "train", *words, "--out", tmp_path / "s")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("mine: R² ")
    assert lines[-1] == f"scorer: {tmp_path / 's' / 'scorer.safetensors'}"
    card = (tmp_path / "s" / "scorer.md").read_text("utf-8")
    assert "`vectorfind scorer train --teacher " in card
    said = json.loads(invoke("scorer", "train", *words, "--json", "--out", tmp_path / "s").stdout)
    assert said["held_out"][0]["property"] == "mine"


def test_images_are_written_by_number(tmp_path):
    result = invoke("scorer", "images", "-n", 3, "--workers", 1, "--quiet", "--out", tmp_path / "p")
    assert result.exit_code == 0, result.output
    names = sorted(path.name for path in (tmp_path / "p").glob("*.png"))
    assert names == ["000000.png", "000001.png", "000002.png"]
    assert np.asarray(Image.open(tmp_path / "p" / names[0])).shape == (64, 64, 3)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--teacher", "absent.csv"), "absent.csv"),
        (("--teacher", "absent.safetensors"), "absent.safetensors"),
        (("--resolution", "40"), "resolution is 40; give a multiple of 32"),
        (("--epochs", "0"), "epochs is 0"),
        (("--generator", "absent.pkl"), "absent.pkl"),
    ],
)
def test_errors_are_one_line(tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    words = words if "--teacher" in words else (*words, "--teacher", "default")
    result = invoke("scorer", "train", *words, "--out", tmp_path / "s")
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "s").exists()
