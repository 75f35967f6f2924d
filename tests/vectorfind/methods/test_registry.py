"""A method is one object: a toy one, registered here, runs through everything; nothing else
knows a method by name.
"""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import vectorfind
from property_cnn.common.errors import CheckpointError, InputError
from tests.sketches import undraw, undrawn
from tests.vectorfind.conftest import SETTINGS, ToyGenerator, ToyScorer
from vectorfind.cli import main
from vectorfind.config import CurveSettings, EvaluateSettings, FindSettings
from vectorfind.directions.finding import fit_samples
from vectorfind.methods.base import Fit, Method
from vectorfind.methods.fields import GroupField
from vectorfind.methods.registry import (
    METHODS,
    default_strengths,
    method_named,
    register,
    unregister,
)
from vectorfind.methods.settings import check_settings, complete_settings
from vectorfind.models import pair
from vectorfind.runs.comparison import compare_runs
from vectorfind.runs.curve import run_curve
from vectorfind.runs.report import write_report
from vectorfind.runs.test import run_test

LAYERS = tuple(ToyGenerator.layers)


class MeansField(GroupField):
    kind = "toy means"

    def fits(self):
        return (Fit("all", "spread", 0.25),)

    def curve_column(self, name):
        return f"toy_{name}_spread", 0.25


class Means(Method):
    """From the mean vector of the lower half of the scores to that of the upper half."""

    name, title, label = "means", "Difference of means", "difference of means"
    sentence = "The difference of the mean vectors of the upper and the lower half of the scores."
    fields = (MeansField,)

    def fit(self, task):
        rows = np.concatenate([*task.members.values()])
        vectors = task.samples.vectors(task.settings.layer, rows)
        fields = {}
        for name in task.properties:
            upper = task.scores(name)[rows] > np.median(task.scores(name)[rows])
            way = vectors[upper].mean(axis=0) - vectors[~upper].mean(axis=0)
            fields[name] = MeansField(np.array(["all"]), (way / np.linalg.norm(way))[None])
        return fields


@pytest.fixture
def toy():
    yield register(Means())
    unregister("means")


def networks():
    """The scorer reads two properties, so that directions are found for these, in one group."""
    return ToyGenerator(), ToyScorer(properties=("eyes", "pose"))


def find(**options):
    return vectorfind.find_directions(
        **{"n": 600, "method": "means", "group_by": (), "workers": 1, "quiet": True} | options,
        generator=ToyGenerator(), scorer=ToyScorer(),
    )  # fmt: skip


def test_a_registered_method_finds_saves_loads_and_is_tested(toy, tmp_path):
    directions = find(n=2000)
    truth = ToyGenerator().truth("mapping_split2")
    for name, field in directions.fields.items():
        assert field.directions[0] @ truth[directions.scored.index(name)] > 0.8
    assert directions.fits()[0] == ("eyes", "means", "all", "spread", 0.25)
    assert vectorfind.evaluate(directions, cases=4, quiet=True).statistics.passed[0] == 4
    directions.save(tmp_path / "d.npz")
    loaded = vectorfind.load_directions(tmp_path / "d.npz", ToyGenerator(), ToyScorer())
    assert isinstance(loaded.fields["pose"], MeansField)
    assert np.array_equal(loaded.boundaries().vectors, directions.boundaries().vectors)


def test_a_registered_method_runs_test_report_compare_and_curve(toy, tmp_path):
    settings, test = FindSettings(n=300, workers=1), EvaluateSettings(cases=3, bootstrap=50)
    for method in ("means", "svm"):
        find = replace(settings, method=method)
        with undrawn():
            run_test(find, test, tmp_path / method, *networks(), quiet=True)
    fits = pd.read_csv(tmp_path / "means" / "fits.csv")
    assert set(fits.fit) == {"means"}
    assert "Difference of means directions" in (tmp_path / "means" / "report.html").read_text()
    write_report(tmp_path / "means", tmp_path / "report", ())
    compare_runs(tmp_path / "means", tmp_path / "svm", tmp_path / "compared")
    methods = ("means", "eyes=means,pose=svm")
    curve = CurveSettings((300,), methods, ("w",), cases=3, control_cases=2, workers=1)
    run_curve(curve, tmp_path / "curve", *networks(), quiet=True)
    table = pd.read_csv(tmp_path / "curve" / "n_curve.csv")
    assert table.method.tolist() == list(methods)
    assert table.toy_eyes_spread.tolist() == [0.25, 0.25]
    assert np.isfinite(table.svm_pose_acc).tolist() == [False, True]


