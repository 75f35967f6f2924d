"""The command line where no network is needed: options, names of folders, making of models."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from stylegan_ft.generator import load_generator
from tests.stylegan_ft.formats.genforce.by_hand import stylegan1_state
from tests.stylegan_ft.test_generator import PLAIN
from tests.vectorfind.cli.test_cli import assert_one_line, invoke
from vectorfind.characters.inversion import job
from vectorfind.runs import shipped
from vectorfind.runs import test as runs
from vectorfind.runs.report import Report


@pytest.mark.parametrize("command", ["sample", "curve", "find", "test"])
def test_truncation_is_an_option_of_all_that_samples(tmp_path, command):
    for options, said in (
        (["--psi", "3"], "psi is 3.0"),
        (["--trunc-layers", "0"], "trunc_layers"),
    ):
        assert_one_line(invoke(command, *options, "--out", tmp_path / "out"), said)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ([], "vectorfind-svm-mapping_split2-4000"),
        (["--method", "mixed", "-n", "2K"], "vectorfind-mixed-mapping_split1-2000"),
        (["--generator", "x.pkl"], "vectorfind-svm-4000"),  # its own layer is not known yet
        (["--generator", "x.pkl", "--layer", "w+4-7"], "vectorfind-svm-w+4-7-4000"),
    ],
)
def test_a_run_without_a_folder_gets_one_named_after_what_is_known(monkeypatch, options, name):
    given = []

    def run(find, test, out, *rest):
        given.append(out)
        return Report(None, ())

    monkeypatch.setattr(runs, "run_test", run)
    assert invoke("test", *options).exit_code == 0
    assert given == [Path(name)]


def test_models_prints_what_it_made(monkeypatch, tmp_path):
    def made(work, device, log):
        log(f"working in {work.name}")
        return [work / "scorer.safetensors"]

    monkeypatch.setattr(shipped, "make_models", made)
    last = f"model: {tmp_path / 'scorer.safetensors'}"
    told = invoke("models", "--out", tmp_path)
    assert told.stdout.splitlines() == [f"working in {tmp_path.name}", last]
    assert invoke("models", "--quiet", "--out", tmp_path).stdout.splitlines() == [last]


def test_options_of_a_generator_s_file_are_part_of_its_name(tmp_path, monkeypatch):
    given = []

    def run(find, test, out, generator, *rest):
        given.append(generator)
        return Report(None, ())

    monkeypatch.setattr(runs, "run_test", run)
    options = ["--option", "fused_scale=false", "--option", "final_tanh=true"]
    test = ("test", "--out", tmp_path / "out")
    for words in ([*options, "--generator", "x.pth"], ["--generator", "x.pth", *options]):
        assert invoke(*test, *words).exit_code == 0
    assert given == ["x.pth?fused_scale=false&final_tanh=true"] * 2
    assert invoke(*test, "--generator", "x.pth").exit_code == 0
    assert given[-1] == "x.pth"
    assert_one_line(invoke(*test, "--option", "fused_scale"), "write it as fused_scale=false")


def test_info_and_convert_take_options_beside_the_path(tmp_path):
    path, out = tmp_path / "genforce.pth", tmp_path / "out.safetensors"
    torch.save({"generator_smooth": stylegan1_state(PLAIN)}, path)
    told = invoke("info", "--option", "final_tanh=true", path, "--noise", "none")
    assert "given: final_tanh=true; " in told.stdout
    assert "given: noise=none" in told.stdout
    assert told.stdout == invoke("info", f"{path}?final_tanh=true&noise=none").stdout
    assert "given: noise=7" in invoke("info", "base", "--noise", "7").stdout
    assert invoke("convert", path, "--option", "final_tanh=true", "--out", out).exit_code == 0
    assert load_generator(out).network.config.final_tanh
    assert_one_line(invoke("info", path, "--option", "psi=2"), "option psi: it takes ")
    assert_one_line(invoke("convert", path, "--option", "psi", "--out", out), "fused_scale=false")
    assert_one_line(invoke("info", "--noise", "none"), "are of a file; give PATH")


def test_invert_prints_distances_and_files(monkeypatch, tmp_path):
    given = []

    def invert(photo, generator, out, settings, **rest):
        given.append((settings.align, settings.face, rest["directions"]))
        return SimpleNamespace(layer="w+", distances={"w": {"pixel_rmse": 12.345}})

    monkeypatch.setattr(job, "invert", invert)
    told = invoke("invert", "me.jpg", "--out", tmp_path, "--no-align", "--face", "2")
    assert told.stdout.splitlines() == [
        "w: root mean square difference of pixels, of 255: 12.3",
        f"latents: {tmp_path / 'inversion.npz'}",
        f"picture: {tmp_path / 'inversion.png'}",
    ]
    assert given == [(False, 2, None)]
    assert (
        json.loads(invoke("invert", "me.jpg", "--out", tmp_path, "--json").stdout)["layer"] == "w+"
    )
    assert given[1] == (None, 1, None)


def test_invert_refuses_what_is_no_picture(tmp_path):
    (tmp_path / "me.jpg").write_text("no picture")
    told = invoke("invert", tmp_path / "me.jpg", "--out", tmp_path / "out")
    assert_one_line(told, "me.jpg is no picture that can be read")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["sample", "curve", "find", "test", "evaluate"])
def test_an_engine_is_an_option_of_all_that_computes_much(tmp_path, command):
    words = ["directions.npz"] if command == "evaluate" else []
    for given, said in (("spark://host:1", "is not one"), ("dask-local:0", "give 1 to 1024")):
        assert_one_line(invoke(command, *words, "--out", tmp_path / "out", "--engine", given), said)
    assert not list(tmp_path.iterdir())
