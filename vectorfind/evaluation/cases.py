"""What the images of all edits of all cases show: their scores, and how far hair stays as it is.

Cases are worked on in blocks, several at once, each image made once; finished blocks are cached in
a folder if one is given. A block's file is named after all that goes into it, so that no block of
another test is ever taken for one of this.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from property_cnn.common.arrays import read_npz, write_npz
from property_cnn.common.errors import CheckpointError
from property_cnn.common.tasks import run_tasks
from property_cnn.hair.segmenter import HairSegmenter
from property_cnn.segmentation.metrics import mask_iou
from vectorfind.directions.edits import CaseEdits, grid_scores
from vectorfind.models.protocols import device_of, digest_of

CASE_BLOCK = 16
"""Most cases a block."""

BLOCK_IMAGES = 4096
"""Most images a block, unless one case has more; so that progress is seen with a large grid too."""

KIND = "vectorfind case scores"


@dataclass(frozen=True, eq=False)
class CaseScores:
    """What the images of C cases' S edits show.

    Attributes:
        scores: (C, S, A) float32; a row of NaN where an image could not be read.
        overlaps: (H, S) IoU of the hair masks of an edited image and of its unedited one,
            of the first H cases. Masks are cut at 0.5; two empty ones agree: 1.
    """

    scores: np.ndarray
    overlaps: np.ndarray


def case_scores(
    edits: CaseEdits,
    segmenter: HairSegmenter | None = None,
    masked: int = 0,
    workers: int | None = None,
    folder: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> CaseScores:
    """Scores of every case moved by every row of a grid, and of some cases the hair's overlaps.

    Args:
        edits: the cases and how they are moved.
        segmenter: tells where hair is; None to measure no overlaps.
        masked: of how many cases, the first ones, it is asked.
        workers: blocks at once, see `tasks.run_tasks`.
        folder: where finished blocks are cached and looked for; None for nowhere. Networks
            without a digest are never looked for.
        progress: called with the number of images done since the last call: each case's edits,
            and each masked one's unedited image.
    """
    models, masked = edits.models, masked if segmenter is not None else 0
    if not all(digest_of(net) for net in (models.generator, models.scorer)):
        folder = None
    size = max(1, min(CASE_BLOCK, BLOCK_IMAGES // len(edits.grid)))
    tasks = [
        (
            edits.some(slice(start, start + size)),
            segmenter,
            min(max(masked - start, 0), size),
            folder,
        )
        for start in range(0, len(edits), size)
    ]
    if workers is None and masked and device_of(segmenter).type != "cpu":
        workers = 1
    blocks = []
    for block in run_tasks(_cached_block, tasks, workers, models):
        blocks.append(block)
        if progress is not None:
            progress(block.scores.shape[0] * block.scores.shape[1] + len(block.overlaps))
    return CaseScores(
        np.concatenate([block.scores for block in blocks]),
        np.concatenate([block.overlaps for block in blocks]),
    )


def _cached_block(
    edits: CaseEdits, segmenter: HairSegmenter | None, masked: int, folder: Path | None
) -> CaseScores:
    """One block: from its file, or made and written there."""
    if folder is None:
        return _block(edits, segmenter, masked)
    models = edits.models
    digests = [digest_of(models.generator), digest_of(models.scorer), models.dtype]
    digests += [segmenter.digest, masked] if masked else []
    arrays = (edits.latents, edits.vectors, edits.grid)
    path = folder / f"{_key(KIND, *digests, *arrays, edits.layer, edits.batch_size)}.npz"
    if path.exists():
        try:
            return CaseScores(**read_npz(path, KIND)[0])
        except (CheckpointError, TypeError):
            pass  # damaged: made again
    block = _block(edits, segmenter, masked)
    write_npz(path, KIND, {"scores": block.scores, "overlaps": block.overlaps}, {})
    return block


def _block(edits: CaseEdits, segmenter: HairSegmenter | None, masked: int) -> CaseScores:
    """One block, made."""
    overlaps = np.empty((masked, len(edits.grid)))
    if not masked:
        return CaseScores(grid_scores(edits), overlaps)
    with torch.inference_mode():
        before = segmenter(edits.models.synthesize(edits.latents[:masked], edits.layer))

    @torch.inference_mode()
    def compare(case: int, images: torch.Tensor) -> None:
        if case < masked:
            after = segmenter(images)
            overlaps[case] = mask_iou(after, before[case].expand_as(after)).cpu().numpy()

    return CaseScores(grid_scores(edits, compare), overlaps)


def _key(*inputs: object) -> str:
    digest = hashlib.sha256()
    for value in inputs:
        is_array = isinstance(value, np.ndarray)
        digest.update(f"|{value.shape}".encode() if is_array else f"|{value}".encode())
        digest.update(np.ascontiguousarray(value).data if is_array else b"")
    return digest.hexdigest()[:24]
