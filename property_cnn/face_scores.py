"""The eight raw property scores of a face, from its image and its face-parsing map.

The definitions are those of the reference system (docs/properties.md). Its pixel counts
belong to maps of 224 × 224; for maps of another side S they are scaled by S / 224, and lengths
are given back in pixels of a 224-pixel map, so that scores of different sizes compare.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from property_cnn.common.errors import InputError
from property_cnn.faces.classes import Part
from property_cnn.properties import MASK_PROPERTIES, PROPERTIES

MAP_SIZE = 224
"""Side in pixels of the parsing maps that the scores are defined for."""

VERSION = 1
"""Raised when the scores of the same image and map change, so that stored scores grow stale."""

NO_HAIR_COLOR = 127.5
NO_BACKGROUND_MEAN, NO_BACKGROUND_STD = 127.5, 0.0
NO_HAIRSTYLE = 0.45

MIN_ROW_HAIR = 20  # hair pixels that make a row count for the length
MIN_LAST_ROW_HAIR = 10  # hair pixels of half the last row that add nothing yet
STYLE_BLOCK = 4  # side of the blocks whose differences tell curls; compared two blocks apart
STYLE_FLOOR = 5.0  # grey levels added to the horizontal difference


def parsing_scores(images: Tensor, maps: Tensor) -> Tensor:
    """Raw scores of faces, columns in the order of `property_cnn.properties.PROPERTIES`.

    Args:
        images: (N, 3, h, w) in [-1, 1]; resized bilinearly to the maps' side where it differs.
        maps: (N, S, S) class ids of `Part`; square, S = 224 unless there is a reason.

    Returns:
        (N, 8) float32: eyes in pixels; hair_color, background_mean and background_std in grey
        levels 0..255; hair_length in rows; mouth a share in [0, 1]; pose a slope (positive where
        the viewer sees the head rolled clockwise); hairstyle a ratio. Faces without the part get
        eyes 0, hair_color 127.5, hair_length 0, mouth 0, pose 0, background 127.5 and 0,
        hairstyle 0.45.

    Raises:
        InputError: the shapes are not those above.
    """
    if images.ndim != 4 or images.shape[1] != 3:
        raise InputError(f"images are (N, 3, height, width), not {tuple(images.shape)}")
    if maps.ndim != 3 or maps.shape[1] != maps.shape[2] or len(maps) != len(images):
        raise InputError(
            f"maps are (N, S, S) with one map an image, not {tuple(maps.shape)} "
            f"for {len(images)} images"
        )
    eyes, pose = eye_scores(maps == Part.LEFT_EYE, maps == Part.RIGHT_EYE)
    others = hair_and_background_scores(images, maps == Part.HAIR, maps == Part.BACKGROUND)
    columns = {"eyes": eyes, "mouth": mouth_opening(maps), "pose": pose}
    columns |= dict(zip(MASK_PROPERTIES, others.unbind(1), strict=True))
    return torch.stack([columns[name] for name in PROPERTIES], dim=1).float()


def hair_and_background_scores(images: Tensor, hair: Tensor, background: Tensor) -> Tensor:
    """Raw scores that need only masks, columns in the order of `MASK_PROPERTIES`.

    Args:
        images: (N, 3, h, w) in [-1, 1]; resized bilinearly to the masks' side where it differs.
        hair, background: (N, S, S) bool masks.

    Returns:
        (N, 5) in float64; see `parsing_scores`.
    """
    grey = images.float().add(1).mul(127.5).mean(dim=1, keepdim=True)  # (N, 1, h, w) in 0..255
    side = hair.shape[-1]
    if grey.shape[-2:] != (side, side):
        grey = F.interpolate(grey, (side, side), mode="bilinear", align_corners=False)
    grey = grey[:, 0]  # (N, S, S)
    mean, std = background_scores(grey, background)
    columns = {
        "hair_color": hair_color(grey, hair),
        "hair_length": hair_length(hair),
        "background_mean": mean,
        "background_std": std,
        "hairstyle": hairstyle(grey, hair),
    }
    return torch.stack([columns[name].double() for name in MASK_PROPERTIES], dim=1)


def eye_scores(left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """Opening of the wider eye, and slope of the line between the eyes.

    Args:
        left, right: (N, S, S) bool masks of the eye with the smaller and the larger x.

    Returns:
        (N,) opening in pixels of a 224-pixel map: the eye's largest vertical extent in a column
        times |cos| of the angle between its long axis and the x axis; (N,) slope: difference of
        the centroids' y (downward) over their distance in x (at least one pixel).
    """
    left_opening, left_x, left_y, left_seen = _eye(left)
    right_opening, right_x, right_y, right_seen = _eye(right)
    slope = (right_y - left_y) / (right_x - left_x).abs().clamp(min=1)
    return torch.maximum(left_opening, right_opening), slope * (left_seen & right_seen)


def _eye(mask: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Opening, centroid x and y (0 where there is no eye), and whether there is one; all (N,)."""
    side = mask.shape[-1]
    position = torch.arange(side, device=mask.device)
    rows = position.to(torch.int16).unsqueeze(1)  # (S, 1)
    last = torch.where(mask, rows, -1).amax(dim=1)
    first = torch.where(mask, rows, side).amin(dim=1)
    extent = (last - first + 1).clamp(min=0).amax(dim=1).double()  # (N,)

    # Moments sum x^i y^j: whole numbers, so that nothing is lost in a sum along a row.
    powers = torch.stack([position**0, position, position**2], dim=1)  # (S, 3)
    along_rows = (mask.float() @ powers.float()).double()  # (N, S, 3)
    moments = powers.double().T @ along_rows  # (N, 3, 3): [j of y, i of x]
    count = moments[:, 0, 0].clamp(min=1)
    x, y = moments[:, 0, 1] / count, moments[:, 1, 0] / count
    variance_x = moments[:, 0, 2] / count - x * x
    variance_y = moments[:, 2, 0] / count - y * y
    covariance = moments[:, 1, 1] / count - x * y
    angle = torch.atan2(2 * covariance, variance_x - variance_y) / 2  # of the long axis
    opening = extent * angle.cos().abs() * (MAP_SIZE / side)
    return opening, x, y, moments[:, 0, 0] > 0


