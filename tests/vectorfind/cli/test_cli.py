"""The command line: commands end to end on toy networks, and bad input in one line, exit code 2."""

import json
from dataclasses import fields

import click
import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from property_cnn.common.files import save_tensors
from property_cnn.hair.settings import FaceCounts
from property_cnn.segmentation.settings import DistillSettings, TeacherSettings
from stylegan_ft.concept.settings import EnsembleSettings, Thresholds
from stylegan_ft.finetune.settings import PlainSettings
from tests.sketches import undraw
from tests.vectorfind.planted import PlantedGenerator, PlantedScorer
from vectorfind.bench.settings import BenchSettings
from vectorfind.characters.inversion.settings import InvertSettings
from vectorfind.characters.settings import EditSettings
from vectorfind.cli import main
from vectorfind.cli.options import Count, Names, settings_from
from vectorfind.config import (
    ComponentSettings,
    CurveSettings,
    DecoupledSettings,
    EvaluateSettings,
    FindSettings,
    RankSettings,
)
from vectorfind.models import judges
from vectorfind.models import pair as models
from vectorfind.runs.finetune.settings import FaceSettings, FilterSettings, MeasureSettings

SMALL = ["-n", "320", "--group-by", "hair_color", "--workers", "1"]
TINY_TEST = [*SMALL, "--cases", "3", "--control-cases", "2", "--quiet"]


@pytest.fixture
def networks(monkeypatch):
    """Puts toy networks in the place of the shipped ones; paths still go to the real loaders.

    Figures of runs are left undrawn.
    """
    undraw(monkeypatch)
    shipped = {"generator": PlantedGenerator(), "scorer": PlantedScorer()}
    for kind in shipped:
        name = f"resolve_{kind}"
        real = getattr(models, name)

        def resolve(given, device=None, kind=kind, real=real, **how):
            return shipped[kind] if given == "default" else real(given, device, **how)

        monkeypatch.setattr(models, name, resolve)
    return shipped


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A small finished run, made through the command line."""
    out = tmp_path_factory.mktemp("cli") / "out"
    with pytest.MonkeyPatch.context() as patch:
        undraw(patch)
        patch.setattr(models, "resolve_generator", lambda *given, **how: PlantedGenerator())
        patch.setattr(models, "resolve_scorer", lambda given, device=None: PlantedScorer())
        result = invoke("test", *TINY_TEST, "--out", out)
    assert result.exit_code == 0, result.output
    return out


def invoke(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


def assert_one_line(result, *pieces, code=2):
    """The command ended with the exit code and a single line on stderr that holds the pieces."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")
    for piece in pieces:
        assert piece in lines[0]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("4000", 4000),
        ("160K", 160_000),
        ("1.5k", 1500),
        ("1M", 1_000_000),
        ("1.001K", 1001),
        ("8.999M", 8_999_000),
    ],
)
def test_count_understands_thousands_and_millions(text, number):
    assert Count().convert(text, None, None) == number


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        ("test", FindSettings),
        ("test", EvaluateSettings),
        ("rank --method pca", RankSettings),
        ("evaluate d", EvaluateSettings),
        ("curve", CurveSettings),
        ("bench", BenchSettings),
        ("edit d", EditSettings),
        ("invert p", InvertSettings),
        ("hair teacher", TeacherSettings),
        ("hair distill", DistillSettings),
        ("hair distill", FaceCounts),
        ("finetune faces", FaceSettings),
        ("finetune classifiers", EnsembleSettings),
        ("finetune filter", FilterSettings),
        ("finetune filter", Thresholds),
        ("finetune plain", PlainSettings),
        ("finetune report r", MeasureSettings),
    ],
)
def test_options_default_to_the_settings(words, settings):
    names, command = words.split(), main
    while isinstance(command, click.Group):
        command = command.commands[names.pop(0)]
    out = [] if words in ("bench", "edit d") else ["--out", "x"]
    context = command.make_context(command.name, [*names, *out])
    assert settings_from(settings, context.params) == settings()
    assert {field.name for field in fields(settings)} & set(context.params)


