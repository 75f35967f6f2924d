"""What tells hair in a generator's images."""

from __future__ import annotations

from property_cnn.hair.photographs import PhotographSegmenter
from property_cnn.hair.segmenter import PHOTOGRAPHS, HairSegmenter, load_hair_segmenter
from stylegan_ft.architectures.mobile.network import MobileStyleGAN
from vectorfind.models.protocols import Generator, device_of


def segmenter_for(generator: Generator) -> HairSegmenter | PhotographSegmenter:
    """What masks photographs for a MobileStyleGAN, else the shipped segmenter; on its device.

    Raises:
        CheckpointError: what masks photographs is not there; the text says how to get it.
    """
    photographs = isinstance(getattr(generator, "network", None), MobileStyleGAN)
    return load_hair_segmenter(PHOTOGRAPHS if photographs else None, device_of(generator))
