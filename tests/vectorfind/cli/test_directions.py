"""The command line with other projects' files: info, convert, directions import and export."""

import re

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from property_cnn.common.files import load_tensors, save_tensors
from stylegan_ft.architectures.stylegan2.settings import StyleGAN2Config
from tests.stylegan_ft.foreign_files import random_network
from tests.vectorfind.cli.test_cli import assert_one_line
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.cli import main
from vectorfind.directions.directions import load_directions
from vectorfind.models import pair as models


@pytest.fixture
def networks(monkeypatch):
    """Puts toy networks in the place of the shipped ones."""
    monkeypatch.setattr(models, "resolve_generator", lambda *given, **how: ToyGenerator())
    monkeypatch.setattr(models, "resolve_scorer", lambda given, device=None: ToyScorer())


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A StyleGAN2 as others write it."""
    path = tmp_path_factory.mktemp("checkpoint") / "model.pt"
    torch.save(random_network(StyleGAN2Config(8, (4, 4), z_dim=6, w_dim=4)).state_dict(), path)
    return path


def invoke(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


def said(*args):
    result = invoke(*args)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def saved(found, tmp_path):
    found().save(tmp_path / "found.npz")
    return tmp_path / "found.npz"


@pytest.mark.parametrize("command", ["import", "export"])
def test_every_command_below_directions_helps_with_an_example(command):
    assert f"Example:\n    vectorfind directions {command}" in said("directions", command, "--help")


def test_info_tells_what_a_checkpoint_of_others_is(checkpoint):
    lines = said("info", checkpoint).splitlines()
    shown = {line[:14].strip(): line[14:] for line in lines}
    assert shown["architecture"] == "stylegan2"
    assert shown["resolution"] == "8 px"
    assert shown["sizes"] == "z 6, w 4, label 0"
    assert shown["layers"] == "z (6), w (4)"
    assert len(shown["digest"]) == 16
    assert shown["also offers"].startswith("mapping.0, ")
    assert re.search(r"w\+, w\+A-B \(A and B from 0 to \d+\), s$", shown["also offers"])


def test_info_of_a_scorer_an_array_and_another_network(tmp_path):
    from property_cnn.network.shipped import SHIPPED

    assert "property_cnn" in said("info", SHIPPED)
    np.save(tmp_path / "a.npy", np.zeros((1, 8), np.float32))
    assert "float32 (1, 8)" in said("info", tmp_path / "a.npy")
    save_tensors(tmp_path / "own.safetensors", {"a": torch.zeros(30, 50)}, {"note": "mine"})
    assert "1,500" in said("info", tmp_path / "own.safetensors")
    assert "mine" in said("info", tmp_path / "own.safetensors")
    (tmp_path / "page.pkl").write_text("<html>")
    assert_one_line(invoke("info", tmp_path / "page.pkl"), "page.pkl", "a web page")


def test_convert_writes_what_can_be_loaded(checkpoint, tmp_path):
    out = tmp_path / "new" / "model.safetensors"
    assert said("convert", checkpoint, "--out", out) == f"checkpoint: {out}\n"
    assert len(load_tensors(out)[0]) > 10
    assert "stylegan2" in said("info", out)
    half = tmp_path / "half.safetensors"
    said("convert", checkpoint, "--out", half, "--dtype", "float16")
    assert half.stat().st_size < out.stat().st_size
    assert_one_line(invoke("convert", checkpoint, "--out", tmp_path / "model.pt"), ".safetensors")
    assert_one_line(invoke("convert", tmp_path / "no.pkl", "--out", out), "no.pkl")


def test_export_for_interfacegan_and_back(networks, saved, tmp_path):
    out = tmp_path / "npys"
    told = said("directions", "export", saved, "--format", "interfacegan", "--out", out)
    assert told == f"directions: 12 files in {out}\n"
    paths = sorted(out.iterdir())
    assert np.load(paths[0]).shape == (1, 16)
    back = ["--layer", "mapping_split2", "--group-by", "hair_color,hair_length", "--quiet"]
    told = said("directions", "import", *paths, *back, "-n", "600", "--out", tmp_path / "d.npz")
    assert told == f"directions: {tmp_path / 'd.npz'} (eyes, mouth, pose)\n"
    before, after = (
        load_directions(path, ToyGenerator(), ToyScorer()).fields["pose"].of_groups()
        for path in (saved, tmp_path / "d.npz")
    )
    assert np.allclose(before, after, atol=1e-6)


def test_csvs_need_a_sign_and_other_files_have_none(networks, saved, tmp_path):
    csv = ["directions", "export", saved, "--format", "csv", "--out", tmp_path / "csvs"]
    assert_one_line(invoke(*csv), "--sign fix or --sign keep goes with --format csv")
    said(*csv, "--sign", "fix")
    back = ["directions", "import", tmp_path / "csvs", "--layer", "mapping_split2", "--quiet"]
    back += ["--group-by", "hair_color,hair_length", "-n", "600", "--out", tmp_path / "d.npz"]
    assert_one_line(invoke(*back), "the sign of CSVs must be chosen")
    turned = []
    for sign in ("fix", "keep"):
        said(*back, "--sign", sign)
        loaded = load_directions(tmp_path / "d.npz", ToyGenerator(), ToyScorer())
        turned.append(loaded.fields["eyes"].of_groups())
    assert np.array_equal(turned[0], -turned[1])


def test_components_are_imported_under_new_names_and_edit(networks, tmp_path):
    truth = ToyGenerator().truth("w")[1:5, None]  # the last is that of pose
    np.savez(tmp_path / "components.npz", lat_comp=truth, act_comp=truth)
    out = tmp_path / "d.npz"
    args = [tmp_path / "components.npz", "--layer", "w", "-n", "300", "--quiet", "--out", out]
    told = said("directions", "import", *args, "--rename", "component_3=pose")
    assert told == f"directions: {out} (pose)\n"
    said("edit", out, "--pose", "1", "-n", "1", "--out", tmp_path / "a.png")
    evaluate = ["evaluate", out, "--cases", "3", "--quiet", "--out", tmp_path / "run"]
    assert "pose: found 1.000" in said(*evaluate)
    assert_one_line(invoke("directions", "import", *args, "--rename", "eyes"), "OLD=NEW")


def test_what_cannot_be_imported_gets_one_line(networks, tmp_path):
    to = ["--layer", "w", "--quiet", "--out", tmp_path / "d.npz"]
    np.save(tmp_path / "age.npy", np.array({"boundary": 1}, dtype=object), allow_pickle=True)
    assert_one_line(invoke("directions", "import", tmp_path / "age.npy", *to), "can run code")
    np.save(tmp_path / "age.npy", np.ones((1, 5)))
    told = invoke("directions", "import", f"eyes={tmp_path / 'age.npy'}", *to)
    assert_one_line(told, "directions have 5 numbers; the layer's vectors have 8")
    assert_one_line(invoke("directions", "import", "no.npy", *to), "no file no.npy")
