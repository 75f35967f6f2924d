"""The page on fine-tuning runs: it holds all runs and says plainly what they show."""

import pandas as pd
import pytest

from reports.analysis.finetune import gain_table, verdict_table
from reports.pages.finetune import Findings, RunShown, finetune_page, verdict_lines
from reports.pages.html import build_page
from reports.plots.finetune import finetune_figures
from reports.plots.style import Plot
from tests.reports.finetune_logs import concept_log, labelled_log, run_log
from tests.sketches import PNG, sketched

V5 = [
    run_log("v5-1", labelled_log(eyes=0.05, mouth=0.3, pose=0.1)),
    run_log("v5-3", labelled_log(eyes=0.02, mouth=0.5, pose=0.9)),
]
V9 = run_log("v9", concept_log())
DIRECTIONS = {"eyes": 0.99, "mouth": 0.93, "pose": 0.98}
ATTRIBUTE_SHARES = {f"{name}_share": 0.5 for name in ("gender", "quality", "age", "glasses")}
CONCEPT = pd.DataFrame(
    [
        {"run": "v9", "generator": which, "n": 200, "passed": passed, "share": passed / 200}
        | {"share_low": 0.04, "share_high": 0.6, "eyes_std": std}
        | ATTRIBUTE_SHARES
        for which, passed, std in (("base", 10, 1.0), ("run", 84, 0.9))
    ]
)
NOTHING = pd.DataFrame()


def page_of(logs, findings):
    figures = finetune_figures(logs, {"gender": 0.92}, findings.directions)
    shown = [RunShown(log, {"lr": "0.001"}, (), f"vectorfind finetune {log.name}") for log in logs]
    return build_page(finetune_page(shown, findings, figures, {"torch": "2"}))


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are a pixel each; how they look is for `tests/reports/plots`."""
    monkeypatch.setattr("reports.plots.finetune.both_widths", lambda draw: Plot(PNG))
    monkeypatch.setattr("reports.plots.finetune.figure_png", lambda figure: PNG)


def test_labels_are_judged_beside_directions(undrawn):
    findings = Findings(verdict_table(V5, DIRECTIONS), NOTHING, NOTHING, DIRECTIONS)
    assert verdict_lines(findings) == [
        "Best of 2 runs: eyes not learned (0.05), mouth partly learned (0.50), "
        "pose learned (0.90); direction finding: eyes 0.99, mouth 0.93, pose 0.98."
    ]
    text = page_of(V5, findings)
    assert "<h1>Labels: eyes not learned, mouth partly learned, pose learned.</h1>" in text
    assert "Of 6 labels in 2 runs: 1 learned, 1 partly, 1 hardly, 3 not." in text
    for piece in ("v5-1", "v5-3", "directions’ corr", "not learned (lowest)", "0.001"):
        assert piece in text
    assert "vectorfind finetune v5-1\nvectorfind finetune v5-3" in text


def test_the_concept_is_judged_against_the_base(undrawn):
    gain = gain_table(CONCEPT, ("eyes",), ["v9"])
    findings = Findings(NOTHING, CONCEPT, gain)
    assert verdict_lines(findings) == [
        "v9: 42.0\u00a0% of the samples pass the filter, 5.0\u00a0% of the base’s (8.4 ×), least "
        "diversity 0.90: goals met."
    ]
    text = page_of([V9], findings)
    assert "<h1>v9: 42.0\u00a0% pass the filter, 8.4 × the base’s.</h1>" in text
    for piece in ("84 of 200", "8.4 ×", "eyes diversity", "How to read this page"):
        assert piece in text


def test_runs_of_all_kinds_share_a_page():
    logs = [*V5, V9]
    findings = Findings(verdict_table(logs), CONCEPT, gain_table(CONCEPT, ("eyes",), ["v9"]))
    with sketched():
        text = page_of(logs, findings)
    assert all(f"vectorfind finetune {log.name}" in text for log in logs)


@pytest.mark.parametrize("notes", [(), ("v1 has no generator yet.",)])
def test_runs_without_any_measure_have_a_page(undrawn, notes):
    plain = V9.table.drop(columns=["gender", "quality", "age", "glasses"])
    log = type(V9)("v1", "v1", plain)
    text = page_of([log], Findings(NOTHING, NOTHING, NOTHING, notes=notes))
    assert "<h1>Fine-tuning: 1 run.</h1>" in text
    assert ("v1 has no generator yet." in text) == bool(notes)
