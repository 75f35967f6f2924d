"""What tells hair in a generator's images."""

from __future__ import annotations

import os

import torch

from property_cnn.hair.photographs import PhotographSegmenter
from property_cnn.hair.segmenter import PHOTOGRAPHS, HairSegmenter, load_hair_segmenter
from stylegan_ft.formats.mobile import MOBILESTYLEGAN
from vectorfind.models.protocols import Generator


def segmenter_for(
    generator: str | os.PathLike | Generator, device: torch.device
) -> HairSegmenter | PhotographSegmenter:
    """What masks photographs for the generator of that name, else the shipped segmenter.

    Raises:
        CheckpointError: what masks photographs is not there; the text says how to get it.
    """
    photographs = isinstance(generator, str) and generator == MOBILESTYLEGAN.name
    return load_hair_segmenter(PHOTOGRAPHS if photographs else None, device)
