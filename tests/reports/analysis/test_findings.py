"""The seven findings: the reference's own curves bear them out, planted ones do or do not."""

import numpy as np
import pandas as pd
import pytest

from reports.analysis.findings import change_of, findings_table, seven_findings
from tests.reports.reference import reference_curves

LAYERS = ("mapping_split1", "mapping_split2", "w")
N = (1000, 4000, 16000)


def planted(means, half=None):
    """Curves of three n: means[method, property] are the values at them, at every layer."""
    rows = []
    for method in ("svm", "gradient"):
        for layer in LAYERS:
            for index, n in enumerate(N):
                row = {"method": method, "layer": layer, "n": n}
                for name in ("eyes", "mouth", "pose"):
                    mean = means[method, name][index]
                    row[f"{name}_mean_corr"] = mean
                    if half is not None:
                        row[f"{name}_mean_corr_low"] = mean - half
                        row[f"{name}_mean_corr_high"] = mean + half
                rows.append(row)
    return pd.DataFrame(rows)


AS_FOUND = {
    ("svm", "eyes"): (0.80, 0.83, 0.86),
    ("svm", "mouth"): (0.80, 0.83, 0.86),
    ("svm", "pose"): (0.90, 0.90, 0.90),
    ("gradient", "eyes"): (0.94, 0.94, 0.94),
    ("gradient", "mouth"): (0.78, 0.75, 0.72),
    ("gradient", "pose"): (0.80, 0.70, 0.60),
}


def verdicts(table):
    return [finding.holds for finding in seven_findings(table)]


def test_the_references_own_curves_bear_out_all_but_the_last():
    findings = seven_findings(reference_curves())
    assert [finding.holds for finding in findings] == ["holds"] * 6 + ["partly"]
    assert "14 of 14" in findings[0].evidence
    assert "mouth / mapping_split1 change −0.075 (0.820 to 0.776)" in findings[4].evidence
    assert "change −0.342 (0.731 to 0.455)" in findings[5].evidence
    assert "21 of 36" in findings[6].evidence


def test_planted_findings_hold_and_their_opposites_do_not():
    assert verdicts(planted(AS_FOUND)) == ["holds"] * 7
    swapped = {
        (other, name): AS_FOUND[method, name]
        for method, other in (("svm", "gradient"), ("gradient", "svm"))
        for name in ("eyes", "mouth", "pose")
    }
    assert verdicts(planted(swapped)) == ["does not hold"] * 6 + ["holds"]


def test_what_lies_within_the_intervals_does_not_count():
    wide = verdicts(planted(AS_FOUND, half=0.5))
    assert wide[:3] == ["does not hold"] * 3  # neither method is clearly higher, nothing rises
    assert wide[3] == "holds"
    assert verdicts(planted(AS_FOUND, half=0.001)) == ["holds"] * 7


def test_a_steep_fall_is_not_slight():
    steep = AS_FOUND | {("gradient", "mouth"): (0.9, 0.7, 0.5)}
    assert verdicts(planted(steep))[4] == "does not hold"


def test_layers_that_differ_matter():
    table = planted(AS_FOUND)
    table.loc[table["layer"] == "w", ["eyes_mean_corr", "mouth_mean_corr", "pose_mean_corr"]] -= 0.2
    assert verdicts(table)[6] == "does not hold"


def test_two_layers_of_three_hold_partly():
    table = planted(AS_FOUND)
    falling = (table["method"] == "svm") & (table["layer"] == "w")
    table.loc[falling, ["eyes_mean_corr", "mouth_mean_corr"]] = 0.8
    assert verdicts(table)[2] == "partly"


def test_what_the_table_lacks_is_not_measured():
    table = planted(AS_FOUND)
    one = table[(table["method"] == "svm") & (table["layer"] == "w") & (table["n"] == 1000)]
    assert verdicts(one) == ["not measured"] * 7
    eyes_only = table.drop(columns=["mouth_mean_corr", "pose_mean_corr"])
    assert verdicts(eyes_only)[:2] == ["holds", "not measured"]


def test_change_is_the_fitted_line_with_its_propagated_interval():
    table = planted(AS_FOUND, half=0.01)
    rows = table[(table["method"] == "svm") & (table["layer"] == "w")]
    change = change_of(rows, "eyes")
    assert change.fitted == pytest.approx(0.06)  # a straight line on log n
    assert change.margin == pytest.approx(0.01 * np.sqrt(2))  # only the two ends weigh
    assert change.interval
    assert change.rises
    assert not change.falls
    assert change_of(rows.iloc[:1], "eyes") is None


def test_findings_as_a_table():
    frame = findings_table(seven_findings(planted(AS_FOUND)))
    assert list(frame.columns) == ["finding", "holds", "evidence"]
    assert len(frame) == 7


def test_the_turn_of_photographs_is_called_yaw():
    table = planted(AS_FOUND)
    yaw = table.rename(columns=lambda name: name.replace("pose_", "yaw_"))
    for one, other in zip(seven_findings(table), seven_findings(yaw), strict=True):
        assert other.title == one.title.replace("pose", "yaw")
        assert (other.holds, other.evidence) == (one.holds, one.evidence.replace("pose", "yaw"))
