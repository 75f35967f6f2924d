"""The scorer of photographs that reads landmarks, and masks of hair and background."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from property_cnn.common.files import bytes_digest
from property_cnn.common.networks import BatchedNetwork
from property_cnn.face_scores import MAP_SIZE, mask_scores
from property_cnn.face_scores import VERSION as SCORES_VERSION
from property_cnn.fetching import needed_path
from property_cnn.hair.photographs import PersonSegmenter, load_person_segmenter
from property_cnn.hair.segmenter import HairSegmenter, load_hair_segmenter
from property_cnn.landmarks.files import FACE
from property_cnn.landmarks.scorer import LandmarksScorer, load_landmarks_scorer, resized
from property_cnn.properties import PARSING_PROPERTIES

VERSION = 1
"""Raised when the same image gets other scores, so that stored scores grow stale."""


class ParsingScorer(BatchedNetwork):
    """Reads properties off whole photographs of one upright face each.

    Hair is where both the segmenter of hair and that of people see some; the background is where
    no person is.

    Args:
        landmarks, person, hair: the networks, ready to run, on one device.
        batch_size: see `BatchedNetwork`.

    Attributes:
        properties: names of the columns that it answers.
    """

    properties = PARSING_PROPERTIES

    def __init__(
        self,
        landmarks: LandmarksScorer,
        person: PersonSegmenter,
        hair: HairSegmenter,
        batch_size: int = 8,
    ):
        parts = {"landmarks": landmarks, "person": person, "hair": hair}
        networks = nn.ModuleDict({name: part.network for name, part in parts.items()})
        super().__init__(networks, landmarks.device, batch_size)
        self.landmarks, self.person, self.hair = landmarks, person, hair
        digests = [part.digest for part in parts.values()]
        self.digest = bytes_digest(f"{digests} {SCORES_VERSION} {VERSION}".encode())

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """Scores, columns as in `properties`: those of the landmarks, see `LandmarksScorer`, and
        those of `property_cnn.face_scores.mask_scores` on masks of 224 × 224.

        Args:
            images: (N, 3, R, R) floats in [-1, 1], any size and device.

        Returns:
            (N, P) float32 on the scorer's device; rows of NaN where no face is found.

        Raises:
            ScorerError: the images have another shape.
        """
        scores = self.landmarks(images)
        batches = images.split(self.batch_size) if len(images) else ()
        none = scores.new_empty(0, len(self.properties) - scores.shape[1])
        masked = torch.cat([none, *(self._masked(batch) for batch in batches)])
        found = torch.cat([scores, masked], dim=1)
        return torch.where(found.isfinite().all(1, keepdim=True), found, torch.nan)

    def masks(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Hair and background of images (N, 3, 224, 224), both (N, 224, 224) bool."""
        person = self.person(images)[:, 0] >= 0.5
        hair = self.hair(images)[:, 0] >= 0.5
        return hair & person, ~person

    def _masked(self, images: Tensor) -> Tensor:
        small = resized(images.to(self.device, torch.float32), MAP_SIZE).clamp(-1, 1)
        return mask_scores(small, *self.masks(small)).float()


def load_parsing_scorer(device: str | torch.device | None = None) -> ParsingScorer:
    """The scorer with the networks of `vectorfind fetch landmarks` and `fetch person`, and the
    shipped segmenter of hair.

    Raises:
        CheckpointError: one is not there; the text says how to get it.
        InputError: a package of the extra `hair` is missing.
    """
    landmarks = load_landmarks_scorer(needed_path(FACE.fetched), device)
    person = load_person_segmenter(None, device)
    return ParsingScorer(landmarks, person, load_hair_segmenter(None, device))
