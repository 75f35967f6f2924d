"""Random crops of labelled images: another scale, a window, mirrored, in another light.

The usual training of segmenters, as e.g. in MMSegmentation: scale, crop, flip, photometric
distortion. Every crop is a function of the image and a random stream alone.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance

from property_cnn.segmentation.settings import IGNORED, ScheduleSettings

_LIGHT = 0.125  # of the whole range; MMSegmentation's 32 of 255
_FACTORS = (0.5, 1.5)  # of contrast and saturation
_HUE = 18  # of 256 steps


def random_crop(
    picture: np.ndarray,
    labels: np.ndarray,
    settings: ScheduleSettings,
    stream: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """A crop of an image and its labels, of the settings' size.

    Args:
        picture: (H, W, 3) uint8.
        labels: (H, W) uint8.
        settings: size of the crop, scales, and which changes.
        stream: draws them, the same number of values whatever they are.

    Returns:
        (height, width, 3) and (height, width) uint8; what lies beyond the image is black and
        labelled 255.
    """
    scale, left, top, mirrored, *lights = stream.random(12)
    low, high = settings.scales
    factor = low + (high - low) * scale
    box, size, place = _window(labels.shape, factor, (settings.height, settings.width), left, top)
    pixels = np.zeros((settings.height, settings.width, 3), np.uint8)
    crop = np.full((settings.height, settings.width), IGNORED, np.uint8)
    image = Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR, box)
    if settings.photometric:
        image = _relit(image, lights)
    where = (slice(place[1], place[1] + size[1]), slice(place[0], place[0] + size[0]))
    pixels[where] = np.asarray(image)
    crop[where] = np.asarray(Image.fromarray(labels).resize(size, Image.Resampling.NEAREST, box))
    if settings.flip and mirrored < 0.5:
        return pixels[:, ::-1], crop[:, ::-1]
    return pixels, crop


def _window(
    shape: tuple[int, int], factor: float, crop: tuple[int, int], left: float, top: float
) -> tuple[tuple[float, float, float, float], tuple[int, int], tuple[int, int]]:
    """Box of the image that is shown, its size in the crop, and where in the crop it begins."""
    box, size, place = [0.0] * 4, [0, 0], [0, 0]
    for axis, share in ((1, left), (0, top)):
        whole, wanted = shape[axis], crop[axis]
        scaled = whole * factor
        at = 1 - axis  # x first in boxes, y first in shapes
        if scaled >= wanted:
            start = share * (scaled - wanted)
            box[at], box[at + 2], size[at] = start / factor, (start + wanted) / factor, wanted
        else:
            box[at], box[at + 2], size[at] = 0.0, float(whole), max(1, round(scaled))
            place[at] = int(share * (wanted - size[at] + 1))
        box[at + 2] = min(box[at + 2], float(whole))
    return tuple(box), tuple(size), tuple(place)


def _relit(image: Image.Image, draws: list[float]) -> Image.Image:
    """Light, contrast, saturation and hue, each changed in a random half of the images."""
    chosen, amounts = draws[:4], draws[4:]
    factors = [_FACTORS[0] + (_FACTORS[1] - _FACTORS[0]) * amount for amount in amounts]
    if chosen[0] < 0.5:
        shift = round(255 * _LIGHT * (2 * amounts[0] - 1))
        image = image.point([min(255, max(0, value + shift)) for value in range(256)] * 3)
    if chosen[1] < 0.5:
        image = ImageEnhance.Contrast(image).enhance(factors[1])
    if chosen[2] < 0.5:
        image = ImageEnhance.Color(image).enhance(factors[2])
    if chosen[3] < 0.5:
        hue, *others = image.convert("HSV").split()
        turn = round(_HUE * (2 * amounts[3] - 1))
        hue = hue.point([(value + turn) % 256 for value in range(256)])
        image = Image.merge("HSV", (hue, *others)).convert("RGB")
    return image
