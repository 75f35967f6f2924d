"""The plots of fine-tuning runs: panels, lines and levels are read off the axes."""

import numpy as np
import pytest

from reports.plots.finetune import (
    concept_curves,
    finetune_figures,
    label_curve,
    label_curves,
    training_curves,
)
from reports.plots.style import figure_png
from tests.reports.finetune_logs import concept_log, labelled_log, run_log

V5 = [
    run_log(name, labelled_log(eyes=0.1, mouth=0.2, pose=0.3)) for name in ("v5-1", "v5-2", "v5-3")
]
V9 = run_log("v9", concept_log())
DIRECTIONS = {"eyes": 0.99, "mouth": 0.93, "pose": 0.98}


def colours(axes):
    return [line.get_color() for line in axes.lines if line.get_zorder() == 4]


def test_labels_make_six_panels_with_a_line_a_run():
    figure = label_curves([*V5, V9], DIRECTIONS)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == [
        f"{name}: {what}" for what in ("corr-coef", "error") for name in ("eyes", "mouth", "pose")
    ]
    assert all(len(colours(axes)) == 3 for axes in figure.axes)
    mouth = [line for line in figure.axes[1].lines if line.get_zorder() == 4]
    np.testing.assert_allclose(mouth[2].get_ydata(), 0.2)
    assert mouth[2].get_xdata()[-1] == 200
    assert figure.axes[1].lines[0].get_ydata()[0] == 0.93
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["v5-1", "v5-2", "v5-3", "direction finding"]
    assert len({axes.get_ylim() for axes in figure.axes[:3]}) == 1


def test_a_run_looks_the_same_in_every_plot():
    runs = [*V5, V9]
    everywhere = colours(training_curves(runs).axes[0])
    assert colours(concept_curves(runs, {}).axes[0]) == everywhere[3:]
    assert colours(label_curve(runs, "eyes", "mae").axes[0]) == everywhere[:3]


def test_thresholds_and_fake_scores_are_told_apart():
    figure = concept_curves([V9], {"gender": 0.92, "age": 0.008})
    remarks = [axes.get_title(loc="right") for axes in figure.axes]
    assert remarks == ["≥ 0.92 passes", "", "≤ 0.008 passes", ""]
    real, fake = training_curves([V9]).axes[3].lines
    assert real.get_linestyle() == "-"
    assert fake.get_linestyle() == "--"


def test_long_logs_are_drawn_twice_and_their_mean_is_smoother():
    noise = np.random.default_rng(0).normal(size=201) * 0.1
    run = run_log("v5-1", labelled_log(200, eyes=np.clip(noise, -1, 1)))
    raw, smooth = label_curve([run], "eyes", "corr").axes[0].lines
    assert np.std(smooth.get_ydata()) < 0.6 * np.std(raw.get_ydata())


def test_one_row_is_a_point_and_undefined_ones_break_nothing():
    run = run_log("v5-1", labelled_log(0, eyes=np.nan, mouth=0.1))
    figures = finetune_figures([run], {})
    assert set(figures) == {"labels", "eyes_corr", "eyes_mae", "mouth_corr", "mouth_mae"} | {
        "training"
    }
    assert all(plot.wide.startswith(b"\x89PNG") for plot in figures.values())
    assert label_curve([run], "mouth", "corr").axes[0].lines[0].get_marker() == "o"


def test_same_logs_give_the_same_bytes():
    assert figure_png(label_curves(V5, DIRECTIONS, 1)) == figure_png(
        label_curves(V5, DIRECTIONS, 1)
    )


def test_no_labels_no_plot():
    with pytest.raises(ValueError, match="no run"):
        label_curves([V9])
