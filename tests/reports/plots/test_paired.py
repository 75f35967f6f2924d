"""The plot of differences: a row a measure, coloured where its interval leaves out 0."""

import numpy as np
import pandas as pd
import pytest

from reports.plots.paired import paired_differences
from reports.plots.style import COLOURS, MUTED

TABLE = pd.DataFrame(
    {
        "measure": ["eyes_corr", "mouth_corr", "pose_corr", "own_corr"],
        "difference": [0.1, -0.1, 0.01, np.nan],
        "low": [0.05, -0.2, -0.05, np.nan],
        "high": [0.2, -0.05, 0.05, np.nan],
    }
)


@pytest.mark.parametrize("narrow", [False, True])
def test_clear_differences_are_coloured(narrow):
    panel = paired_differences(TABLE, ("svm", "gradient"), narrow).axes[0]
    labels = [label.get_text() for label in panel.get_yticklabels()]
    assert labels == ["eyes corr", "mouth corr", "pose corr", "own corr"]
    points = [line for line in panel.lines if line.get_marker() == "o"]
    assert [point.get_color() for point in points] == [COLOURS[0], COLOURS[1], MUTED]
    texts = [text.get_text() for text in panel.texts]
    assert {"+0.100", "−0.100", "+0.010", " undefined"} <= set(texts)
    assert "svm higher" in panel.get_xlabel()
    assert "gradient higher" in panel.get_xlabel()
