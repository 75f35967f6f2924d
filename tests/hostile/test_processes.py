"""Trials of processes compare folders and ends: what they pass over, and what they must not."""

import json

import pytest

from tests.hostile.processes import RUNS, Ended, command, differences
from tests.test_docs import parse


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


def test_only_seconds_and_locks_may_differ(folders):
    assert differences(*folders) == []


def test_every_other_difference_is_told(folders):
    whole, other = folders
    (other / "n_curve.csv").write_text("n,time,corr\n8,1.5,0.8\n")
    (other / "cells" / "row.json").unlink()
    (other / ".partial-report").write_text("half")
    assert differences(whole, other) == [
        "cells/row.json is missing",
        ".partial-report is left over",
        "n_curve.csv differs",
    ]


@pytest.mark.parametrize(
    ("ended", "fault"),
    [
        (Ended(0, ""), ""),
        (Ended(2, "Error: no space\n"), ""),
        (Ended(2, ""), "0 lines"),
        (Ended(2, "Error: no\nspace\n"), "2 lines"),
        (Ended(2, "Traceback (most recent call last)\n"), "a traceback"),
        (Ended(1, "Traceback\n"), "exit code 1"),
    ],
)
def test_an_end_is_one_line(ended, fault):
    assert ended.fault((0, 2)).startswith(fault)
    assert bool(ended.fault((0, 2))) is bool(fault)


@pytest.mark.parametrize("kind", RUNS)
def test_commands_of_trials_parse(kind, tmp_path):
    words = command(kind, tmp_path / "out", tmp_path / "data")
    assert parse(["vectorfind", *words[3:]])["quiet"]
