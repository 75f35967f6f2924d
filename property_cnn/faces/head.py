"""Geometry of head, neck, clothes and hair, in the units of the canvas (the frame is [-1, 1]²).

The sizes place the features where the scorer's crops look: eyes at 47 % of the height and
13 % of the width from the middle, the mouth at 71 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from property_cnn.faces.attributes import ATTRIBUTES
from property_cnn.faces.canvas import Canvas, smoothstep

EYE_LINE = -0.06
MOUTH_LINE = 0.43
PIVOT = 0.2  # the head turns about the root of the nose's tip
CROWN = 0.75  # from the eye line's origin to the top of the skull


class Traits:
    """Attributes by name, each (N, 1, 1): `traits.roll`."""

    def __init__(self, attributes: Tensor):
        for name, column in zip(ATTRIBUTES, attributes.T, strict=True):
            setattr(self, name, column.reshape(-1, 1, 1))

    def __getattr__(self, name: str) -> Tensor:  # for type checkers; real ones are set above
        raise AttributeError(name)


@dataclass
class Head:
    """Coordinates and signed distances that the painters share; all (N, S, S) or (N, 1, 1)."""

    x: Tensor  # across the head, upright head frame
    y: Tensor  # down the head
    feature_x: Tensor  # across the face: x less the shift of the turned head
    half_width: Tensor
    chin: Tensor
    gap: Tensor  # half the opening of the lips
    skull: Tensor  # signed distance
    across: Tensor  # x in half widths at this height
    down: Tensor  # y in half heights


def head_geometry(canvas: Canvas, t: Traits) -> Head:
    """Head frame, turned by roll and yaw, and the head's outline."""
    roll = 0.125 * t.roll
    cos, sin = torch.cos(roll), torch.sin(roll)
    x = cos * canvas.x + sin * (canvas.y - PIVOT)
    y = cos * (canvas.y - PIVOT) - sin * canvas.x + PIVOT
    gap = 0.034 * torch.nn.functional.softplus(1.6 * t.mouth_open)
    half_width = 0.515 + 0.022 * t.face_width - 0.006 * t.gender
    chin = 0.80 + 0.022 * t.face_length + 0.35 * gap
    down = torch.where(
        y < EYE_LINE, (y - EYE_LINE) / (CROWN + EYE_LINE), (y - EYE_LINE) / (chin - EYE_LINE)
    )
    below = down.clamp_min(0.0)
    narrow = 1.0 - (0.14 + 0.03 * t.jaw + 0.015 * t.gender) * below * below
    across = (x - 0.012 * t.yaw * below) / (half_width * narrow)
    skull = (torch.sqrt(across * across + down * down) - 1.0) * 0.58
    shift = 0.030 * t.yaw
    return Head(x, y, x - shift, half_width, chin, gap, skull, across, down)


@dataclass
class Hair:
    """Signed distances and the strands' coordinates of the hair; all (N, S, S)."""

    back: Tensor  # the whole mass, behind the face
    front: Tensor  # what lies over the face
    hairline: Tensor  # distance below the hairline, positive on the forehead
    strand: Tensor  # across the strands, -1 … 1
    fall: Tensor  # along the strands


def hair_geometry(canvas: Canvas, t: Traits, head: Head) -> Hair:
    """The hair's mass, its opening for the face, and coordinates across and along the strands."""
    volume = 0.145 + 0.022 * t.hair_volume
    radius = head.half_width + volume
    top = CROWN + EYE_LINE + volume * 0.85
    length = 0.46 * torch.nn.functional.softplus(1.15 * t.hair_length + 0.35)
    length = length - 0.10 + 0.30 * torch.sigmoid(8.0 * (t.hair_length + 0.85))
    short = torch.sigmoid(-3.5 * (t.hair_length + 0.75))
    hang = smoothstep(0.25, 1.0, canvas.y)
    x = head.x + hang * (canvas.x - head.x)  # long hair hangs down from a tilted head
    rise = (EYE_LINE - head.y).clamp_min(0.0) / top
    drop = (head.y - EYE_LINE).clamp_min(0.0)
    width = radius * (1.0 + (0.14 + 0.05 * t.hair_volume) * (1.0 - short) * drop)
    width = width - short * (0.55 * drop * (volume + 0.05))
    upper = (torch.sqrt((x / radius) ** 2 + rise * rise) - 1.0) * 0.6
    lower = torch.maximum(x.abs() - width, canvas.y - length - 0.035 * torch.cos(11.0 * x))
    back = torch.where(head.y < EYE_LINE, upper, lower)

    fringe = torch.sigmoid(1.3 * (t.fringe - 0.3))
    edge = head.feature_x / head.half_width
    line = -0.55 + 0.26 * fringe + (0.10 - 0.06 * fringe) * edge * edge
    line = line + (0.11 - 0.06 * fringe) * t.parting * edge
    side = head.half_width * (
        0.86 + 0.08 * smoothstep(-0.1, 0.5, head.y) + short * 0.40 * smoothstep(-0.16, 0.02, head.y)
    )
    hairline = head.y - line
    corner = 0.20 - 0.10 * fringe
    beside, above = head.feature_x.abs() - side + corner, corner - hairline
    opening = torch.hypot(beside.clamp_min(0.0), above.clamp_min(0.0))
    opening = opening + torch.maximum(beside, above).clamp_max(0.0) - corner
    front = torch.maximum(back, -opening)

    meridian = torch.sqrt((1.0 - rise * rise).clamp_min(0.06))
    strand = x / (width * meridian) - 0.16 * t.parting * rise
    return Hair(back, front, hairline, strand, head.y + 0.25 * strand * strand)


def neck_distance(canvas: Canvas, t: Traits) -> Tensor:
    """Signed distance of the neck, with the chest inside the neckline."""
    lean = -0.035 * t.roll * (1.0 - smoothstep(0.4, 1.0, canvas.y))
    half = 0.235 - 0.018 * t.gender + 0.25 * (canvas.y - 0.78).clamp_min(0.0)
    return torch.maximum((canvas.x - lean).abs() - half, 0.45 - canvas.y)


def clothes_distance(canvas: Canvas, t: Traits) -> Tensor:
    """Signed distance of the clothes: shoulders less the neckline."""
    across = canvas.x.abs()
    shoulder = 0.80 + 0.30 * across * across - 0.012 * t.gender
    neckline = 0.97 + 0.035 * t.neckline - 0.55 * across
    return torch.maximum(shoulder, neckline) - canvas.y


def ears_distance(t: Traits, head: Head) -> Tensor:
    """Signed distance of both ears; the one turned away hides behind the head."""
    offset = head.half_width + 0.012
    x = (head.x + 0.02 * t.yaw).abs() - offset
    return (torch.sqrt((x / 0.07) ** 2 + ((head.y - 0.03) / 0.14) ** 2) - 1.0) * 0.08
