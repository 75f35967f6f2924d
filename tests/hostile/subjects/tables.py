"""Whatever reads a CSV."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import numpy as np

from reports.folders import read_curves, read_results_at
from stylegan_ft.training.image_folder import read_labels
from tests.hostile.judging import OUT, Wrong
from tests.hostile.strategies import tables as texts
from tests.hostile.subjects.subject import Make, Subject
from tests.sketches import sketched
from tests.vectorfind.run_files import planted_corrs, write_run
from vectorfind.directions.interchange import read_csv
from vectorfind.runs.comparison import compare_files
from vectorfind.runs.report import reading, write_report

FILE = "table.csv"
OF_RUN = ("test_result.csv", "control.csv", "slopes.csv", "fits.csv", "n_curve.csv")


def lay(data: bytes, folder: Path) -> None:
    """The table as a file."""
    (folder / FILE).write_bytes(data)


def cases(whole: str, at: Path) -> Subject:
    """A table of cases, read and compared with a whole one."""

    def use(data: bytes, folder: Path) -> None:
        with reading():
            table = read_results_at(folder / FILE).table
        corrs = table.filter(regex="_corr$").drop(columns="sum_abs_corr").to_numpy()
        if table["case"].duplicated().any() or (np.abs(corrs) > 1).any():
            raise Wrong(f"taken: {table.to_csv()[:200]}")
        compare_files(folder / FILE, folder / FILE)

    return Subject(texts.spoiled(whole), use, lay, whole.encode(), short=25)


def curves(whole: str, at: Path) -> Subject:
    """An n-curve."""

    def use(data: bytes, folder: Path) -> None:
        with reading():
            table = read_curves(folder / FILE)
        if table.duplicated(["method", "layer", "n"]).any() or (table["n"] < 1).any():
            raise Wrong(f"taken: {table.to_csv()[:200]}")

    return Subject(texts.spoiled(whole), use, lay, whole.encode(), short=25)


def page(whole: str, at: Path) -> Subject:
    """The page of a bare table."""

    def use(data: bytes, folder: Path) -> None:
        with sketched():
            write_report(folder / FILE, folder / OUT)

    return Subject(texts.spoiled(whole), use, lay, whole.encode(), short=3)


def of_run(name: str, at: Path) -> Subject:
    """A run's folder with one of its tables spoiled."""
    run = write_run(at / "run", planted_corrs(cases=6))
    with sketched():
        write_report(run)  # its figures are then there
    whole = (run / name).read_text()

    def lay_run(data: bytes, folder: Path) -> None:
        shutil.copytree(run, folder / "run", dirs_exist_ok=True)
        (folder / "run" / name).write_bytes(data)

    def use(data: bytes, folder: Path) -> None:
        with sketched():
            write_report(folder / "run", folder / OUT)

    return Subject(texts.spoiled(whole), use, lay_run, whole.encode(), short=3)


def labels(at: Path) -> Subject:
    """The labels of a folder of images."""

    def lay_labels(data: bytes, folder: Path) -> None:
        (folder / "labels.csv").write_bytes(data)

    def use(data: bytes, folder: Path) -> None:
        files = read_labels(folder)["file"]
        if any(name.startswith("/") or ".." in name.split("/") for name in files):
            raise Wrong(f"taken: {[*files]!r:.200}")

    return Subject(texts.spoiled(texts.LABELS), use, lay_labels, texts.LABELS.encode(), short=25)


def boundary(at: Path) -> Subject:
    """One of the reference's directions."""

    def lay_boundary(data: bytes, folder: Path) -> None:
        (folder / "eyes_change_w_vector_h.csv").write_bytes(data)

    def use(data: bytes, folder: Path) -> None:
        found = read_csv(folder, "w", "fix")
        if not np.isfinite(found.vectors).all():
            raise Wrong(f"taken: {found.vectors}")

    whole = texts.BOUNDARY
    return Subject(texts.spoiled(whole), use, lay_boundary, whole.encode(), short=25)


SUBJECTS: dict[str, Make] = {
    "table: cases": partial(cases, texts.RESULT),
    "table: cases of the reference": partial(cases, texts.REFERENCE),
    "table: curve": partial(curves, texts.CURVE),
    "table: curve of the reference": partial(curves, texts.REFERENCE_CURVE),
    "table: page of cases": partial(page, texts.RESULT),
    "table: page of a curve": partial(page, texts.CURVE),
    **{f"table: {name} of a run": partial(of_run, name) for name in OF_RUN},
    "table: labels of images": labels,
    "table: direction of the reference": boundary,
}