def mouth_opening(maps: Tensor) -> Tensor:
    """(N,) inner-mouth pixels over inner-mouth and lip pixels; 0 where there is neither."""
    inner = (maps == Part.INNER_MOUTH).sum(dim=(1, 2))
    lips = ((maps == Part.UPPER_LIP) | (maps == Part.LOWER_LIP)).sum(dim=(1, 2))
    return inner / (inner + lips).clamp(min=1)


def hair_color(grey: Tensor, hair: Tensor) -> Tensor:
    """(N,) mean grey level of the middle 80 % of the hair pixels; 127.5 without hair."""
    mean, _, count = trimmed_moments(grey, hair, 0.1)
    return torch.where(count > 0, mean, NO_HAIR_COLOR)


def background_scores(grey: Tensor, background: Tensor) -> tuple[Tensor, Tensor]:
    """(N,) mean and (N,) population standard deviation of the background's upper half.

    The darkest and the brightest 5 % of its pixels are left out; 127.5 and 0 without background.
    """
    upper = grey.shape[-1] // 2
    mean, std, count = trimmed_moments(grey[:, :upper], background[:, :upper], 0.05)
    some = count > 0
    return torch.where(some, mean, NO_BACKGROUND_MEAN), torch.where(some, std, NO_BACKGROUND_STD)


def trimmed_moments(grey: Tensor, mask: Tensor, share: float) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, population standard deviation and count of masked pixels, the extremes left out.

    Args:
        grey: (N, h, w) values.
        mask: (N, h, w) bool, the pixels that count.
        share: part of the sorted pixels left out at either end, rounded down to whole pixels.

    Returns:
        (N,) mean and (N,) deviation of the kept pixels (0 where there are none), and (N,) how
        many masked pixels there were.
    """
    count = mask.sum(dim=(1, 2))
    rank = torch.arange(int(count.max()) if len(count) else 0, device=grey.device)
    values = grey.new_full((len(grey), len(rank)), torch.inf)
    values[rank < count.unsqueeze(1)] = grey[mask]  # each image's pixels first, in one row
    values = _sorted(values)
    dropped = (count.double() * share + 1e-9).floor().unsqueeze(1)  # (N, 1)
    kept = (rank >= dropped) & (rank < count.unsqueeze(1) - dropped)
    number = kept.sum(dim=1).clamp(min=1)
    mean = values.masked_fill(~kept, 0).sum(dim=1) / number
    square = (values - mean.unsqueeze(1)).masked_fill(~kept, 0).square().sum(dim=1)
    return mean, (square / number).sqrt(), count


def _sorted(values: Tensor) -> Tensor:
    """Rows in rising order; on a CPU by numpy, whose sort of floats is many times faster."""
    if values.device.type == "cpu":
        return torch.from_numpy(np.sort(values.numpy(), axis=1))
    return values.sort(dim=1).values


def hair_length(hair: Tensor) -> Tensor:
    """(N,) length of the hair in rows of a 224-pixel map; see docs/properties.md.

    Args:
        hair: (N, S, S) bool mask.
    """
    side = hair.shape[-1]
    unit = side / MAP_SIZE
    long_rows = hair[:, side // 4 :].sum(dim=2) >= MIN_ROW_HAIR * unit  # (N, 3/4 S)
    halves = torch.stack([hair[:, -1, : side // 2], hair[:, -1, side - side // 2 :]], dim=1)
    beyond = (halves.sum(dim=2) / unit - MIN_LAST_ROW_HAIR).clamp(min=0) / 2  # (N, 2)
    return long_rows.sum(dim=1) / unit + beyond.sum(dim=1)


def hairstyle(grey: Tensor, hair: Tensor) -> Tensor:
    """(N,) how much more the hair varies downward than sideways; 0.45 without enough hair.

    The lower half is cut into blocks of 4 × 4 pixels. A block counts where it, and the blocks
    8 pixels below, left and right of it, are all hair. It gives the difference of its mean grey
    level to the block below, over the larger difference to its left and right plus 5.

    Args:
        grey: (N, S, S) in 0..255.
        hair: (N, S, S) bool mask.
    """
    side = grey.shape[-1]
    block = max(1, round(STYLE_BLOCK * side / MAP_SIZE))
    lower = side // 2
    both = torch.stack([hair.to(grey.dtype), grey], dim=1)[:, :, lower:]  # (N, 2, S/2, S)
    share, value = F.avg_pool2d(both, block).unbind(dim=1)  # (N, S/8, S/4) each
    full = share > 1 - 1e-4
    centre, below = (slice(0, -2), slice(2, -2)), (slice(2, None), slice(2, -2))
    left, right = (slice(0, -2), slice(0, -4)), (slice(0, -2), slice(4, None))
    counts = full[:, *centre] & full[:, *below] & full[:, *left] & full[:, *right]
    vertical = (value[:, *centre] - value[:, *below]).abs()
    horizontal = torch.maximum(
        (value[:, *centre] - value[:, *left]).abs(), (value[:, *centre] - value[:, *right]).abs()
    )
    ratio = (vertical / (horizontal + STYLE_FLOOR)) * counts
    number = counts.sum(dim=(1, 2))
    return torch.where(number > 0, ratio.sum(dim=(1, 2)) / number.clamp(min=1), NO_HAIRSTYLE)
