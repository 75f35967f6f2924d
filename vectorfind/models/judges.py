"""Judges: scorers that directions were not found with, and that read the images of a test too."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from property_cnn.common.checks import check_names, refused
from property_cnn.common.errors import InputError, ScorerError
from property_cnn.properties import read_as
from reports import columns as c
from vectorfind.models.pair import check_scores
from vectorfind.models.protocols import Scorer, device_of, digest_of, resolve_scorer
from vectorfind.models.scorers import NAMED, scored_by

LONGEST = 40
"""Most characters of a judge's name."""


@dataclass(frozen=True, eq=False)
class Judge:
    """A scorer, and what it is called.

    Attributes:
        name: as tables and pages call it.
        scorer: see `protocols.Scorer`.
    """

    name: str
    scorer: Scorer

    @property
    def scored(self) -> tuple[str, ...]:
        """Names of its scores."""
        return tuple(self.scorer.properties)

    @property
    def digest(self) -> str:
        """What names its weights; "" without a digest."""
        return digest_of(self.scorer)

    @property
    def tells_identity(self) -> bool:
        """Whether it tells how far a face stays the same person's."""
        return hasattr(self.scorer, "scores_and_embeddings")

    @property
    def same_person(self) -> float:
        """Largest distance of embeddings that is taken for one person's; NaN if it names none."""
        return float(getattr(self.scorer, "same_person", np.nan))

    @torch.inference_mode()
    def read(self, images: torch.Tensor) -> tuple[np.ndarray, np.ndarray | None]:
        """Images (N, 3, H, W) -> float32 scores (N, A) and embeddings (N, E), None of most judges.

        Rows of NaN stand for what it cannot read.

        Raises:
            ScorerError: infinite scores, or answers of another shape.
        """
        images, embeddings = images.to(device_of(self.scorer)), None
        try:
            if self.tells_identity:
                scores, embeddings = self.scorer.scores_and_embeddings(images)
                embeddings = _embeddings(embeddings, len(images))
            else:
                scores = self.scorer(images)
            return check_scores(scores, len(images), self.scored), embeddings
        except ScorerError as error:
            raise ScorerError(f"the judge {self.name}: {error}") from error


def load_judges(
    given: Sequence[str | os.PathLike | Scorer | Judge],
    properties: Sequence[str],
    device: str | None = None,
) -> tuple[Judge, ...]:
    """The judges of some names, files or objects.

    A file is called as it is without its ending, a function by its name, any other object by its
    class.

    Args:
        given: each one of `scorers.NAMED`, a file of a scorer, an object with the protocol, or a
            `Judge`, which gives an object a name.
        properties: of the directions, of which each judge must read one or more.
        device: see `protocols.resolve_scorer`.

    Raises:
        InputError: a judge reads none of the properties, two have one name, a name is too long, or
            an object lacks a part.
        CheckpointError: a file is missing, damaged or foreign.
    """
    check_judges_early(given, properties)
    judges = tuple(
        each if isinstance(each, Judge) else Judge(_name(each), resolve_scorer(each, device))
        for each in _sequence(given)
    )
    names = [judge.name for judge in judges]
    check_names("judge", names, names)
    for name in names:
        if name == c.SCORER or not name.isprintable() or not 0 < len(name) <= LONGEST:
            raise refused(
                "a judge's name", name, f'1 to {LONGEST} letters, other than "{c.SCORER}"'
            )
    for judge in judges:
        _check_reads(judge.name, judge.scored, properties)
    return judges


def check_judges_early(
    given: Sequence[str | os.PathLike | Scorer], properties: Sequence[str]
) -> None:
    """Raises InputError for a judge, by its name alone, that reads none of the properties."""
    for each in _sequence(given):
        if isinstance(each, str) and each in NAMED:
            _check_reads(each, scored_by(each), properties)


def _check_reads(name: str, scored: Sequence[str], properties: Sequence[str]) -> None:
    if not any(read_as(each, scored) for each in properties):
        raise InputError(
            f"the judge {name} reads {', '.join(scored)} and none of {', '.join(properties)}; "
            "leave it out, or find directions of what it reads"
        )


def _sequence(given: Sequence) -> tuple:
    if isinstance(given, str | os.PathLike) or not isinstance(given, Sequence):
        raise refused("judges", given, 'a tuple of names, files or scorers, as ("iris",)')
    return tuple(given)


def _name(given: str | os.PathLike | Scorer) -> str:
    if isinstance(given, str) and given in NAMED:
        return given
    if isinstance(given, str | os.PathLike):
        return Path(given).stem
    return str(getattr(given, "__name__", type(given).__name__))


def _embeddings(given: object, count: int) -> np.ndarray:
    """Embeddings as float32 (N, E), whole rows of NaN where they have any, or an infinity."""
    if isinstance(given, torch.Tensor):
        given = given.detach().float().cpu().numpy()
    array = np.array(given, dtype=np.float32)
    if array.ndim != 2 or len(array) != count:
        raise ScorerError(f"it gave embeddings of shape {array.shape}; expected ({count}, E)")
    array[~np.isfinite(array).all(axis=1)] = np.nan
    return array
