"""The n-curves: lines, legend, ticks and intervals are read off the axes."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection

from reports.analysis.findings import seven_findings
from reports.plots import curves
from reports.plots.style import figure_png
from tests.reports.reference import reference_curves


def table_of(methods=("svm", "gradient"), layers=("mapping_split1", "w"), intervals=False):
    rows = [
        {"method": method, "layer": layer, "n": n, "eyes_mean_corr": 0.9, "sum_mean_corr": 0.9}
        for method in methods
        for layer in layers
        for n in (1000, 20000, 160000)
    ]
    table = pd.DataFrame(rows)
    if intervals:
        table["eyes_mean_corr_low"], table["eyes_mean_corr_high"] = 0.85, 0.92
    return table


def legend_of(figure):
    return [text.get_text() for text in figure.legends[0].get_texts() if text.get_text().strip()]


@pytest.mark.parametrize("narrow", [False, True])
def test_each_line_and_each_overlaid_one_is_drawn_and_named(narrow):
    figure = curves.n_curves(table_of(), "eyes", reference_curves(), narrow)
    names = legend_of(figure)
    assert names[:2] == ["svm / mapping_split1", "svm / w"]
    assert names[4:6] == ["svm / mapping_split1, overlay", "svm / mapping_split2, overlay"]
    assert names[-1] == "mixed / mapping_split1, overlay"
    assert len(names) == 4 + 7
    assert len(figure.axes[0].lines) == 4 + 7


def test_ticks_stand_at_the_n_and_are_written_short():
    panel = curves.n_curves(table_of(), "sum").axes[0]
    assert panel.get_xscale() == "log"
    labels = [curves.n_text(n) for n in panel.xaxis.get_major_locator().locs]
    assert labels == ["1K", "20K", "160K"]
    assert panel.get_ylabel() == "sum of the mean corr-coefs"


@pytest.mark.parametrize(
    ("n", "text"), [(320, "320"), (1000, "1K"), (1500, "1.5K"), (160000, "160K"), (10**6, "1M")]
)
def test_numbers_of_samples_are_written_short(n, text):
    assert curves.n_text(n) == text


def test_a_line_looks_the_same_in_every_plot_and_like_no_other():
    many = legend_looks(curves.lines_of(reference_curves()))
    one = legend_looks([("gradient", "w")])
    assert len(set(many.values())) == len(many) == 7
    assert one["gradient / w"] == many["gradient / w"]
    assert {look[1] for name, look in many.items() if name.endswith("/ w")} == {"^"}


def legend_looks(lines):
    own, _ = curves.legend_handles(lines, [])
    return {handle.get_label(): (handle.get_color(), handle.get_marker()) for handle in own}


def test_unknown_methods_and_layers_have_looks_too():
    looks = legend_looks([("svm", "w"), ("pca", "w"), ("pca", "z"), ("ica", "z")])
    assert len(set(looks.values())) == 4


def test_intervals_are_drawn_where_there_are_some_and_set_apart():
    plain = curves.n_curves(table_of(), "eyes").axes[0]
    assert not [item for item in plain.collections if isinstance(item, LineCollection)]
    panel = curves.n_curves(table_of(intervals=True), "eyes").axes[0]
    bars = [item for item in panel.collections if isinstance(item, LineCollection)]
    assert len(bars) == 4
    assert np.array(bars[0].get_segments())[0][:, 1].tolist() == [0.85, 0.92]
    firsts = [line.get_xdata()[0] for line in panel.lines]
    assert len({round(x, 6) for x in firsts}) == 4
    assert max(firsts) / min(firsts) < 1.15


def test_lines_squeezed_by_the_overlay_are_shown_closer():
    own = reference_curves()
    assert len(curves.n_curves(own, "eyes", own).axes) == 1
    assert len(curves.n_curves(table_of(), "eyes", own).axes) == 2


def test_a_missing_property_is_refused():
    with pytest.raises(ValueError, match="lacks nose_mean_corr; it has method"):
        curves.n_curves(table_of(), "nose")


@pytest.mark.parametrize("narrow", [False, True])
def test_a_findings_plot_shows_only_what_it_speaks_of(narrow):
    table = reference_curves()
    findings = seven_findings(table)
    figure = curves.finding_figure(table, findings[5], None, narrow)
    assert legend_of(figure) == ["gradient / mapping_split2"]
    figure = curves.finding_figure(table, findings[1], table, narrow)
    titles = {axes.get_title(loc="left") for axes in figure.axes}
    assert titles == {"mouth", "pose", "mouth, overlay", "pose, overlay"}
    assert len(legend_of(figure)) == 12
    assert not any("mixed" in name for name in legend_of(figure))


def test_a_finding_without_its_lines_is_refused():
    finding = seven_findings(reference_curves())[0]
    with pytest.raises(ValueError, match="no line of gradient, svm for eyes"):
        curves.finding_figure(table_of(methods=("mixed",)), finding)


def test_same_curves_give_same_bytes():
    first, second = (figure_png(curves.n_curves(table_of(), "eyes")) for _ in range(2))
    assert first == second
