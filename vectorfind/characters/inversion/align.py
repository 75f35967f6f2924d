"""Faces cut out of photographs as those of FFHQ were, which generators of faces learned from.

Karras, Laine and Aila, "A style-based generator architecture for generative adversarial networks"
(2019), section on the data set: a square by the eyes and the corners of the mouth. Where it leaves
the picture, this is mirrored at its borders, and blurred the more the further out.

Places are x, y in pixels, (0, 0) the picture's upper left corner.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from scipy import ndimage

from property_cnn.common.errors import InputError
from property_cnn.landmarks.crops import Squares, cut, squared
from property_cnn.landmarks.measures import LEFT_EYE, MOUTH_CORNERS, RIGHT_EYE

BY_EYES, BY_MOUTH = 2.0, 1.8
"""Half a side in distances of the eyes, or of the eyes from the mouth; the larger counts."""

LOWER = 0.1
"""How far below the eyes the square's middle is, as a share of the way to the mouth."""

_BORDER, _LEAST_BORDER = 0.1, 3  # kept around the square, in its sides; in pixels
_PADDED, _BLUR = 0.3, 0.02  # least padding, and deviation of the blur, in the square's sides
_MOST_PADDED = 2.0  # most padding in the square's sides


@dataclass(frozen=True, eq=False)
class FaceSquare:
    """A rolled square in a picture.

    Attributes:
        middle: (2,) x, y.
        right: (2,) from there to the middle of its right edge.
    """

    middle: np.ndarray
    right: np.ndarray

    @property
    def side(self) -> float:
        """Its length in pixels."""
        return 2 * float(np.hypot(*self.right))

    @property
    def down(self) -> np.ndarray:
        """(2,) from its middle to the middle of its lower edge."""
        return np.array([-self.right[1], self.right[0]])

    @property
    def corners(self) -> np.ndarray:
        """(4, 2): upper left, lower left, lower right, upper right."""
        signs = np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]], np.float64)
        return self.middle + signs @ np.stack([self.right, self.down])


def face_square(points: np.ndarray) -> FaceSquare:
    """The square that FFHQ has around a face.

    Args:
        points: (468, 2) or (468, 3) landmarks in the picture's pixels.

    Raises:
        InputError: eyes and mouth are in one place.
    """
    places = np.asarray(points, np.float64)[:, :2]
    left, right = (places[list(eye)].mean(0) for eye in (LEFT_EYE, RIGHT_EYE))
    return square_of(left, right, places[list(MOUTH_CORNERS)].mean(0))


def square_of(left_eye: np.ndarray, right_eye: np.ndarray, mouth: np.ndarray) -> FaceSquare:
    """The same from the middles (2,) of the eyes and of the corners of the mouth."""
    across, eyes = right_eye - left_eye, (left_eye + right_eye) / 2
    down = mouth - eyes
    right = across + np.array([down[1], -down[0]])  # `down` turned back by a right angle
    length = np.hypot(*right)
    if not length > 0:
        raise InputError("the landmarks of the face are all in one place; give another picture")
    half = max(BY_EYES * np.hypot(*across), BY_MOUTH * np.hypot(*down))
    return FaceSquare(eyes + LOWER * down, right / length * half)


def cut_face(picture: np.ndarray, square: FaceSquare, size: int) -> np.ndarray:
    """What the square shows, level, (size, size, 3) uint8; each pixel is a mean of what it covers.

    Args:
        picture: (H, W, 3) uint8.
        square: in it, which may leave it.
        size: side in pixels.

    Raises:
        InputError: the square is so far outside that little of it would be the picture's.
    """
    shrunk = max(1, int(square.side / size / 2))
    pixels = picture
    if shrunk > 1:
        pixels = np.asarray(Image.fromarray(picture).reduce(shrunk))
        square = FaceSquare(square.middle / shrunk, square.right / shrunk)
    part, low = _surroundings(pixels, square)
    images = squared(torch.from_numpy(part / 127.5 - 1).float().movedim(2, 0)[None])
    middle, along = (np.stack([v]) / images.shape[-1] for v in (square.middle - low, square.right))
    squares = Squares(torch.from_numpy(middle).float(), torch.from_numpy(2 * along).float())
    face = cut(images, squares, size)[0].movedim(0, 2).numpy()
    return np.rint((face.clip(-1, 1) + 1) * 127.5).astype(np.uint8)


def _surroundings(pixels: np.ndarray, square: FaceSquare) -> tuple[np.ndarray, np.ndarray]:
    """The square's surroundings (h, w, 3) float64, padded, and their upper left corner (2,)."""
    size = np.array(pixels.shape[1::-1])
    border = max(round(_BORDER * square.side), _LEAST_BORDER)
    low = np.floor(square.corners.min(0)).astype(int) - border
    high = np.ceil(square.corners.max(0)).astype(int) + border
    start, stop = low.clip(0, size), high.clip(0, size)
    outside = np.stack([start - low, high - stop])  # left, top; right, bottom
    if (stop <= start).any() or outside.max() > _MOST_PADDED * square.side:
        raise InputError("most of the face is outside the picture; give another one")
    part = pixels[start[1] : stop[1], start[0] : stop[0]].astype(np.float64)
    if outside.max() <= border:  # at most the border, of which the face shows nothing
        return np.pad(part, (*_pairs(outside), (0, 0)), "edge"), low
    pads = np.maximum(outside, round(_PADDED * square.side))
    part = np.pad(part, (*_pairs(pads), (0, 0)), "reflect" if min(part.shape[:2]) > 1 else "edge")
    return _blurred(part, pads, _BLUR * square.side), start - pads[0]


def _pairs(pads: np.ndarray) -> tuple[tuple[int, int], tuple[int, int]]:
    """Padding (2, 2) of left, top; right, bottom as NumPy has it: of rows, then of columns."""
    return (pads[0, 1], pads[1, 1]), (pads[0, 0], pads[1, 0])


def _blurred(part: np.ndarray, pads: np.ndarray, deviation: float) -> np.ndarray:
    """The padding blurred from the picture's border on, and grey where it ends."""
    rows, columns = (
        1 - np.minimum(np.arange(n) / before, np.arange(n)[::-1] / after)
        for n, (before, after) in zip(part.shape[:2], _pairs(pads), strict=True)
    )
    outward = np.maximum(rows[:, None], columns)[..., None]  # 0 at the border, 1 at the end
    smooth = ndimage.gaussian_filter(part, (deviation, deviation, 0))
    part = part + (smooth - part) * np.clip(3 * outward + 1, 0, 1)
    return part + (np.median(part, axis=(0, 1)) - part) * np.clip(outward, 0, 1)
