"""The benchmark of kills compares folders: what it passes over, and what it must not."""

import importlib.util
import json

import pytest

from tests.test_imports import ROOT


@pytest.fixture(scope="module")
def resume():
    path = ROOT / "examples" / "benchmark_resume.py"
    spec = importlib.util.spec_from_file_location("benchmark_resume", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folders(tmp_path):
    for name in ("whole", "other"):
        inner = tmp_path / name / "cells"
        inner.mkdir(parents=True)
        (inner / "row.json").write_text("{}")
        (tmp_path / name / "timings.json").write_text(name)
        (tmp_path / name / ".lock").write_text(name)
        files = {"timings.json": name, "cells/row.json": "0"}
        (tmp_path / name / "files.json").write_text(json.dumps({"files": files, "checksum": name}))
        seconds = len(name)
        (tmp_path / name / "n_curve.csv").write_text(f"n,time,corr\n8,{seconds}.5,0.9\n")
    return tmp_path / "whole", tmp_path / "other"


def test_only_seconds_and_locks_may_differ(resume, folders):
    assert resume.differences(*folders) == []


def test_every_other_difference_is_told(resume, folders):
    whole, other = folders
    (other / "n_curve.csv").write_text("n,time,corr\n8,1.5,0.8\n")
    (other / "cells" / "row.json").unlink()
    (other / ".partial-report").write_text("half")
    assert resume.differences(whole, other) == [
        "cells/row.json is missing",
        ".partial-report is left over",
        "n_curve.csv differs",
    ]
