"""A face of 468 points whose measures are known, and its rotations."""

from __future__ import annotations

import numpy as np

from property_cnn.landmarks import measures as m

EYE_WIDTH, EYE_HEIGHT = 0.5, (0.10, 0.15)  # of the left, of the right
MOUTH_WIDTH, MOUTH_HEIGHT = 0.9, 0.18
EYES, BROWS = 2.0, 0.4  # between outer corners; brows above the corners

KNOWN = {
    "left_eye": EYE_HEIGHT[0] / EYE_WIDTH,
    "right_eye": EYE_HEIGHT[1] / EYE_WIDTH,
    "eyes": sum(EYE_HEIGHT) / 2 / EYE_WIDTH,
    "mouth": MOUTH_HEIGHT / MOUTH_WIDTH,
    "smile": MOUTH_WIDTH / EYES,
    "brows": BROWS / EYES,
}


def face():
    """(468, 3): x to the right, y down, z away; it looks straight at the viewer, upright."""
    points = np.random.default_rng(0).normal(size=(m.POINTS, 3))
    for side, contour, height in (
        (-1, m.LEFT_EYE, EYE_HEIGHT[0]),
        (1, m.RIGHT_EYE, EYE_HEIGHT[1]),
    ):
        outer, inner = side * EYES / 2, side * (EYES / 2 - EYE_WIDTH)
        first, last = (outer, inner) if side < 0 else (inner, outer)
        near, far = first + EYE_WIDTH / 3, last - EYE_WIDTH / 3
        h = height / 2
        points[list(contour)] = [
            (first, 0, 0.2), (near, -h, 0.2), (far, -h, 0.2),
            (last, 0, 0.2), (far, h, 0.2), (near, h, 0.2),
        ]  # fmt: skip
    for side, brow in ((-1, m.LEFT_BROW), (1, m.RIGHT_BROW)):
        across = side * np.linspace(0.4, 1.1, 5)
        points[list(brow)] = np.stack([across, np.full(5, -BROWS), np.full(5, 0.1)], axis=1)
    points[list(m.LIPS)] = [(0, 1 - MOUTH_HEIGHT / 2, 0), (0, 1 + MOUTH_HEIGHT / 2, 0)]
    points[list(m.MOUTH_CORNERS)] = [(-MOUTH_WIDTH / 2, 1, 0.1), (MOUTH_WIDTH / 2, 1, 0.1)]
    for left, right in zip((127, 234), (356, 454), strict=True):
        points[[left, right]] = [(-1.3, 0.1, 1), (1.3, 0.1, 1)]
    points[m.TOP], points[m.BOTTOM] = (0, -1.2, 0), (0, 0.6, 0)
    return points


def turned(points, yaw=0.0, pitch=0.0, roll=0.0, scale=1.0, shift=(0, 0, 0)):
    """The points of a head that is lifted up, turned to the picture's right and rolled clockwise,
    by degrees, in this order."""
    p, y, r = np.radians([-pitch, -yaw, roll])
    nod = [[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]]
    turn = [[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]]
    tilt = [[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]]
    return scale * points @ (np.array(tilt) @ np.array(turn) @ np.array(nod)).T + shift