def test_options_of_components_and_decoupled_directions_are_settings_within_settings():
    command = main.commands["find"]
    words = "--components 9 --channels 2 --channel-slopes exact --jacobian network --out x"
    found = settings_from(FindSettings, command.make_context("find", words.split()).params)
    assert found.components == ComponentSettings(count=9, channels=2, slopes="exact")
    assert found.decoupled == DecoupledSettings(jacobian="network")


def test_names_are_split_at_commas():
    assert Names().convert("eyes, pose", None, None) == ("eyes", "pose")
    assert Names().convert("", None, None) == ()


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_helps_with_an_example(command):
    result = invoke(command, "--help")
    assert result.exit_code == 0
    assert f"Example:\n    vectorfind {command}" in result.stdout


def test_test_prints_the_result_and_where_the_report_is(networks, tmp_path):
    result = invoke("test", *TINY_TEST, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "eyes: found 1.000 [1.000, 1.000], random " in result.stdout
    assert "cases passed: " in result.stdout
    assert result.stdout.splitlines()[-1] == f"report: {tmp_path / 'out' / 'report.html'}"
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["command"].startswith("vectorfind test -n 320 --cases 3 --layer mapping_split2")


@pytest.mark.parametrize("method", ["gradient", "mixed"])
def test_other_methods_run_too(networks, tmp_path, method):
    result = invoke("find", *SMALL, "--method", method, "--quiet", "--out", tmp_path / "d.npz")
    assert result.exit_code == 0, result.output
    assert "eyes: test corr" in result.stdout


def test_sample_writes_what_find_would_see(networks, tmp_path):
    out = tmp_path / "new" / "samples.npz"
    result = invoke("sample", "-n", "20", "--quiet", "--out", out)
    assert result.stdout == f"samples: {out}\n"
    with np.load(out, allow_pickle=False) as file:
        assert file["z"].shape == (20, 6)
        assert file["latents_mapping_split2"].shape == (20, 12)
        assert file["scores"].shape == (20, 8)
        expected = np.concatenate([file["z"], file["label"]], axis=1)
        np.testing.assert_allclose(file["scores"], expected, atol=1e-5)


def test_sample_fills_a_store_that_find_uses(networks, tmp_path):
    result = invoke("sample", "-n", "600", "--quiet", "--store", tmp_path / "store")
    assert result.stdout == f"samples: 600 in {tmp_path / 'store'}\n"
    found = ["find", "-n", "600", "--quiet", "--group-by", "", "--out"]
    invoke(*found, tmp_path / "one.npz", "--store", tmp_path / "store")
    invoke(*found, tmp_path / "other.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()


def test_sample_needs_a_file_or_a_store(tmp_path):
    assert_one_line(invoke("sample"), "give either --out, a file, or --store, a folder")
    both = invoke("sample", "--out", tmp_path / "a.npz", "--store", tmp_path / "b")
    assert_one_line(both, "give either")


def test_curve_runs_and_says_what_it_found(networks, tmp_path):
    options = ["-n", "600", "--methods", "svm", "--layers", "w", "--cases", "4", "--quiet"]
    result = invoke("curve", *options, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "lines: 1 (svm / w)" in result.stdout
    assert result.stdout.endswith(f"report: {tmp_path / 'report.html'}\n")


def test_curve_refuses_bad_numbers(tmp_path):
    assert_one_line(invoke("curve", "-n", "4K,2K", "--out", tmp_path), "give rising numbers")
    assert_one_line(invoke("curve", "-n", "4Q", "--out", tmp_path), "no whole number")


def test_evaluate_and_info_read_a_run(networks, run_folder, tmp_path):
    args = [run_folder / "directions.npz", "--cases", "3", "--control-cases", "2", "--quiet"]
    result = invoke("evaluate", *args, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    table = "test_result.csv"
    assert (tmp_path / table).read_bytes() == (run_folder / table).read_bytes()
    assert "planted-scorer" in invoke("info", run_folder).stdout
    again = invoke("evaluate", run_folder, *args[1:], "--out", tmp_path / "of-folder")
    assert again.exit_code == 0, again.output
    assert (tmp_path / "of-folder" / table).read_bytes() == (run_folder / table).read_bytes()
    assert "digest" in invoke("info", run_folder / "directions.npz").stdout
    assert json.loads(invoke("info", run_folder, "--json").stdout)["kind"] == "test"


def test_evaluate_tests_some_of_the_properties(networks, run_folder, tmp_path):
    words = ["--cases", "3", "--control-cases", "0", "--quiet", "--out", tmp_path]
    result = invoke("evaluate", run_folder, "--properties", "pose", *words)
    assert result.exit_code == 0, result.output
    assert pd.read_csv(tmp_path / "slopes.csv")["strength"].unique().tolist() == ["pose"]
    command = json.loads((tmp_path / "config.json").read_text())["command"]
    assert "--properties pose" in command
    assert_one_line(
        invoke("evaluate", run_folder, "--properties", "nose", *words), "unknown property 'nose'"
    )


def test_edit_takes_targets_in_the_scorers_units(networks, run_folder, tmp_path):
    sheet = tmp_path / "sheet.png"
    words = ["-n", "2", "--out", sheet]
    asked = invoke("edit", run_folder, "--to", "eyes=0.1", *words)
    assert_one_line(asked, "need strengths in standard deviations")
    assert_one_line(invoke("edit", run_folder, "--by", "nose=1", *words), "unknown property")


def test_edit_writes_a_sheet_or_single_images(networks, run_folder, tmp_path):
    directions = run_folder / "directions.npz"
    sheet = tmp_path / "sheet.png"
    result = invoke("edit", directions, "--eyes", "2", "-n", "3", "--out", sheet)
    assert result.stdout == f"images: {sheet}\n"
    assert Image.open(sheet).size == (3 * 132 - 4, 2 * 132 - 4)
    latents = run_folder / "latents.npz"
    args = ["--latents", latents, "--set", "mouth=-1", "-n", "2", "--out", tmp_path / "many"]
    result = invoke("edit", directions, *args)
    assert result.exit_code == 0, result.output
    names = [path.name for path in sorted((tmp_path / "many").iterdir())]
    assert names == ["edited_0000.png", "edited_0001.png"]


def test_edit_moves_the_property_in_the_images(networks, run_folder, tmp_path):
    """The planted eyes are the topmost band of grey: 2 units of 20 from black to white."""
    for name, strength in (("low", -2), ("high", 2)):
        args = ["--eyes", strength, "-n", "1", "--out", tmp_path / name]
        assert invoke("edit", run_folder / "directions.npz", *args).exit_code == 0
    low, high = (
        np.asarray(Image.open(tmp_path / name / "edited_0000.png")).astype(int)[0, 0, 0]
        for name in ("low", "high")
    )
    assert high - low == pytest.approx(4 / 20 * 255, rel=0.1)


def test_edit_writes_an_animation_of_a_sweep(networks, run_folder, tmp_path):
    args = ["--animate", tmp_path / "eyes.gif", "--sweep", "eyes=-2:2", "--frames", "3"]
    result = invoke("edit", run_folder / "directions.npz", *args, "--rate", "20", "-n", "1")
    assert result.stdout == f"animation: {tmp_path / 'eyes.gif'}\n"
    with Image.open(tmp_path / "eyes.gif") as gif:
        assert (gif.n_frames, gif.info["duration"]) == (4, 50)


def test_endless_words_are_cut_in_the_error(tmp_path):
    result = invoke("test", "--method", "x" * 50_000, "--out", tmp_path / "out")
    assert_one_line(result, "unknown method", "xx…", "choose one of")
    assert len(result.stderr) < 7000


@pytest.mark.parametrize(
    ("options", "pieces"),
    [
        (["--layer", "y"], ["layer 'y'", "mapping_split1, mapping_split2, w"]),
        (["--method", "lda"], ["unknown method 'lda'", "svm, gradient, mixed"]),
        (["--properties", "eyes,nose"], ["unknown property 'nose'", "mouth"]),
        (["--group-by", "nose"], ["unknown grouping property 'nose'", "hairstyle"]),
        (["-n", "many"], ["'many' is no whole number", "160K"]),
        (["-n", "0"], ["n is 0"]),
        (["--ratio", "0.7"], ["ratio is 0.7"]),
        (["--cases", "0"], ["cases is 0"]),
        (["--device", "abacus"], ["device 'abacus'"]),
        (["--dtype", "int8"], ["unknown dtype 'int8'", "float32"]),
        (["--colour", "red"], ["No such option", "see vectorfind test --help"]),
    ],
)
def test_bad_options_get_one_line(tmp_path, options, pieces):
    assert_one_line(invoke("test", "--out", tmp_path / "out", *options), *pieces)


def test_unknown_command_and_missing_out_get_one_line():
    assert_one_line(invoke("tset"), "No such command 'tset'")
    assert_one_line(invoke("find"), "Missing option '--out'")


def test_too_few_samples_for_the_groups_get_one_line(networks, tmp_path):
    result = invoke("test", "-n", "60", "--quiet", "--out", tmp_path)
    assert_one_line(result, "group", "60")


@pytest.mark.parametrize(
    ("spoil", "piece"),
    [
        (lambda scores: scores[:, :7], "shape (64, 7)"),
        (lambda scores: scores / 0, "infinities"),
        (lambda scores: scores * float("nan"), "could not read"),
    ],
)
def test_a_scorer_that_answers_badly_gets_one_line(networks, tmp_path, spoil, piece):
    networks["scorer"] = PlantedScorer(spoil)
    assert_one_line(invoke("test", *TINY_TEST, "--out", tmp_path), piece)


@pytest.mark.parametrize("option", ["--generator", "--scorer"])
@pytest.mark.parametrize("kind", ["missing", "truncated", "foreign", "text"])
def test_a_checkpoint_that_cannot_be_used_gets_one_line(networks, tmp_path, option, kind):
    path = tmp_path / f"{kind}.safetensors"
    if kind != "missing":
        save_tensors(path, {"some.weight": torch.zeros(3, 3)}, {"kind": "other"})
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:-8])
    if kind == "text":
        path.write_text("not a checkpoint")
    result = invoke("test", *TINY_TEST, option, path, "--out", tmp_path / "out")
    assert_one_line(result, path.name)


@pytest.mark.parametrize("kind", ["missing", "truncated", "foreign"])
def test_directions_that_cannot_be_used_get_one_line(networks, run_folder, tmp_path, kind):
    path = tmp_path / "directions.npz"
    whole = (run_folder / "directions.npz").read_bytes()
    if kind == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    if kind == "foreign":
        np.savez(path, a=np.zeros(3))
    assert_one_line(invoke("evaluate", path, "--quiet", "--out", tmp_path / "out"), path.name)
    assert_one_line(invoke("edit", path, "--eyes", "1", "--out", tmp_path / "a.png"), path.name)


def test_directions_of_other_networks_are_refused(networks, run_folder, tmp_path):
    networks["generator"].digest = "another"
    directions = run_folder / "directions.npz"
    result = invoke("edit", directions, "--eyes", "1", "--out", tmp_path / "a.png")
    assert_one_line(result, "another")


@pytest.mark.parametrize(
    "command", ["test", "curve", "sample", "find", "evaluate", "edit", "models"]
)
def test_where_nothing_can_be_written_nothing_is_done(tmp_path, command):
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "out.npz"
    given = {"evaluate": ["no.npz"], "edit": ["no.npz", "--eyes", "1"]}.get(command, [])
    result = invoke(command, *given, "--out", out)
    assert_one_line(result, "cannot write in", "--out")


def test_edit_needs_a_known_property_and_fitting_latents(networks, run_folder, tmp_path):
    directions, out = run_folder / "directions.npz", tmp_path / "a.png"
    assert_one_line(invoke("edit", directions, "--out", out), "nothing to edit")
    assert_one_line(invoke("edit", directions, "--set", "nose=1", "--out", out), "nose", "eyes")
    assert_one_line(invoke("edit", directions, "--set", "eyes", "--out", out), "NAME=NUMBER")
    np.savez(tmp_path / "z.npz", z=np.zeros((2, 5)), label=np.zeros((2, 2)))
    args = ["--eyes", "1", "--latents", tmp_path / "z.npz", "--out", out]
    assert_one_line(invoke("edit", directions, *args), "(N, 6)")


def test_another_run_in_the_folder_is_refused(networks, run_folder):
    result = invoke("test", *TINY_TEST, "--seed", "1", "--out", run_folder)
    assert_one_line(result, "find.seed: 0 there, 1 here", "--overwrite")


def test_info_of_an_unknown_path_gets_one_line(tmp_path):
    assert_one_line(invoke("info", tmp_path), "config.json")
    assert_one_line(invoke("info", tmp_path / "no.npz"), "no.npz")


def test_judges_are_named_by_options(networks, tmp_path, monkeypatch):
    shared = {"eyes": PlantedScorer(), "nothing": PlantedScorer()}
    shared["nothing"].properties = ("nose",)
    real = judges.resolve_scorer

    def resolve(given, device=None):
        return shared[given] if given in shared else real(given, device)

    monkeypatch.setattr(judges, "resolve_scorer", resolve)
    result = invoke("test", *TINY_TEST, "--judge", "eyes", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "judged by eyes: eyes 1.0" in result.output
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["judges"] == {"eyes": "planted-scorer"}
    assert config["command"].endswith("--judge eyes")
    out = tmp_path / "again"
    again = invoke("evaluate", tmp_path / "out", "--cases", 3, "--judge", "eyes", "--out", out)
    assert again.exit_code == 0, again.output
    assert "judged by eyes" in again.output
    for given, words in (
        (["nothing"], "the judge nothing reads nose and none of eyes, mouth, pose"),
        (["eyes", "eyes"], "a judge stands twice in eyes, eyes"),
        (["absent.safetensors"], "absent.safetensors"),
    ):
        options = [word for name in given for word in ("--judge", name)]
        refused = invoke("test", *TINY_TEST, *options, "--out", tmp_path / "other")
        assert refused.exit_code == 2
        assert words in refused.output
        assert len(refused.output.splitlines()) == 1


def test_rank_names_the_components_and_writes_a_table(networks, tmp_path):
    out = tmp_path / "components.csv"
    options = ["-n", "600", "--components", "4", "--faces", "3", "--workers", "1", "--quiet"]
    result = invoke("rank", "--method", "pca", *options, "--out", out)
    assert result.exit_code == 0, result.output
    head, *lines, last = result.stdout.splitlines()
    assert head.split() == "property component variance slope most of the others".split()
    assert [line.split()[0] for line in lines] == list(PlantedScorer.properties)
    assert last == f"table: {out}"
    assert len(out.read_text().splitlines()) == 1 + 4 * 8
    found = json.loads(invoke("rank", "--method", "pca", *options, "--json", "--out", out).stdout)
    assert {row["component"] for row in found["components"]} == {0, 1, 2, 3}
    assert "pca|sefa|stylespace" in invoke("rank", "--help").stdout


def test_rank_refuses_methods_without_components(networks, tmp_path):
    result = invoke("rank", "--method", "svm", "--out", tmp_path / "a.csv")
    assert_one_line(result, "unknown method of components 'svm'; choose one of pca, sefa, style")
