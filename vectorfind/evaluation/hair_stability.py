"""How far edits leave the hair alone: the overlap of the hair masks before and after each edit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from property_cnn.common.tasks import run_tasks
from property_cnn.hair.segmenter import HairSegmenter
from property_cnn.segmentation.metrics import mask_iou
from vectorfind.directions.edits import edited_grid
from vectorfind.evaluation.cases import kept_block
from vectorfind.models.pair import Models
from vectorfind.models.protocols import device_of, digest_of

KIND = "vectorfind hair stability"

HAIR_BLOCK = 4
"""Cases a block."""


def hair_stability(
    models: Models,
    segmenter: HairSegmenter,
    latents: np.ndarray,
    vectors: np.ndarray,
    grid: np.ndarray,
    layer: str,
    workers: int | None = None,
    folder: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """IoU (C, S) of the hair masks of each edited image and of its unedited one.

    Masks are cut at 0.5; two empty ones agree: 1.

    Args:
        models: its generator makes the images.
        segmenter: tells where hair is.
        latents: (C, d) vectors of the cases at `layer`.
        vectors: (C, P, d) directions of each.
        grid: (S, P) strengths.
        layer: where the vectors re-enter.
        workers: blocks at once, see `tasks.run_tasks`.
        folder: where finished blocks are kept and looked for; None for nowhere.
        progress: called with the number of images done since the last call.
    """
    blocks = [slice(start, start + HAIR_BLOCK) for start in range(0, len(latents), HAIR_BLOCK)]
    known = folder if digest_of(models.generator) else None
    tasks = [
        (models, segmenter, latents[rows], vectors[rows], grid, layer, known) for rows in blocks
    ]
    together = workers
    if device_of(segmenter).type != "cpu" and workers is None:
        together = 1
    found = []
    for overlaps in run_tasks(block_stability, tasks, together, models):
        found.append(overlaps)
        if progress is not None:
            progress(overlaps.size + len(overlaps))
    return np.concatenate(found)


def block_stability(
    models: Models,
    segmenter: HairSegmenter,
    latents: np.ndarray,
    vectors: np.ndarray,
    grid: np.ndarray,
    layer: str,
    folder: Path | None = None,
) -> np.ndarray:
    """The overlaps (C, S) of one block: from its file, or made and written there."""

    def make() -> np.ndarray:
        moved = edited_grid(latents, vectors, grid)
        cases = zip(latents, moved, strict=True)
        return np.stack([_overlaps(models, segmenter, *case, layer) for case in cases])

    inputs = (digest_of(models.generator), models.dtype, segmenter.digest, latents, vectors, grid)
    return kept_block(folder, KIND, (*inputs, layer), make)


@torch.inference_mode()
def _overlaps(
    models: Models, segmenter: HairSegmenter, latents: np.ndarray, moved: np.ndarray, layer: str
) -> np.ndarray:
    """(S,) overlaps of one case."""
    masks = segmenter(models.synthesize(np.concatenate([latents[None], moved]), layer))
    return mask_iou(masks[1:], masks[:1].expand(len(moved), -1, -1, -1)).cpu().numpy()
