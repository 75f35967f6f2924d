"""What a run's folder tells of its cases: the networks that its command names, latents, scores."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from property_cnn.common.arrays import read_arrays
from property_cnn.common.errors import InputError
from reports import columns as c
from reports.folders import read_config
from reports.layout import LATENTS, RESULT, SCORES
from vectorfind.runs.report import reading


@dataclass(frozen=True, eq=False)
class Cases:
    """C cases of a test, S edits each, P properties, A scores.

    Attributes:
        z, label: (C, z_dim), (C, label_dim).
        table: a row a case, as `test_result.csv` has it.
        properties, scored: names of strengths and of scores.
        strengths: (S, P); the first `crossed` vary all properties at once.
        crossed: their number.
        scores: (C, S, A).
        cosine: (C, S) of the edited and the unedited face, by the first judge that tells people
            apart; None without one.
        hair: (C, S) IoU of the hair masks after and before; None where it was not measured.
    """

    z: np.ndarray
    label: np.ndarray
    table: pd.DataFrame
    properties: tuple[str, ...]
    scored: tuple[str, ...]
    strengths: np.ndarray
    crossed: int
    scores: np.ndarray
    cosine: np.ndarray | None
    hair: np.ndarray | None

    def __len__(self) -> int:
        return len(self.table)

    def check(self, case: int, run: str | os.PathLike) -> None:
        """Raises InputError for the number of a case that the run has not."""
        if not 0 <= case < len(self):
            raise InputError(f"case {case}: {run} has 0 to {len(self) - 1}")


def named_networks(run: str | os.PathLike) -> tuple[str, str]:
    """Names or paths of the generator and the scorer in the command that a run wrote down.

    Raises:
        InputError: it is no run's folder, or its networks were objects, which no command names.
    """
    with reading():
        config = read_config(Path(run))
    if "models" not in config:
        raise InputError(f"{run} is no folder of a run; give one that vectorfind test made")
    words = shlex.split(str(config.get("command", "")))
    if not words:
        raise InputError(f"{run} does not say which networks it ran; give generator and scorer")
    given = dict(pairwise(words))
    return given.get("--generator", "default"), given.get("--scorer", "default")


def read_cases(run: str | os.PathLike) -> Cases:
    """All of a run's cases.

    Raises:
        InputError: it is no run's folder.
        CheckpointError: a file is missing or damaged.
    """
    folder = Path(run)
    if not (folder / RESULT).is_file():
        raise InputError(f"{run} holds no {RESULT}; give the folder of a vectorfind test")
    with reading():
        table = pd.read_csv(folder / RESULT)
    latents = read_arrays(folder / LATENTS, ("z", "label"))
    scores = read_arrays(folder / SCORES)
    names = tuple(map(str, scores["properties"]))
    count = len(table)
    if len(latents["z"]) != count or len(scores["edited"]) != count:
        raise InputError(f"{run}: its files are of other numbers of cases; make the run again")
    cosines = sorted(name for name in scores if name.endswith("_cosine"))
    return Cases(
        latents["z"],
        latents["label"],
        table,
        names,
        tuple(map(str, scores["scored"])),
        scores["strengths"],
        int(scores.get("crossed", len(scores["strengths"]))),
        scores["edited"],
        scores[cosines[0]] if cosines else None,
        scores.get(c.HAIR_IOU),
    )
