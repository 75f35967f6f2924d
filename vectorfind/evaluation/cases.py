"""What the images of all edits of all cases show: to the scorer, to judges, and of the hair.

Cases are worked on in blocks, several at once, each image made once; finished blocks are cached in
a folder if one is given. A block's file is named after all that goes into it, so that no block of
another test is ever taken for one of this.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch

from property_cnn.common.arrays import read_npz, write_npz
from property_cnn.common.errors import CheckpointError
from property_cnn.common.tasks import run_tasks
from property_cnn.hair.segmenter import HairSegmenter
from property_cnn.segmentation.metrics import mask_iou
from vectorfind.directions.edits import CaseEdits, grid_scores
from vectorfind.models.judges import Judge
from vectorfind.models.protocols import device_of, digest_of

CASE_BLOCK = 16
"""Most cases a block."""

BLOCK_IMAGES = 4096
"""Most images a block, unless one case has more; so that progress is seen with a large grid too."""

KIND = "vectorfind case scores"


@dataclass(frozen=True, eq=False)
class JudgeScores:
    """What a judge reads off the images of C cases and of their S edits.

    Attributes:
        unedited: (C, A) float32 scores; a row of NaN where it cannot read one.
        edited: (C, S, A) the same of the edits.
        cosine, distance: (C, S) float32 of the embeddings of an edit and of the unedited image:
            their cosine, their Euclidean distance; NaN where one is missing.
    """

    unedited: np.ndarray
    edited: np.ndarray
    cosine: np.ndarray
    distance: np.ndarray


@dataclass(frozen=True, eq=False)
class CaseScores:
    """What the images of C cases' S edits show.

    Attributes:
        scores: (C, S, A) float32; a row of NaN where an image could not be read.
        overlaps: (H, S) IoU of the hair masks of an edited image and of its unedited one,
            of the first H cases. Masks are cut at 0.5; two empty ones agree: 1.
        judged: of each judge.
    """

    scores: np.ndarray
    overlaps: np.ndarray
    judged: tuple[JudgeScores, ...] = ()


@dataclass(frozen=True, eq=False)
class Onlookers:
    """Who else looks at the images that are scored.

    Attributes:
        segmenter: tells where hair is; None to measure no overlaps.
        judges: scorers that also read all images, unedited ones too.
    """

    segmenter: HairSegmenter | None = None
    judges: tuple[Judge, ...] = ()


@dataclass(frozen=True)
class _Networks:
    """All networks that a block runs, as `run_tasks` asks of them."""

    networks: tuple[object, ...]

    @property
    def thread_safe(self) -> bool:
        return all(getattr(each, "thread_safe", False) for each in self.networks)

    @property
    def on_cpu(self) -> bool:
        return all(device_of(each).type == "cpu" for each in self.networks)


def case_scores(
    edits: CaseEdits,
    onlookers: Onlookers = Onlookers(),
    masked: int = 0,
    workers: int | None = None,
    folder: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> CaseScores:
    """Scores of every case moved by every row of a grid, and of some cases the hair's overlaps.

    Args:
        edits: the cases and how they are moved.
        onlookers: who else looks at the images.
        masked: of how many cases, the first ones, the segmenter is asked.
        workers: blocks at once, see `tasks.run_tasks`.
        folder: where finished blocks are cached and looked for; None for nowhere. Networks
            without a digest are never looked for.
        progress: called with the number of images done since the last call: each case's edits,
            and the unedited images that were made, see `unedited_images`.
    """
    models, judges = edits.models, onlookers.judges
    masked = masked if onlookers.segmenter is not None else 0
    networks = (models.generator, models.scorer, *(judge.scorer for judge in judges))
    if not all(map(digest_of, networks)):
        folder = None
    size = max(1, min(CASE_BLOCK, BLOCK_IMAGES // len(edits.grid)))
    tasks = [
        (
            edits.some(slice(start, start + size)),
            onlookers,
            min(max(masked - start, 0), size),
            folder,
        )
        for start in range(0, len(edits), size)
    ]
    if workers is None and masked and device_of(onlookers.segmenter).type != "cpu":
        workers = 1
    blocks: list[CaseScores] = []
    for block in run_tasks(_cached_block, tasks, workers, _Networks(networks)):
        blocks.append(block)
        if progress is not None:
            count, edited = block.scores.shape[:2]
            made = unedited_images(count, len(block.overlaps), bool(judges))
            progress(count * edited + made)
    return CaseScores(
        np.concatenate([block.scores for block in blocks]),
        np.concatenate([block.overlaps for block in blocks]),
        tuple(map(_joined, zip(*(block.judged for block in blocks), strict=True))),
    )


def unedited_images(cases: int, masked: int, judged: bool) -> int:
    """How many cases' unedited images are made for onlookers: all for judges, else the masked."""
    return cases if judged else masked


