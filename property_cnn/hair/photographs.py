"""A teacher of hair on photographs, put together from networks that know people but not hair.

Who is there tells MediaPipe's selfie segmentation, and where the face is its landmarks: a prior for
what is hair, skin or clothes. What these look like in this very image is then read off its colours,
by turns with which pixel is which: a simple form of GrabCut (Rother et al. 2004) with histograms
and without cuts. The masks follow the image's edges by the guided filter (He et al. 2010).
"""

from __future__ import annotations

import os

import torch
import torch.nn.functional as F
from torch import Tensor

from property_cnn.common.files import bytes_digest
from property_cnn.common.networks import BatchedNetwork
from property_cnn.fetching import needed_path
from property_cnn.landmarks.files import FACE, PERSON, load_network
from property_cnn.landmarks.graph import GraphNetwork
from property_cnn.landmarks.scorer import (
    FACE_LOGIT,
    LandmarksScorer,
    check_square,
    load_landmarks_scorer,
    resized,
)
from property_cnn.segmentation.teachers import hair_probability

CLASSES = ("background", "hair", "skin", "clothes")
BACKGROUND, HAIR, SKIN, CLOTHES = range(4)

SIDE = 224
"""Of the images that are looked at, and of the masks."""

VERSION = 1
"""Raised when the same image gets another mask, so that stored masks grow stale."""

# fmt: off
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)
# fmt: on
"""Landmarks around the face, in order."""

FOREHEAD, CHIN, LEFT, RIGHT = 10, 152, 234, 454

_BINS = 16  # of a colour's each axis
_ROUNDS = 4
_CHEEKS = 0.65  # of the way from the forehead to the chin
_UNKNOWN = 2e-4  # likelihood of a colour of hair not seen yet
_RADIUS, _FLATNESS = 0.02, 1e-3  # of the guided filter, in sides and squared lightness
_PRIOR = (  # hair, skin, clothes
    (0.02, 0.97, 0.01),  # in the face below the forehead
    (0.25, 0.73, 0.02),  # on the forehead
    (0.60, 0.34, 0.06),  # above the face
    (0.30, 0.66, 0.04),  # above the forehead
    (0.68, 0.26, 0.06),  # beside the face
    (0.60, 0.22, 0.18),  # beside the chin
    (0.20, 0.45, 0.35),  # below the chin
    (0.75, 0.05, 0.20),  # the shoulders
)


class PersonSegmenter(BatchedNetwork):
    """Tells where people are.

    Args:
        network: of the kind `PERSON`.
        device, batch_size: see `BatchedNetwork`.
    """

    network: GraphNetwork

    def __init__(
        self,
        network: GraphNetwork,
        device: str | torch.device | None = None,
        batch_size: int = 8,
    ):
        super().__init__(network, device, batch_size)

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """(N, 1, R, R) float32 probabilities of a person, of images (N, 3, R, R) in [-1, 1].

        Raises:
            ScorerError: the images have another shape.
        """
        check_square(images)
        side = PERSON.side
        masks = [torch.empty(0, 1, side, side, device=self.device)]
        for batch in images.split(self.batch_size) if len(images) else ():
            inside = resized(batch.to(self.device, torch.float32), side).clamp(-1, 1).add(1).div(2)
            (found,) = self.network(inside.contiguous(memory_format=torch.channels_last))
            masks.append(found.view(-1, 1, side, side))
        return resized(torch.cat(masks), images.shape[-1])


