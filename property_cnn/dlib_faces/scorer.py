"""The scorer that reads properties, and who is seen, by dlib (King 2009)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from property_cnn.common.prompt import Shown, brief, extra_module
from property_cnn.dlib_faces.files import (
    EMBEDDING_FILE,
    POINTS_FILE,
    SHA256,
    checked_file,
    dlib_folder,
)
from property_cnn.dlib_faces.measures import POINTS, VERSION, measures
from property_cnn.landmarks.scorer import check_square
from property_cnn.pictures import to_bytes
from property_cnn.properties import DLIB_PROPERTIES

FIND_SIDE = 192
"""Side of the images in which faces are sought: those of aligned photographs are half as wide, and
dlib finds none below 80 pixels."""

READ_SIDE = 1024
"""Side of the images in which points are placed: dlib rounds them to whole pixels."""

CHIP_SIDE, CHIP_PADDING = 150, 0.25
"""Of the crops that the embedding's network was trained on."""

SIZE = 128
"""Numbers of an embedding."""

SAME_PERSON = 0.6
"""Largest distance of two embeddings that dlib's author takes for one person's."""


class DlibScorer(Shown):
    """Reads properties off images of one face each; of several faces the largest counts.

    dlib runs on the CPU, one image at a time, and holds Python's lock meanwhile.

    Args:
        folder: of the files that `vectorfind fetch dlib` leaves.

    Attributes:
        properties: names of the columns that it answers.
        same_person: see `SAME_PERSON`.
        digest: names the files and the version of what is made of them.

    Raises:
        CheckpointError: a file is missing or another.
        MissingError: the package dlib is not installed.
    """

    properties = DLIB_PROPERTIES
    same_person = SAME_PERSON
    thread_safe = True
    device = torch.device("cpu")

    def __init__(self, folder: Path):
        dlib = extra_module("dlib", "dlib")
        points, embedding = (checked_file(folder, name) for name in (POINTS_FILE, EMBEDDING_FILE))
        self._dlib, self._lock, self._folder = dlib, Lock(), folder
        self._detector = dlib.get_frontal_face_detector()
        self._predictor = dlib.shape_predictor(str(points))
        self._network = dlib.face_recognition_model_v1(str(embedding))
        text = json.dumps([SHA256, dlib.__version__, VERSION], sort_keys=True)
        self.digest = hashlib.sha256(text.encode()).hexdigest()[:16]

    def facts(self) -> dict[str, str]:
        """What it reads, and which files it has."""
        return {"properties": brief(self.properties), "digest": self.digest}

    def __reduce__(self) -> tuple:
        """dlib's networks are not copied to other processes; these load them."""
        return DlibScorer, (self._folder,)

    def __call__(self, images: Tensor) -> Tensor:
        """Scores, columns as in `properties`; see `property_cnn.dlib_faces.measures.measures`.

        Args:
            images: (N, 3, R, R) floats in [-1, 1], any size and device.

        Returns:
            (N, P) float32; rows of NaN where no face is found.

        Raises:
            ScorerError: the images have another shape.
        """
        check_square(images)
        faces = [self._face(image) for image in images]
        return self._scores([None if face is None else face[1] for face in faces])

    def scores_and_embeddings(self, images: Tensor) -> tuple[Tensor, np.ndarray]:
        """As `__call__`, and what tells people apart.

        Returns:
            Scores (N, P); embeddings (N, 128) float32, whose Euclidean distance is up to
            `SAME_PERSON` for one person. Rows of NaN where no face is found.
        """
        check_square(images)
        faces = [self._face(image) for image in images]
        embeddings = np.full((len(images), SIZE), np.nan, np.float32)
        for row, face in enumerate(faces):
            if face is not None:
                embeddings[row] = self._embedding(*face)
        return self._scores([None if face is None else face[1] for face in faces]), embeddings

    def _face(self, image: Tensor):
        """The image's pixels (R, R, 3) and dlib's points of its largest face; None without one."""
        image = image.to("cpu", torch.float32)
        if not bool(image.isfinite().all()):
            return None
        small, large = _pixels(image, (FIND_SIDE, READ_SIDE))
        with self._lock:
            boxes = self._detector(small, 0)
            if not len(boxes):
                return None
            box, scale = max(boxes, key=lambda each: each.area()), READ_SIDE / FIND_SIDE
            ends = (box.left(), box.top(), box.right(), box.bottom())
            where = self._dlib.rectangle(*(round(end * scale) for end in ends))
            return large, self._predictor(large, where)

    def _embedding(self, pixels: np.ndarray, points) -> np.ndarray:
        with self._lock:
            chip = self._dlib.get_face_chip(pixels, points, size=CHIP_SIDE, padding=CHIP_PADDING)
            return np.array(self._network.compute_face_descriptor(chip), np.float32)

    @staticmethod
    def _scores(found: list) -> Tensor:
        points = torch.full((len(found), POINTS, 2), torch.nan)
        for row, shape in enumerate(found):
            if shape is not None:
                points[row] = torch.tensor([(part.x, part.y) for part in shape.parts()])
        scores = measures(points)
        return torch.where(scores.isfinite().all(1)[:, None], scores, torch.nan)


def load_dlib_scorer(folder: Path | None = None) -> DlibScorer:
    """The scorer with the files of `vectorfind fetch dlib`.

    Args:
        folder: of the files; None for the place where they are fetched to.

    Raises:
        CheckpointError, MissingError: see `DlibScorer`.
    """
    return DlibScorer(dlib_folder() if folder is None else folder)


def _pixels(image: Tensor, sides: Sequence[int]) -> list[np.ndarray]:
    """(3, R, R) in [-1, 1] as bytes (side, side, 3), of each side."""
    levels = to_bytes(image)
    picture = Image.fromarray(np.ascontiguousarray(levels.permute(1, 2, 0).numpy()))
    return [np.array(picture.resize((side, side), Image.Resampling.BILINEAR)) for side in sides]
