"""Own networks by name: found in the current folder, made where they are classes, errors short."""

import os

import pytest

import vectorfind
from property_cnn.common.errors import InputError
from tests.vectorfind.conftest import ToyGenerator
from vectorfind.models.objects import is_object_name, named_object
from vectorfind.models.protocols import resolve_scorer
from vectorfind.models.scorers import scored_by

MODULE = """
class Brightness:
    properties, digest = ("bright",), "brightness-1"

    def __call__(self, images):
        return images.mean(dim=(1, 2, 3), keepdim=False)[:, None]

whole = Brightness()

def broken():
    raise RuntimeError("no such camera")

import torch
colours = None
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    name = f"own_{os.urandom(4).hex()}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return name


@pytest.mark.parametrize("attribute", ["Brightness", "whole"])
def test_a_class_is_made_and_an_object_is_taken(module, attribute):
    scorer = resolve_scorer(f"{module}:{attribute}")
    assert scorer.properties == scored_by(f"{module}:{attribute}") == ("bright",)
    assert scorer is resolve_scorer(f"{module}:{attribute}")


def test_paths_are_no_names_of_objects(module, tmp_path):
    assert is_object_name("a.b:C")
    for given in ("file.pt", "default", "C:\\file.pt", tmp_path, f"./{module}:C", "a:b.c"):
        assert not is_object_name(given)
    (tmp_path / "a:C").write_text("")
    assert not is_object_name("a:C")  # a file of that name comes first


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere_to_be_found:C", "no module nowhere_to_be_found in"),
        ("MODULE:Nothing", "has no Nothing; give MODULE:OBJECT"),
        ("MODULE:broken", "fails: RuntimeError: no such camera"),
        ("MODULE:colours", "fails: TypeError"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(module, name, message):
    with pytest.raises(InputError, match=message) as caught:
        named_object(name.replace("MODULE", module))
    assert "\n" not in str(caught.value)


def test_a_run_with_an_own_scorer(module, tmp_path):
    find = vectorfind.FindSettings(n=200, layer="w", group_by=(), workers=1)
    test = vectorfind.EvaluateSettings(cases=3, control_cases=0, bootstrap=50)
    report = vectorfind.run_test(
        find, test, tmp_path / "out", ToyGenerator(), f"{module}:Brightness", quiet=True
    )
    assert "bright" in report.lines[1]