def test_the_command_line_knows_it_too(toy, tmp_path, monkeypatch):
    generator, scorer = networks()
    undraw(monkeypatch)
    monkeypatch.setattr(pair, "resolve_generator", lambda given, *args, **how: generator)
    monkeypatch.setattr(pair, "resolve_scorer", lambda given, *args: scorer)

    def run(*words):
        result = CliRunner().invoke(main, [str(word) for word in words])
        assert result.exit_code == 0, result.output
        return result.output

    quick = ("-n", 300, "--workers", 1, "--quiet")
    small = (*quick, "--properties", "eyes,pose", "--group-by", "", "--method")
    assert "means" in run("find", "--help")
    assert "eyes: spread 0.250" in run("find", *small, "means", "--out", tmp_path / "d.npz")
    for method, out in (("means", "a"), ("eyes=means,pose=svm", "b")):
        run("test", *small, method, "--cases", 3, "--out", tmp_path / out)
    assert set(pd.read_csv(tmp_path / "b" / "fits.csv").fit) == {"means", "svm"}
    run("report", tmp_path / "b", "--out", tmp_path / "report")
    run("compare", tmp_path / "a", tmp_path / "b")
    options = ("--layers", "w", "--cases", 3, "--out", tmp_path / "curve")
    run("curve", *quick, "--methods", "means", *options)


def test_once_it_is_gone_its_name_and_files_are_unknown(toy, tmp_path):
    find().save(tmp_path / "d.npz")
    unregister("means")
    try:
        with pytest.raises(InputError, match="unknown method 'means'; choose one of svm, gra"):
            find()
        with pytest.raises(CheckpointError, match="unknown method 'means'"):
            vectorfind.load_directions(tmp_path / "d.npz", ToyGenerator(), ToyScorer())
    finally:
        register(toy)


def test_what_cannot_be_registered_is_told(toy):
    with pytest.raises(InputError, match="there is a method 'means' already"):
        register(Means())
    for name in ("", "a=b", "a,b", "a/b"):
        method = Means()
        method.name = name
        with pytest.raises(InputError, match="a name has no spaces, commas, = or slashes"):
            register(method)
    other = Means()
    other.name, other.fields = "other", (type("Own", (GroupField,), {"kind": "svm"}),)
    with pytest.raises(InputError, match="fields of the kind 'svm' already"):
        register(other)
    with pytest.raises(TypeError):
        METHODS["more"] = toy


def test_mixed_is_a_composition_with_a_name(found, models, samples):
    text = "eyes=gradient,mouth=svm,pose=svm"
    composed = fit_samples(models, samples, replace(SETTINGS, method=text))
    mixed = found("mixed")
    vectors = np.ones((2, 16), np.float32)
    assert np.array_equal(
        composed.vectors(vectors, mixed.groups[:2]), mixed.vectors(vectors, mixed.groups[:2])
    )
    assert composed.fits() == mixed.fits()
    assert composed.strengths == mixed.strengths
    assert [mixed.method_of(name).name for name in mixed.properties] == ["gradient", "svm", "svm"]


def test_methods_can_be_given_by_property(tmp_path):
    directions = find(method={"eyes": "svm", "pose": "svm"}, properties=("eyes", "pose"))
    assert directions.method == "eyes=svm,pose=svm"
    directions.save(tmp_path / "d.npz")
    loaded = vectorfind.load_directions(tmp_path / "d.npz", ToyGenerator(), ToyScorer())
    assert loaded.fits() == directions.fits()


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (
            "lda",
            "unknown method 'lda'; choose one of svm, gradient, mixed, decoupled, .*, stylespace$",
        ),
        (
            "imported",
            "unknown method 'imported'; choose one of svm, gradient, mixed, decoupled, ridge",
        ),
        ("eyes=lda", "unknown method of eyes 'lda'; choose one of svm, gradient, mixed"),
        ("eyes=svm", "names none for mouth, pose; add mouth=METHOD,pose=METHOD to it"),
        ("eyes=svm,mouth=svm,pose=svm,smile=svm", "names smile, but .* found for eyes, mouth, p"),
        ("eyes=svm,eyes=svm", "no list PROPERTY=METHOD"),
        ("eyes=svm,pose", "no list PROPERTY=METHOD|unknown method of pose ''"),
    ],
)
def test_methods_that_there_are_not_are_told(method, message):
    with pytest.raises(InputError, match=message):
        check_settings(FindSettings(method=method))


