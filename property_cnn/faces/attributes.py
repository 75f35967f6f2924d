"""Attributes of a rendered face: their names, and how they vary together over people.

An attribute is a standard score: 0 is the average face, +1 one standard deviation towards what
the comment beside its name says, never beyond ±2.5. A population is a Gaussian copula: standard
normal factors, mixed to the correlations of `CORRELATIONS`, then softly limited.
"""

from __future__ import annotations

import math

import numpy as np
import torch

ATTRIBUTES = (
    "gender",  # female cues: fuller lips, thinner brows, narrower jaw
    "age",  # older: folds, greyer hair, thinner lips
    "skin_tone",  # darker skin
    "skin_warmth",  # redder skin
    "face_width",  # wider head
    "face_length",  # lower chin
    "jaw",  # more pointed jaw
    "roll",  # head tilted clockwise, about 7 degrees a unit
    "yaw",  # features turned to the picture's right
    "light_x",  # light from the right
    "light_y",  # light from below
    "light_contrast",  # harder light
    "eye_open",  # lids further apart
    "eye_size",
    "eye_spacing",
    "eye_slant",  # outer corners higher
    "iris_light",  # lighter iris
    "iris_hue",  # from brown to blue and green
    "gaze_x",  # looking to the picture's right
    "gaze_y",  # looking down
    "lashes",  # darker lid line
    "brow_height",
    "brow_thickness",
    "brow_slant",  # inner ends lower
    "nose_width",
    "nose_length",
    "mouth_open",  # lips further apart
    "mouth_width",
    "lip_fullness",
    "lip_redness",
    "smile",  # corners of the mouth higher
    "hair_brightness",
    "hair_warmth",  # redder hair
    "hair_length",
    "hair_volume",
    "hair_curl",  # from straight to curly
    "hair_contrast",  # strands stand out
    "fringe",  # hair over the forehead
    "parting",  # parted on the picture's right
    "clothes_light",
    "clothes_hue",
    "neckline",  # lower neckline
    "background_light",
    "background_hue",
    "background_chroma",  # more colourful
    "background_angle",  # direction of the gradient
    "background_pattern",  # stronger pattern
    "background_phase",  # where the pattern lies
    "glasses",  # shown above +1, fading in from +0.8
    "blur",  # less sharp
    "noise",  # more sensor noise
    "noise_pattern",  # which noise
)

CORRELATIONS = {
    ("gender", "hair_length"): 0.6,
    ("gender", "brow_thickness"): -0.5,
    ("gender", "lip_redness"): 0.5,
    ("gender", "lip_fullness"): 0.35,
    ("gender", "lashes"): 0.5,
    ("gender", "jaw"): 0.5,
    ("gender", "face_width"): -0.25,
    ("gender", "nose_width"): -0.25,
    ("gender", "eye_size"): 0.25,
    ("gender", "smile"): 0.15,
    ("gender", "neckline"): 0.3,
    ("age", "glasses"): 0.35,
    ("age", "eye_open"): -0.2,
    ("age", "lip_fullness"): -0.3,
    ("age", "hair_length"): -0.15,
    ("age", "hair_brightness"): 0.15,
    ("skin_tone", "hair_brightness"): -0.45,
    ("skin_tone", "hair_curl"): 0.35,
    ("skin_tone", "iris_light"): -0.4,
    ("skin_tone", "lip_fullness"): 0.25,
    ("skin_tone", "nose_width"): 0.25,
    ("skin_tone", "skin_warmth"): 0.1,
    ("hair_brightness", "iris_light"): 0.4,
    ("hair_brightness", "hair_warmth"): 0.1,
    ("hair_curl", "hair_volume"): 0.4,
    ("hair_length", "hair_volume"): 0.15,
    ("hair_length", "fringe"): 0.1,
    ("mouth_open", "smile"): 0.25,
    ("mouth_open", "eye_open"): 0.15,
    ("mouth_open", "mouth_width"): -0.1,
    ("smile", "eye_open"): -0.25,
    ("smile", "mouth_width"): 0.35,
    ("eye_open", "brow_height"): 0.35,
    ("eye_open", "eye_size"): 0.2,
    ("roll", "yaw"): 0.3,
    ("yaw", "gaze_x"): -0.3,
    ("face_width", "jaw"): -0.2,
    ("background_light", "light_contrast"): -0.15,
    ("background_light", "clothes_light"): 0.15,
    ("background_pattern", "background_chroma"): 0.25,
    ("blur", "noise"): 0.2,
}
"""Wanted Pearson correlations of the normal factors; the nearest possible ones are used."""

LIMIT = 2.5


def _mixing() -> np.ndarray:
    index = {name: i for i, name in enumerate(ATTRIBUTES)}
    matrix = np.eye(len(ATTRIBUTES))
    for (first, second), value in CORRELATIONS.items():
        matrix[index[first], index[second]] = matrix[index[second], index[first]] = value
    values, vectors = np.linalg.eigh(matrix)
    root = vectors * np.sqrt(values.clip(0.05)) @ vectors.T  # a correlation matrix has none below 0
    return root / np.linalg.norm(root, axis=1, keepdims=True)


_MIXING = torch.from_numpy(_mixing())


def attributes_from_normal(factors: torch.Tensor) -> torch.Tensor:
    """Attributes of the faces that independent standard normal factors stand for.

    Args:
        factors: (N, A) independent standard normal values, A = `len(ATTRIBUTES)`.

    Returns:
        (N, A) correlated attributes in [-2.5, 2.5], a smooth bijection of the factors.
    """
    mixed = factors.double() @ _MIXING.to(factors.device).T  # the same bits in any batch
    return (LIMIT * torch.tanh(mixed / LIMIT)).float()


def sample_attributes(n: int, seed: int, start: int = 0) -> torch.Tensor:
    """(n, A) float32 attributes of the faces `start` … `start + n - 1` of a seed's population.

    A face depends only on the seed and its own number, so any part can be made anywhere.
    """
    width = 4 * math.ceil(len(ATTRIBUTES) / 4)  # the generator counts in steps of four words
    bits = np.random.Philox(key=seed)
    bits.advance(start * width // 4)
    words = np.random.Generator(bits).random((n, width))
    radius = np.sqrt(-2.0 * np.log1p(-words[:, : width // 2]))  # Box-Muller: one draw a factor
    angle = 2.0 * np.pi * words[:, width // 2 :]
    normal = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    factors = torch.from_numpy(normal[:, : len(ATTRIBUTES)].astype(np.float32))
    return attributes_from_normal(factors)
