"""Who tells the scores that a scorer learns: a scorer, a function, or a table of scores."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from property_cnn.common.errors import InputError
from property_cnn.common.files import sha256_of
from vectorfind.models.callable_scorer import CallableScorer
from vectorfind.models.protocols import Scorer, digest_of, resolve_scorer
from vectorfind.models.training.tables import read_scores

TABLE = ".csv"
"""End of the name of a table of scores."""


@dataclass(frozen=True, eq=False)
class Teacher:
    """Who tells the scores.

    Attributes:
        name: as it was given.
        digest: names it; "" where nothing does.
        scorer: what reads them off the images; None of a table.
        properties: names of the scores.
        table: (n, P) scores of a table; None of a scorer.
    """

    name: str
    digest: str
    scorer: Scorer | None
    properties: tuple[str, ...]
    table: np.ndarray | None = None


def resolve_teacher(
    teacher: str | os.PathLike | Scorer | Callable[[torch.Tensor], object],
    n: int | None = None,
    device: str | torch.device | None = None,
) -> Teacher:
    """The teacher of a scorer's name or file, of a table, or an object.

    Args:
        teacher: a name or file as `protocols.resolve_scorer` takes it; a .csv, see
            `scorers.tables`; a scorer; or a function of images (N, 3, H, W) in [-1, 1] that answers
            with a mapping from names to (N,) numbers.
        n: number of images, of a table.
        device: where a scorer shall run.

    Raises:
        InputError: the table is none, or the object is no scorer.
        CheckpointError: the file is missing, damaged, or of another kind.
    """
    if isinstance(teacher, str | os.PathLike):
        name = os.fspath(teacher)
        if name.lower().endswith(TABLE):
            properties, table = read_scores(name, n)
            digest = sha256_of(Path(name))[:16]
            return Teacher(Path(name).name, digest, None, properties, table)
    else:
        name = type(teacher).__name__
        if callable(teacher) and not hasattr(teacher, "properties"):
            name = getattr(teacher, "__name__", name)
            teacher = _named(teacher)
    scorer = resolve_scorer(teacher, device)
    return Teacher(name, digest_of(scorer), scorer, tuple(scorer.properties))


def _named(function: Callable[[torch.Tensor], object]) -> CallableScorer:
    """A scorer of a function that names its scores itself."""
    answer = function(torch.zeros(1, 3, 64, 64))
    if not isinstance(answer, Mapping | pd.DataFrame):
        raise InputError(
            f"the teacher's function gave a {type(answer).__name__}; it must give a mapping from "
            "names to numbers, or be a CallableScorer with names"
        )
    return CallableScorer(function, tuple(answer))