@pytest.mark.parametrize(
    ("method", "layers", "layer"),
    [
        ("svm", LAYERS, "mapping_split2"),
        ("mixed", LAYERS, "mapping_split1"),
        ("svm", ("z", "w", "late"), "w"),
        ("mixed", ("early", "late"), "late"),
    ],
)
def test_a_layer_left_open_is_the_methods_or_one_that_there_is(method, layers, layer):
    settings = FindSettings(method=method, properties=("yaw",), group_by=())
    assert complete_settings(settings, layers, ("yaw",)).layer == layer


@pytest.mark.parametrize(
    ("given", "layers", "units"),
    [
        (None, LAYERS, "raw"),
        (None, ("z", "w", "w+"), "sigma"),
        ("sigma", LAYERS, "sigma"),
        ("raw", ("z", "w"), "raw"),
    ],
)
def test_units_left_open_are_raw_for_the_reference_systems_layers_alone(given, layers, units):
    settings = FindSettings(properties=("yaw",), group_by=(), units=given)
    assert complete_settings(settings, layers, ("yaw",)).units == units


def test_strengths_are_those_of_each_propertys_method():
    assert default_strengths("svm", ("pose",))["pose"] == (-1.8, -1.2, -0.6, 0.0, 0.6)
    assert default_strengths("gradient", ("pose",))["pose"] == (-1.4, -0.7, 0.0, 0.7, 1.4)
    assert default_strengths("mixed", ("mouth",))["mouth"] == (-1.8, -0.9, 0.0, 0.9, 1.8)
    composed = default_strengths("mouth=gradient,pose=svm,smile=svm", ("mouth", "pose", "smile"))
    assert composed == {
        "mouth": (-1.6, -0.8, 0.0, 0.8, 1.6),
        "pose": (-1.8, -1.2, -0.6, 0.0, 0.6),
        "smile": (-1.2, 0.0, 1.2),
    }


def test_heads_of_one_network_are_stored_and_evaluated_once(models, samples, tmp_path, monkeypatch):
    gradient = replace(SETTINGS.gradient, shared=True, max_epochs=1)
    settings = replace(SETTINGS, method="gradient", gradient=gradient)
    directions = fit_samples(models, samples, settings)
    directions.save(tmp_path / "d.npz")
    loaded = vectorfind.load_directions(tmp_path / "d.npz", ToyGenerator(), ToyScorer())
    [network] = {id(field.network): field.network for field in loaded.fields.values()}.values()
    calls, real = [], type(network).directions
    monkeypatch.setattr(type(network), "directions", lambda *args: calls.append(1) or real(*args))
    vectors, groups = np.ones((3, 16), np.float32), np.full(3, "hh")
    assert np.array_equal(loaded.vectors(vectors, groups), directions.vectors(vectors, groups))
    assert len(calls) == 2
    alone = [loaded.fields[name].at(vectors, groups) for name in loaded.properties]
    assert np.array_equal(np.stack(alone, axis=1), directions.vectors(vectors, groups))


def test_nothing_but_the_methods_knows_one_by_name():
    excepted = {
        "bench",  # chooses those that it compares with the reference system
        "config.py",  # the default method and methods, and the name of a field
        "methods",
    }
    formats = [("cli/directions.py", "interfacegan")]  # of files; a method has the name as well
    root, literals = Path(vectorfind.__file__).parent, []
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root)
        if place.parts[0] not in excepted:
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            texts = [node.value for node in nodes if isinstance(node, ast.Constant)]
            literals += [(str(place), text) for text in texts if text in [*METHODS]]
    assert literals == formats


def test_a_composition_is_the_method_of_each_property():
    method = method_named("eyes = gradient, mouth=svm")
    assert (method.of("eyes").name, method.of("mouth").name) == ("gradient", "svm")
    assert method.title == "Eyes by gradient, mouth by SVM"
    assert method.parts(FindSettings(), ("eyes", "mouth")) == (("eyes",),)
    assert set(method.needs) == {"scores", "groups"}
