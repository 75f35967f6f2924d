"""Every method of finding directions on one generator, from the same samples, on the same cases.

    python examples/methods.py base methods 8000 100

The generator's name or file, a folder, the number of samples and of cases. All directions live at
w and have strengths in standard deviations of the score, so that a strength asks the same change of
each; `decoupled-keep` also leaves all other scores alone. A run's folder a method, and a page that
compares them with the first, SVM: `comparison/report.html` in the folder. It goes on where it was
stopped.
"""

from __future__ import annotations

import sys
from pathlib import Path

from vectorfind.config import EvaluateSettings, FindSettings
from vectorfind.models.scorers import scored_by
from vectorfind.runs.comparison import compare_several
from vectorfind.runs.test import run_test

METHODS = ("svm", "gradient", "ridge", "logistic", "interfacegan", "pca", "sefa", "decoupled")
STRENGTHS = {"eyes": (-1.0, 1.0), "mouth": (-1.5, -0.75, 0.0, 0.75, 1.5)}
TURN = (-1.0, -0.5, 0.0, 0.5, 1.0)


def main(generator: str, out: Path, n: int = 8000, cases: int = 100) -> None:
    photographs = generator == "mobilestylegan"
    scorer, turn = ("landmarks", "yaw") if photographs else ("default", "pose")
    properties = ("eyes", "mouth", turn)
    aliases = {"left_eye", "right_eye", "pose", "yaw", "roll", *properties}
    others = tuple(name for name in scored_by(scorer) if name not in aliases)
    runs = {name: (name, ()) for name in METHODS} | {"decoupled-keep": ("decoupled", others)}
    test = EvaluateSettings(cases, strengths={**STRENGTHS, turn: TURN}, control_cases=0)
    for name, (method, keep) in runs.items():
        find = FindSettings(
            n, "w", method, properties, (), units="sigma", keep=keep, strengths=test.strengths,
            size=256 if photographs else None,
        )  # fmt: skip
        report = run_test(find, test, out / name, generator, scorer, store=out / "samples")
        print(f"{name}: {report.lines[0]}", flush=True)
    report = compare_several([out / name for name in runs], out / "comparison")
    print(*report.lines, f"report: {report.page}", sep="\n")


if __name__ == "__main__":
    given = sys.argv[1:]
    main(given[0], Path(given[1]), *map(int, given[2:4]))
