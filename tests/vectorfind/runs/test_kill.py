"""A run that is killed outright, again and again, ends in the same bytes as one left in peace."""

import signal
import subprocess
import sys
import time

from tests.test_imports import ROOT
from tests.vectorfind.planted import PlantedGenerator, PlantedScorer
from tests.vectorfind.runs.test_test import contents
from vectorfind.config import EvaluateSettings, FindSettings, GradientSettings
from vectorfind.runs.test import run_test

FIND = FindSettings(
    n=1200,
    method="mixed",
    group_by=("hair_color",),
    workers=1,
    gradient=GradientSettings(max_epochs=5),
)
TEST = EvaluateSettings(cases=24, control_cases=8, bootstrap=50)
KILLS = 3


class SlowScorer(PlantedScorer):
    """Leaves time to be killed in."""

    def __call__(self, images):
        time.sleep(0.005)
        return super().__call__(images)


def run(out):
    run_test(FIND, TEST, out, PlantedGenerator(), SlowScorer(), quiet=True)


def test_kills_change_no_byte(tmp_path):
    run(tmp_path / "whole")
    code = "import sys; from tests.vectorfind.runs.test_kill import run; run(sys.argv[1])"
    folder, kills = tmp_path / "killed", 0
    moments = [0.05, 0.5, 0.2]
    while kills < 30:
        process = subprocess.Popen([sys.executable, "-c", code, str(folder)], cwd=ROOT)
        seen = _files(folder)
        while process.poll() is None and _files(folder) == seen:
            time.sleep(0.01)  # until it has left something new
        time.sleep(moments[kills % len(moments)])
        process.send_signal(signal.SIGKILL)
        if process.wait() == 0:
            break
        kills += 1
        if kills >= KILLS:
            run(folder)
            break
    assert kills >= 1
    first, second = contents(tmp_path / "whole"), contents(folder)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def _files(folder):
    return {(path, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}