class PhotographTeacher:
    """Hair, skin, clothes and background of photographs of one upright face each; a `Teacher`.

    Args:
        person: tells where people are.
        landmarks: tells where faces are.

    Attributes:
        classes, hair, digest: see `property_cnn.segmentation.teachers.Teacher`.
    """

    classes = CLASSES
    hair = HAIR

    def __init__(self, person: PersonSegmenter, landmarks: LandmarksScorer):
        self.person, self.landmarks = person, landmarks
        self.digest = bytes_digest(f"{person.digest} {landmarks.digest} {VERSION}".encode())

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """(N, 4, 224, 224) probabilities of `CLASSES`, of images (N, 3, R, R) in [-1, 1].

        Where no face is found all is background or, by halves, skin and clothes.

        Raises:
            ScorerError: the images have another shape.
        """
        check_square(images)
        none = torch.empty(0, len(CLASSES), SIDE, SIDE, device=self.person.device)
        parts = images.split(self.person.batch_size) if len(images) else ()
        return torch.cat([none, *(self._shares(part) for part in parts)])

    def _shares(self, images: Tensor) -> Tensor:
        points, logits = self.landmarks.landmarks(images)
        found = self.parsed(images, points)[1]
        person = 1 - found[:, BACKGROUND : BACKGROUND + 1]
        bare = torch.cat([1 - person, torch.zeros_like(person), person / 2, person / 2], dim=1)
        seen = logits >= FACE_LOGIT
        return torch.where(seen[:, None, None, None], found, bare)

    def parsed(self, images: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """Images at (224, 224), and their probabilities of `CLASSES`; see `__call__`.

        Args:
            images: (N, 3, R, R) in [-1, 1].
            points: (N, 468, 3) landmarks in pixels of the images.
        """
        points = points[..., :2] * (SIDE / images.shape[-1])
        images = resized(images.to(self.person.device, torch.float32), SIDE).clamp(-1, 1)
        return images, classified(images, self.person(images), points)


class PhotographSegmenter:
    """The teacher's masks of hair, asked for as those of `HairSegmenter`.

    Args:
        teacher: of photographs.
    """

    thread_safe = True

    def __init__(self, teacher: PhotographTeacher):
        self.teacher, self.digest = teacher, teacher.digest

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self.teacher.person.device

    def __call__(self, images: Tensor) -> Tensor:
        """(N, 1, R, R) float32 probabilities of hair, of images (N, 3, R, R) in [-1, 1].

        Raises:
            ScorerError: the images have another shape.
        """
        return hair_probability(self.teacher, images)


def load_person_segmenter(
    path: str | os.PathLike | None = None, device: str | torch.device | None = None
) -> PersonSegmenter:
    """The segmenter with the network in a file of `vectorfind fetch person`, or in a .tflite.

    Args:
        path: None for where `vectorfind fetch person` leaves it.

    Raises:
        CheckpointError: the file is missing, damaged, or holds another network.
    """
    return PersonSegmenter(load_network(path or needed_path(PERSON.fetched), PERSON), device)


def load_photograph_teacher(device: str | torch.device | None = None) -> PhotographTeacher:
    """The teacher with the networks of `vectorfind fetch person` and `fetch landmarks`.

    Raises:
        CheckpointError: one is not there; the text says how to get it.
    """
    landmarks = load_landmarks_scorer(needed_path(FACE.fetched), device)
    return PhotographTeacher(load_person_segmenter(None, device), landmarks)


def classified(images: Tensor, person: Tensor, points: Tensor) -> Tensor:
    """Probabilities of `CLASSES`, (N, 4, S, S), that follow the edges of images.

    Args:
        images: (N, 3, S, S) in [-1, 1].
        person: (N, 1, S, S) probabilities of a person.
        points: (N, 468, 2) landmarks in pixels of the images.
    """
    prior = places(person, points)
    bins = colour_bins(images)
    shares = prior
    for number in range(_ROUNDS):
        seen = likelihoods(bins, shares)
        if number == 0:  # what is above a face may be bald
            seen[:, HAIR] = _UNKNOWN
        shares = prior * seen
        shares = shares / shares.sum(1, keepdim=True)
    shares = guided_filter(images, shares, round(_RADIUS * images.shape[-1]), _FLATNESS).clamp(0, 1)
    hair = hanging(shares[:, HAIR], points)
    shares = torch.cat([shares[:, :HAIR], hair[:, None], shares[:, SKIN:]], dim=1)
    return shares / shares.sum(1, keepdim=True).clamp_min(1e-6)


def places(person: Tensor, points: Tensor) -> Tensor:
    """Probabilities of `CLASSES` by place alone; see `classified`."""
    side = person.shape[-1]
    inside = in_polygon(points[:, OVAL], side)
    across, down = face_frame(points, side)
    prior = person.new_tensor(_PRIOR)  # (places, 3)
    forehead = inside & (down < 0.22)
    brow = (down > -0.25) & (across.abs() < 0.75)  # where a hairline may be high
    below, far = down > 1.08, across.abs() > 0.8
    where = [
        inside & ~forehead,
        forehead,
        ~inside & (down < 0) & ~brow,
        ~inside & (down < 0) & brow,
        ~inside & (down >= 0) & (down < 0.85),
        ~inside & (down >= 0.85) & ~below,
        ~inside & below & ~far,
        ~inside & below & far,
    ]
    masks = torch.stack(where, dim=1).to(person.dtype)  # (N, places, S, S)
    parts = torch.einsum("npyx,pc->ncyx", masks, prior)
    parts = smoothed(parts, 0.02 * side)
    kept = person.clamp(0.005, 0.995)
    return torch.cat([1 - kept, kept * parts / parts.sum(1, keepdim=True)], dim=1)


def face_frame(points: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """How far each pixel is across and down a face, (N, S, S) each: (0, 0) is the middle of the
    forehead's upper edge, down is 1 at the chin, across about -1 and 1 at the cheeks' edges.
    """
    top, chin = points[:, FOREHEAD], points[:, CHIN]
    axis = chin - top
    length = torch.linalg.vector_norm(axis, dim=1)
    middle = points[:, (LEFT, RIGHT)].mean(1)
    place = torch.arange(side, device=points.device, dtype=points.dtype) + 0.5
    y, x = torch.meshgrid(place, place, indexing="ij")
    unit = axis / length[:, None]
    ux, uy = unit[:, 0, None, None], unit[:, 1, None, None]
    dx, dy = x - top[:, 0, None, None], y - top[:, 1, None, None]
    down = (dx * ux + dy * uy) / length[:, None, None]
    mx, my = x - middle[:, 0, None, None], y - middle[:, 1, None, None]
    across = (mx * uy - my * ux) / (0.4 * length[:, None, None])
    return across, down


def in_polygon(corners: Tensor, side: int) -> Tensor:
    """(N, S, S) bool: whether pixels lie in polygons (N, K, 2), by the even-odd rule."""
    place = torch.arange(side, device=corners.device, dtype=corners.dtype) + 0.5
    inside = torch.zeros(len(corners), side, side, dtype=torch.bool, device=corners.device)
    for one, other in zip(corners.unbind(1), corners.roll(-1, 1).unbind(1), strict=True):
        (ax, ay), (bx, by) = one.T[..., None], other.T[..., None]  # (N, 1) each
        crossed = (ay > place) != (by > place)  # (N, S) rows
        at = ax + (place - ay) * (bx - ax) / torch.where(by == ay, 1, by - ay)
        inside ^= crossed[:, :, None] & (place < at[:, :, None])
    return inside


def colour_bins(images: Tensor) -> Tensor:
    """(N, S, S) int64 number of each pixel's bin, of lightness and two opponent colours."""
    red, green, blue = images.add(1).div(2).unbind(1)
    light = (red + green + blue) / 3
    warm = 0.5 + 1.5 * (red - green)
    yellow = 0.5 + 1.0 * ((red + green) / 2 - blue)
    axes = [(axis * _BINS).long().clamp(0, _BINS - 1) for axis in (light, warm, yellow)]
    return (axes[0] * _BINS + axes[1]) * _BINS + axes[2]


def likelihoods(bins: Tensor, shares: Tensor) -> Tensor:
    """How likely each class has each pixel's colour, (N, C, S, S), by what it has elsewhere.

    Args:
        bins: (N, S, S) colours.
        shares: (N, C, S, S) of the classes in the pixels; those below half count little.
    """
    n, classes = shares.shape[:2]
    flat = bins.flatten(1)[:, None].expand(-1, classes, -1)
    counts = shares.new_zeros(n, classes, _BINS**3)
    counts.scatter_add_(2, flat, shares.square().flatten(2))
    kernel = shares.new_tensor((0.25, 0.5, 0.25))
    cube = counts.view(n * classes, 1, _BINS, _BINS, _BINS)
    for axis in range(3):
        shape = [1, 1, 1, 1, 1]
        shape[2 + axis] = 3
        padding = [0, 0, 0]
        padding[axis] = 1
        cube = F.conv3d(cube, kernel.view(shape), padding=padding)
    whole = cube.view(n, classes, -1)
    whole = whole / (whole.sum(2, keepdim=True) + 1e-6) + 1e-5
    return whole.gather(2, flat).view_as(shares)


def hanging(hair: Tensor, points: Tensor) -> Tensor:
    """Hair below the cheeks counts where it hangs down from there: (N, S, S) of (N, S, S)."""
    top, chin = points[:, FOREHEAD, 1], points[:, CHIN, 1]
    cheeks = top + _CHEEKS * (chin - top)
    rows = [hair[:, 0]]
    for y in range(1, hair.shape[1]):
        above = F.max_pool1d(rows[-1][:, None], 5, 1, 2)[:, 0]
        free = (cheeks > y)[:, None]
        rows.append(torch.where(free, hair[:, y], torch.minimum(hair[:, y], above)))
    return torch.stack(rows, dim=1)


def smoothed(maps: Tensor, sigma: float) -> Tensor:
    """Maps (N, C, S, S) blurred by a Gaussian of `sigma` pixels."""
    reach = max(1, round(3 * sigma))
    place = torch.arange(-reach, reach + 1, device=maps.device, dtype=maps.dtype)
    weights = torch.exp(-(place**2) / (2 * sigma**2))
    weights = weights / weights.sum()
    maps = F.pad(maps, (reach,) * 4, mode="replicate")
    channels = maps.shape[1]
    down = weights.view(1, 1, -1, 1).expand(channels, -1, -1, -1)
    maps = F.conv2d(maps, down, groups=channels)
    return F.conv2d(maps, down.transpose(2, 3), groups=channels)


def guided_filter(guides: Tensor, maps: Tensor, radius: int, flatness: float) -> Tensor:
    """Maps (N, C, S, S) that follow the edges of grey guides; He et al. 2010.

    Args:
        guides: (N, 3, S, S) images in [-1, 1], of which the lightness guides.
        maps: to filter.
        radius: of the windows, in pixels.
        flatness: variance of lightness in [0, 1] below which a window counts as flat.
    """
    grey = guides.add(1).div(2).mean(1, keepdim=True)
    mean, mean_map = _box(grey, radius), _box(maps, radius)
    slope = (_box(grey * maps, radius) - mean * mean_map) / (
        _box(grey * grey, radius) - mean * mean + flatness
    )
    offset = mean_map - slope * mean
    return _box(slope, radius) * grey + _box(offset, radius)


def _box(maps: Tensor, radius: int) -> Tensor:
    """Means over the parts of windows of 2 · radius + 1 that lie in the maps."""
    return F.avg_pool2d(maps, 2 * radius + 1, 1, radius, count_include_pad=False)
