"""Figures that are small and take no time to lay out; how they look is for `tests/reports`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import pytest
from matplotlib.figure import Figure


def sketch(figure: Figure) -> bytes:
    """The figure as a PNG of a few pixels."""
    figure.set_layout_engine(None)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=20, metadata={"Software": None})
    return buffer.getvalue()


@contextmanager
def sketched() -> Iterator[None]:
    """Every figure is a sketch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reports.plots.style.figure_png", sketch)
        yield
