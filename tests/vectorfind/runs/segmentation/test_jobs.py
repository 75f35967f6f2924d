"""One segmenter trained, distilled, tested and used on pictures, by its commands."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from tests.vectorfind.runs.segmentation.pictures import write_pictures
from vectorfind.cli import main

pytest.importorskip("transformers", reason="needs the extra hair")

SHORT = [
    "-n",
    "2",
    "--batch-size",
    "2",
    "--height",
    "32",
    "--width",
    "32",
    "--checks",
    "1",
    "--quiet",
]


def _data(folder):
    return ["--images", str(folder / "images"), "--labels", str(folder / "labels"),
            "--classes", "sky,road,car"]  # fmt: skip


def _run(*words, code=0):
    result = CliRunner().invoke(main, ["segment", *map(str, words)])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("segment")
    write_pictures(folder / "data")
    _run("train", *_data(folder / "data"), *SHORT, "--network", "b0", "--out", folder / "b0")
    return folder


def test_training_leaves_a_network_its_tables_and_overlays(trained):
    left = {path.name for path in (trained / "b0").iterdir()}
    assert {"segment_test.csv", "segment_test.md", "checks.csv", "overlays.png", "training"} <= left
    assert (trained / "b0" / "training" / "network.safetensors").is_file()


def test_its_scores_are_those_of_the_training(trained):
    file = trained / "b0" / "training" / "network.safetensors"
    said = _run("test", file, *_data(trained / "data"), "--fold", 1, "--json")
    row = json.loads(said)["rows"][0]
    last = (trained / "b0" / "segment_test.csv").read_text().splitlines()[1].split(",")
    # In per cent; the file has the weights to 16 bits, which moves some pixels over a border.
    assert row["mIoU"] == pytest.approx(float(last[8]), abs=0.1)


def test_a_student_follows_that_network(trained):
    teacher = trained / "b0" / "training" / "network.safetensors"
    words = ["distill", *_data(trained / "data"), *SHORT, "--teacher", teacher]
    said = _run(*words, "--network", "b0", "--kl", 1, "--trust", "class", "--out", trained / "kl")
    assert "network:" in said
    assert "mIoU" in said


def test_terms_and_trust_need_each_other(trained):
    words = [
        "distill",
        *_data(trained / "data"),
        *SHORT,
        "--teacher",
        "none",
        "--out",
        trained / "x",
    ]
    assert "no term" in _run(*words, code=2)
    assert "--trust is for --kl" in _run(*words, "--at", 1, "--trust", "pixel", code=2)


def test_label_maps_have_the_pictures_size_and_the_palette(trained, tmp_path):
    Image.fromarray(np.full((37, 51, 3), 90, np.uint8)).save(tmp_path / "grey.png")
    file = trained / "b0" / "training" / "network.safetensors"
    said = _run("predict", file, tmp_path / "grey.png", "--overlay", "--out", tmp_path / "maps")
    with Image.open(tmp_path / "maps" / "grey_labels.png") as labels:
        assert labels.size == (51, 37)
        assert labels.mode == "P"
        assert np.asarray(labels).max() < 3
    assert (tmp_path / "maps" / "grey_overlay.png").is_file()
    assert "%" in said


def test_one_damaged_picture_does_not_cost_the_others(trained, tmp_path):
    (tmp_path / "damaged.png").write_bytes(b"no picture")
    Image.new("RGB", (40, 40)).save(tmp_path / "whole.png")
    file = trained / "b0" / "training" / "network.safetensors"
    said = _run("predict", file, tmp_path / "damaged.png", tmp_path / "whole.png", "--out",
                tmp_path / "maps", code=3)  # fmt: skip
    assert "damaged.png" in said
    assert (tmp_path / "maps" / "whole_labels.png").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--classes", "sky"], "different names"),
        (["--classes", "sky,road"], "label 2"),
        (["--fold", "3"], "there are 2"),
        (["--folds", "9"], "images to test on"),
        (["--images", "nowhere"], "no folder"),
    ],
)
def test_what_cannot_be_trained_on_is_said_in_a_line(trained, tmp_path, words, said):
    given = ["train", *_data(trained / "data"), *SHORT, *words, "--out", tmp_path / "out"]
    output = _run(*given, code=2)
    assert said in output
    assert len(output.strip().splitlines()) == 1
