"""The page of whatever a folder or a file of results holds: a function of what lies in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from reports import layout
from reports.folders import (
    ReadingError,
    holds_curves,
    read_config,
    read_curves_at,
    read_results_at,
)
from reports.pages.comparison import comparison_files
from reports.pages.curve import curve_files
from reports.pages.finetune import finetune_files
from reports.pages.run import run_files
from reports.pages.segmentation import segmentation_files
from reports.reading import result_properties


def report_files(
    source: Path,
    thresholds: Callable[[Sequence[str]], dict[str, float]],
    overlays: Sequence[Path] = (),
) -> tuple[dict[str, bytes | str], list[str]]:
    """The report: path within its folder -> content; and what it says, in a few lines.

    Args:
        source: the folder of a run, of a run over n, of a comparison (also of segmentation
            students) or of a report on fine-tuning; a table of cases; or an n-curve's CSV, or a
            folder of such.
        thresholds: properties -> the least |corr| of a pass, where a run has none of its own.
        overlays: n-curves to draw over those of the source.

    Raises:
        ReadingError: a file is missing, damaged or of another kind.
    """
    of_kind = {
        layout.COMPARISON_KIND: comparison_files,
        layout.FINETUNE_KIND: finetune_files,
        layout.SEGMENTATION_KIND: segmentation_files,
    }.get(read_config(source).get("kind"))
    if of_kind is None and holds_curves(source):
        return curve_files(read_curves_at(source, overlays))
    if overlays:
        raise ReadingError(f"--overlay goes with n-curves, and {source} holds none; leave it out")
    if of_kind is not None:
        return of_kind(source)
    results = read_results_at(source)
    return run_files(results, thresholds(result_properties(results.table)))
