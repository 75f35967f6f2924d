"""From a run's cases to characters: a contact sheet to choose from, and files of those kept."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from property_cnn.common.checks import check_count
from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write
from property_cnn.common.folders import writable_folder
from property_cnn.common.progress import Progress
from property_cnn.common.tasks import one_thread
from property_cnn.pictures import encoded
from reports import columns as c
from reports.layout import CHARACTERS, CONTACT_PAGE, CONTACT_PICTURE, PICKED
from reports.pages.contact import Card, contact_page
from reports.pages.pictures import webp
from reports.plots.images import extremes_sheet, tile
from reports.plots.style import figure_png
from reports.tables import csv_text
from reports.text import ends_of, listed
from vectorfind.characters.character import SUFFIX, Character
from vectorfind.characters.picking.cases import Cases, named_networks, read_cases
from vectorfind.characters.picking.ranking import CHARACTER, SUITABILITY, ranked
from vectorfind.directions.directions import Directions, load_directions
from vectorfind.runs.report import write_report

_CELL = 96  # pixels of a face beside its ends on the page
_WORDS = {"worst_corr": "corr", "leak": "leak", "identity": "same person", "hair": "hair",
          "smoothness": "smooth"}  # fmt: skip


@dataclass(frozen=True)
class Picks:
    """What was picked.

    Attributes:
        table: `picked.csv`.
        page: the contact sheet; None where cases were kept.
        files: characters that were written now.
    """

    table: pd.DataFrame
    page: Path | None
    files: tuple[Path, ...]

    @property
    def lines(self) -> list[str]:
        """The result in words."""
        kept = int((self.table[c.SUITABLE] == c.PASS_MARK).sum())
        passed = int((self.table[c.PASSED] == c.PASS_MARK).sum())
        share = f" ({100 * kept / passed:.1f} %)" if passed else ""
        return [f"suitable cases: {kept} of {passed} passed{share}"]


@one_thread()
def pick(  # noqa: PLR0913 - public, its keywords are the interface
    run: str | os.PathLike,
    keep: Sequence[int] = (),
    count: int = 48,
    failed: bool = False,
    generator: str | os.PathLike | None = None,
    scorer: str | os.PathLike | None = None,
    device: str | None = None,
    size: int | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> Picks:
    """Ranks a run's cases for a person to choose from, or makes characters of those chosen.

    In the run's folder are written `picked.csv`, a row a candidate, and either
    `contact_sheet.html` and `.webp`, or a file a case in `characters`; the run's page then tells
    how many are suitable.

    Args:
        run: folder of `vectorfind test`.
        keep: numbers of cases to make characters of; none for the contact sheet.
        count: most cases on the sheet.
        failed: rank cases that did not pass, too.
        generator, scorer: the run's; None for those that its command names.
        device, size: where and how large the generator draws.
        overwrite: make characters again that are there.
        quiet: show no progress.

    Raises:
        InputError: there is no such case, no candidate, or a character is there already.
        CheckpointError: a file is missing, damaged or of other networks.
    """
    check_count("count", count)
    cases, folder = read_cases(run), writable_folder(run)
    for case in keep:
        cases.check(case, run)
    files = [folder / file_of(case) for case in dict.fromkeys(keep)]
    there = [path for path in files if path.exists()]
    if there and not overwrite:
        raise InputError(f"{there[0]} is there already; leave it out, or give --overwrite")
    if generator is None or scorer is None:
        named = named_networks(run)
        generator, scorer = generator or named[0], scorer or named[1]
    directions = load_directions(run, generator, scorer, device, size=size)
    table = ranked(cases, directions.score_std, passed_only=not failed)
    if table.empty:
        raise InputError(f"{run} has no case that can be ranked; make a test with more")
    every = ranked(cases, directions.score_std, passed_only=False)
    if not keep:
        page = _write_sheet(folder, directions, cases, table.head(count), quiet)
        return Picks(_write_table(folder, table, every), page, ())
    told = Progress("measuring", len(files), "characters", quiet)
    writable_folder(folder / CHARACTERS)
    for case, path in zip(dict.fromkeys(keep), files, strict=True):
        character = Character.from_latent(
            directions,
            cases.z[case],
            cases.label[case],
            generator=generator,
            name=f"case {case}",
            made={"case": int(case)},
        )
        character.save(path)
        told.advance(1)
    return Picks(_write_table(folder, table, every), None, tuple(files))


def file_of(case: int) -> str:
    """A case's character in the run's folder."""
    return f"{CHARACTERS}/case_{int(case):04d}{SUFFIX}"


def _write_table(folder: Path, table: pd.DataFrame, every: pd.DataFrame) -> pd.DataFrame:
    """Writes `picked.csv` and the run's page again; a case is suitable whose character is there.

    Args:
        folder: the run's.
        table: the cases that were ranked.
        every: all cases; of those that were not ranked the kept ones are told, too.
    """
    there = [(folder / file_of(case)).exists() for case in every[c.CASE]]
    table = pd.concat([table, every[there]]).drop_duplicates(c.CASE)
    paths = [file_of(case) for case in table[c.CASE]]
    kept = [(folder / path).exists() for path in paths]
    table = table.assign(
        **{
            c.SUITABLE: np.where(kept, c.PASS_MARK, c.FAIL_MARK),
            CHARACTER: [path if one else "" for path, one in zip(paths, kept, strict=True)],
        }
    )
    atomic_write(folder / PICKED, csv_text(table))
    write_report(folder)
    return table


def _write_sheet(
    folder: Path, directions: Directions, cases: Cases, table: pd.DataFrame, quiet: bool
) -> Path:
    """Writes the contact sheet as a page and as a picture."""
    names, faces = cases.properties, []
    told = Progress("drawing", len(table), "faces", quiet)
    grid = _ends_grid(cases.strengths)
    for case in table[c.CASE]:
        images = directions.edit_grid(cases.z[[case]], cases.label[[case]], grid)[0]
        faces.append(images.cpu().numpy())
        told.advance(1)
    cards = [
        Card(
            int(row[c.CASE]),
            _card_picture(images),
            f"{row[SUITABILITY]:.2f}",
            " · ".join(
                f"{word} {row[name]:.2f}"
                for name, word in _WORDS.items()
                if name in table and np.isfinite(row[name])
            ),
            (folder / file_of(row[c.CASE])).exists(),
        )
        for (_, row), images in zip(table.iterrows(), faces, strict=True)
    ]
    passed = int((cases.table[c.PASSED] == c.PASS_MARK).sum())
    verdict = f"{len(cards)} of {len(cases)} cases to choose from; {passed} passed the test"
    summary = (
        f"Each face unedited, and beside it with less (above) and more (below) of {listed(names)}. "
        "The most suitable first: high corr-coefs, few leaks, the same person, hair that stays, "
        "and edits that never turn back. Click those to keep, then run the command below."
    )
    command = f"vectorfind pick {shlex.quote(str(folder))}"
    page = contact_page(cards, names, verdict, summary, command)
    atomic_write(folder / CONTACT_PAGE, page)
    order = np.array([0, *np.arange(2 * len(names)).reshape(2, -1).T.ravel() + 1])  # by property
    sheet = extremes_sheet(
        np.stack(faces)[:, order],
        names,
        [ends_of(name) for name in names],
        [f"case {case}" for case in table[c.CASE]],
    )
    atomic_write(folder / CONTACT_PICTURE, webp(figure_png(sheet), photo=True))
    return folder / CONTACT_PAGE


def _ends_grid(strengths: np.ndarray) -> np.ndarray:
    """(1 + 2 P, P) strengths: none, the least of each property alone, the largest of each."""
    ends = [np.diag(strengths.min(axis=0)), np.diag(strengths.max(axis=0))]
    return np.concatenate([np.zeros((1, strengths.shape[1])), *ends]).astype(np.float32)


def _card_picture(images: np.ndarray) -> bytes:
    """A face (1 + 2 P, 3, H, W) as a PNG: unedited and large, then a column a property."""
    count = len(images) // 2
    small = tile(images[1:].reshape(2, count, *images.shape[1:]), _CELL)
    large = tile(images[:1, None], small.shape[0])
    gap = np.full((small.shape[0], 4, 3), 255, np.uint8)
    return encoded(np.concatenate([large, gap, small], axis=1))