def _cached_block(
    edits: CaseEdits, onlookers: Onlookers, masked: int, folder: Path | None
) -> CaseScores:
    """One block: from its file, or made and written there."""
    if folder is None:
        return _block(edits, onlookers, masked)
    models, judges = edits.models, onlookers.judges
    digests = [digest_of(models.generator), digest_of(models.scorer), models.dtype]
    digests += [onlookers.segmenter.digest, masked] if masked else []
    digests += [f"judge {judge.digest}" for judge in judges]
    if edits.course is not None:
        digests += [edits.course.key, len(edits.groups)]
    arrays = (edits.latents, edits.vectors, edits.grid)
    path = folder / f"{_key(KIND, *digests, *arrays, edits.layer, edits.batch_size)}.npz"
    if path.exists():
        try:
            return _unpacked(read_npz(path, KIND)[0], len(judges))
        except (CheckpointError, KeyError):
            pass  # damaged: made again
    block = _block(edits, onlookers, masked)
    write_npz(path, KIND, _packed(block), {})
    return block


def _packed(block: CaseScores) -> dict[str, np.ndarray]:
    arrays = {"scores": block.scores, "overlaps": block.overlaps}
    for place, read in enumerate(block.judged):
        arrays |= {f"{part.name}_{place}": getattr(read, part.name) for part in fields(read)}
    return arrays


def _unpacked(arrays: Mapping[str, np.ndarray], judges: int) -> CaseScores:
    judged = tuple(
        JudgeScores(**{part.name: arrays[f"{part.name}_{place}"] for part in fields(JudgeScores)})
        for place in range(judges)
    )
    return CaseScores(arrays["scores"], arrays["overlaps"], judged)


def _joined(parts: Sequence[JudgeScores]) -> JudgeScores:
    return JudgeScores(
        **{
            part.name: np.concatenate([getattr(each, part.name) for each in parts])
            for part in fields(JudgeScores)
        }
    )


def _block(edits: CaseEdits, onlookers: Onlookers, masked: int) -> CaseScores:
    """One block, made."""
    size, judges = len(edits.grid), onlookers.judges
    overlaps = np.empty((masked, size))
    unedited = unedited_images(len(edits), masked, bool(judges))
    if not unedited:
        return CaseScores(grid_scores(edits), overlaps)
    with torch.inference_mode():
        images = edits.models.synthesize(edits.latents[:unedited], edits.layer)
        before = onlookers.segmenter(images[:masked]) if masked else None
    readings = [_Reading(judge, images, size) for judge in judges]

    @torch.inference_mode()
    def look(case: int, images: torch.Tensor) -> None:
        if case < masked:
            after = onlookers.segmenter(images)
            overlaps[case] = mask_iou(after, before[case].expand_as(after)).cpu().numpy()
        for reading in readings:
            reading.look(case, images)

    scores = grid_scores(edits, look)
    return CaseScores(scores, overlaps, tuple(reading.scores for reading in readings))


class _Reading:
    """A judge's way through the cases of a block.

    Args:
        judge: who reads.
        images: (C, 3, H, W) of the unedited cases.
        size: edits a case.
    """

    def __init__(self, judge: Judge, images: torch.Tensor, size: int):
        self.judge = judge
        unedited, self._embeddings = judge.read(images)
        count = len(images)
        self.scores = JudgeScores(
            unedited,
            np.full((count, size, len(judge.scored)), np.nan, np.float32),
            *np.full((2, count, size), np.nan, np.float32),
        )

    def look(self, case: int, images: torch.Tensor) -> None:
        """Reads the edits of a case (S, 3, H, W)."""
        self.scores.edited[case], embeddings = self.judge.read(images)
        if self._embeddings is None or embeddings is None:
            return
        after, before = (each.astype(np.float64) for each in (embeddings, self._embeddings[case]))
        lengths = np.linalg.norm(after, axis=1) * np.linalg.norm(before)
        with np.errstate(invalid="ignore", divide="ignore"):
            self.scores.cosine[case] = after @ before / lengths
        self.scores.distance[case] = np.linalg.norm(after - before, axis=1)


def _key(*inputs: object) -> str:
    digest = hashlib.sha256()
    for value in inputs:
        is_array = isinstance(value, np.ndarray)
        digest.update(f"|{value.shape}".encode() if is_array else f"|{value}".encode())
        digest.update(np.ascontiguousarray(value).data if is_array else b"")
    return digest.hexdigest()[:24]
