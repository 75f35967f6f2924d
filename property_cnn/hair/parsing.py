"""The scorer of photographs that reads landmarks, and masks of hair and background."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from property_cnn.common.files import bytes_digest
from property_cnn.common.networks import BatchedNetwork
from property_cnn.face_scores import VERSION as SCORES_VERSION
from property_cnn.face_scores import hair_and_background_scores
from property_cnn.hair.photographs import (
    BACKGROUND,
    HAIR,
    PhotographTeacher,
    load_photograph_teacher,
)
from property_cnn.landmarks.measures import measures
from property_cnn.landmarks.scorer import is_face
from property_cnn.properties import PARSING_PROPERTIES

VERSION = 1
"""Raised when the same image gets other scores, so that stored scores grow stale."""


class ParsingScorer(BatchedNetwork):
    """Reads properties off whole photographs of one upright face each.

    Args:
        teacher: finds landmarks, hair and background.
        batch_size: see `BatchedNetwork`.

    Attributes:
        properties: names of the columns that it answers.
    """

    properties = PARSING_PROPERTIES

    def __init__(self, teacher: PhotographTeacher, batch_size: int = 8):
        parts = {"person": teacher.person, "landmarks": teacher.landmarks}
        networks = nn.ModuleDict({name: part.network for name, part in parts.items()})
        super().__init__(networks, teacher.person.device, batch_size)
        self.teacher = teacher
        self.digest = bytes_digest(f"{teacher.digest} {SCORES_VERSION} {VERSION}".encode())

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """Scores, columns as in `properties`: those of the landmarks, see `LandmarksScorer`, and
        those of `property_cnn.face_scores.hair_and_background_scores` on masks of 224 × 224, where
        hair and background are what is likelier that than not.

        Args:
            images: (N, 3, R, R) floats in [-1, 1], any size and device.

        Returns:
            (N, P) float32 on the scorer's device; rows of NaN where no face is found.

        Raises:
            ScorerError: the images have another shape.
        """
        batches = images.split(self.batch_size) if len(images) else ()
        none = torch.empty(0, len(self.properties), device=self.device)
        return torch.cat([none, *(self._scores(batch) for batch in batches)])

    def _scores(self, images: Tensor) -> Tensor:
        points, logits = self.teacher.landmarks.landmarks(images)
        small, shares = self.teacher.parsed(images, points)
        masks = shares >= 0.5
        masked = hair_and_background_scores(small, masks[:, HAIR], masks[:, BACKGROUND]).float()
        scores = torch.cat([measures(points), masked], dim=1)
        return torch.where(is_face(logits, scores)[:, None], scores, torch.nan)


def load_parsing_scorer(device: str | torch.device | None = None) -> ParsingScorer:
    """The scorer with the networks of `vectorfind fetch landmarks` and `fetch person`.

    Raises:
        CheckpointError: one is not there; the text says how to get it.
    """
    return ParsingScorer(load_photograph_teacher(device))
