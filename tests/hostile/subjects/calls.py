"""Calls from Python and the command line: latents and strengths, paths, words."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from click.testing import CliRunner
from hypothesis import strategies as st

from property_cnn.common.errors import VectorfindError
from property_cnn.common.files import atomic_write
from property_cnn.pictures import read_image
from stylegan_ft.formats.load import read_checkpoint
from stylegan_ft.training.image_folder import read_labels
from tests.hostile.judging import OUT, Wrong
from tests.hostile.strategies import commands, latents
from tests.hostile.subjects.documents import fill
from tests.hostile.subjects.networks import FIND, TEST, directions, models
from tests.hostile.subjects.subject import Make, Subject
from tests.sketches import undrawn
from vectorfind.cli import main
from vectorfind.directions.directions import load_directions
from vectorfind.directions.interchange import read_foreign
from vectorfind.runs.describe import describe
from vectorfind.runs.report import write_report
from vectorfind.runs.test import run_test

Given = Any
MEMORY = 2**28
"""Of modules that are loaded late, beside what is computed."""


def edits(at: Path) -> Subject:
    """Edits by directions, of any latents, by any strengths."""
    found = directions()

    def use(given: tuple[Given, Given, dict[str, Given]], folder: Path) -> None:
        z, label, strengths = given
        images = found.edit(z, label, **strengths)
        if images.shape[1:] != (3, 16, 16) or not torch.isfinite(images).all():
            raise Wrong(f"taken: images of {tuple(images.shape)}")

    z, label = latents.arrays(6), latents.arrays(2)
    strengths = latents.strengths(found.properties)
    whole = ([[0.5] * 6], [[0.0] * 2], {"eyes": 1})
    wrong_one = st.one_of(
        st.tuples(z, label, strengths),
        st.tuples(st.just(whole[0]), st.just(whole[1]), strengths),
        st.tuples(z, st.just(whole[1]), st.just(whole[2])),
    )
    return Subject(wrong_one, use, short=40)


def grids(at: Path) -> Subject:
    """Edits by a grid of strengths."""
    found = directions()

    def use(given: Given, folder: Path) -> None:
        images = found.edit_grid([[0.5] * 6], [[0.0] * 2], given)
        if not torch.isfinite(images).all():
            raise Wrong("taken: images that are not finite")

    return Subject(latents.arrays(3), use, whole=[[0.5, 0, 0]], short=30)


def _readers() -> dict[str, Callable[[str], object]]:
    both = models().generator, models().scorer
    return {
        "describe": describe,
        "directions": lambda path: load_directions(path, *both),
        "foreign": lambda path: read_foreign([path], "w"),
        "checkpoint": read_checkpoint,
        "labels": read_labels,
        "picture": read_image,
        "report": lambda path: write_report(path, "report"),
    }


def _writers() -> dict[str, Callable[[str], object]]:
    return {
        "bytes": lambda path: atomic_write(path, b"x"),
        "store": lambda path: fill(Path(path)),
        "directions": directions().save,
    }


def _runs() -> dict[str, Callable[[str], object]]:
    both = models().generator, models().scorer
    find, test = replace(FIND, n=120, group_by=()), replace(TEST, cases=2)
    return {"run": lambda path: run_test(find, test, path, *both, quiet=True)}


def _lay_names(given: Given, folder: Path) -> None:
    place = folder / OUT
    (place / "folder").mkdir(parents=True)
    (place / "file").write_text("x")
    os.mkfifo(place / "pipe")
    os.symlink("loop", place / "loop")
    os.symlink("nowhere", place / "dangling")


def paths(
    calls: Callable[[], dict[str, Callable[[str], object]]], whole: Given, short: int, at: Path
) -> Subject:
    """A path of any kind, given to what reads or writes it."""
    known = calls()

    def use(given: tuple[str, str, bool], folder: Path) -> None:
        call, name, as_path = given
        place = folder / OUT
        os.chdir(place)
        path = str(place / name) if name[:1] not in "-~$" else name
        with undrawn():
            known[call](Path(path) if as_path else path)

    given = st.tuples(st.sampled_from([*known]), latents.names, st.booleans())
    return Subject(given, use, _lay_names, whole, MEMORY, short)


def lines(at: Path) -> Subject:
    """Command lines, each of which ends at once: in a result, or in one line and exit code 2."""
    runner = CliRunner()

    def lay(given: list[str], folder: Path) -> None:
        here = folder / "here"
        (here / "folder" / "run").mkdir(parents=True, exist_ok=True)
        (here / "file").write_text("x")

    def use(given: list[str], folder: Path) -> None:
        with contextlib.suppress(SystemExit):
            ended = runner.invoke(main, given, prog_name="vectorfind")
        if ended.exception is not None and not isinstance(ended.exception, SystemExit):
            raise ended.exception
        said = ended.stderr.splitlines()
        if ended.exit_code == 2 and len(said) == 1 and said[0].startswith("Error: "):
            raise VectorfindError(said[0])
        if ended.exit_code != 0:
            raise Wrong(f"exit code {ended.exit_code}, {len(said)} lines: {ended.stderr[:200]}")

    return Subject(commands.lines("file/out"), use, lay, ["info", "--help"], MEMORY, short=40)


SUBJECTS: dict[str, Make] = {
    "call: edits": edits,
    "call: grids": grids,
    "call: paths read": partial(paths, _readers, None, 60),
    "call: paths written": partial(paths, _writers, ("bytes", "a", True), 40),
    "call: paths of runs": partial(paths, _runs, ("run", "a", True), 2),
    "command: lines": lines,
}
