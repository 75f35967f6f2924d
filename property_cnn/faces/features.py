"""Painters of the face's features: eyes, brows, nose, mouth and glasses, each in its window."""

from __future__ import annotations

import torch
from torch import Tensor

from property_cnn.faces.canvas import Canvas, Window, bump, smoothstep
from property_cnn.faces.classes import Part
from property_cnn.faces.colours import iris_colour, level, lip_colour, solid
from property_cnn.faces.head import EYE_LINE, MOUTH_LINE, Head, Traits


def _spot(colour: Tensor):
    return lambda: colour


def _local(head: Head, window: Window) -> tuple[Tensor, Tensor]:
    rows, columns = window
    return head.feature_x[:, rows, columns], head.y[:, rows, columns]


def paint_eyes(canvas: Canvas, t: Traits, head: Head, skin: Tensor) -> None:
    """Both eyes: lids, sclera, iris, pupil, highlight, lashes, crease and the shadowed socket."""
    spacing = 0.262 + 0.010 * t.eye_spacing
    half = 0.138 + 0.008 * t.eye_size  # half the eye's width
    height = (0.066 + 0.022 * t.eye_open).clamp_min(0.010) + 0.004 * t.eye_size  # half of it
    height = height.clamp_min(0.012)
    iris = iris_colour(t)
    for side, part in ((-1.0, Part.LEFT_EYE), (1.0, Part.RIGHT_EYE)):
        middle = side * 0.27
        window = canvas.window(middle - 0.30, EYE_LINE - 0.31, middle + 0.30, EYE_LINE + 0.27)
        x, y = _local(head, window)
        u = (x - side * spacing) * (1.0 + 0.03 * side * t.yaw)
        v = y - EYE_LINE + side * u * (0.02 + 0.045 * t.eye_slant)
        r = u / half
        arc = 1.0 - r * r
        upper = 1.10 * height * arc.clamp_min(0.0) ** 0.65 - 0.25 * height * (side * r) * arc
        lower = 0.90 * height * arc
        within = canvas.cover((r.abs() - 1.0) * half)
        inside = canvas.between(-v - upper, v - lower) * within
        canvas.shade(
            lambda u=u, v=v: 1.0 - 0.16 * bump(u / 0.20, (v + 0.03) / 0.13).unsqueeze(1), window
        )
        crease = canvas.line(v + upper + 0.052, 0.012) * (arc > 0.0)
        canvas.paint(0.5 * crease, _spot(skin * 0.55), None, window)
        white = solid(0.95, 0.94, 0.93, skin)
        shadow = 0.80 + 0.20 * smoothstep(-0.9, 0.2, v / height)
        canvas.paint(inside, lambda s=shadow, w=white: w * s.unsqueeze(1), part, window)
        gaze_u = u - 0.020 * t.gaze_x - 0.012 * t.yaw
        gaze_v = v - 0.008 * t.gaze_y + 0.004
        distance = torch.sqrt(gaze_u * gaze_u + gaze_v * gaze_v)
        canvas.paint(inside * canvas.cover(distance - 0.074), _spot(iris * 0.55), None, window)
        canvas.paint(inside * canvas.cover(distance - 0.058), _spot(iris), None, window)
        canvas.paint(inside * canvas.cover(distance - 0.030), _spot(iris * 0.10), None, window)
        glint = torch.hypot(gaze_u - 0.022, gaze_v + 0.026) - 0.017
        canvas.paint(inside * canvas.cover(glint), _spot(solid(1.0, 1.0, 1.0, skin)), None, window)
        thick = 0.017 + 0.005 * level(t.lashes, 1.5)
        lash = canvas.line(v + upper + 0.004, thick) * canvas.cover((r.abs() - 1.06) * half)
        dark = solid(0.10, 0.06, 0.05, skin)
        canvas.paint(lash * (0.75 + 0.25 * level(t.lashes, 1.5)), _spot(dark), None, window)
        under = canvas.line(v - lower - 0.003, 0.009) * within
        canvas.paint(0.5 * under, _spot(skin * 0.5), None, window)


def paint_brows(canvas: Canvas, t: Traits, head: Head, hair: Tensor) -> None:
    """Brows: arcs above the eyes in a darker tone of the hair."""
    colour = hair * 0.55 + 0.02
    for side in (-1.0, 1.0):
        window = canvas.window(
            side * 0.28 - 0.32, EYE_LINE - 0.42, side * 0.28 + 0.32, EYE_LINE + 0.10
        )
        x, y = _local(head, window)
        u = side * x - 0.275
        line = EYE_LINE - 0.225 - 0.016 * t.brow_height - 0.012 * t.eye_open
        line = (
            line
            + u * (0.02 - 0.05 * t.brow_slant)
            + 1.1 * (u - 0.04) ** 2 * (1.0 + 0.15 * t.gender)
        )
        thick = (0.024 + 0.006 * t.brow_thickness) * (1.0 - 0.35 * smoothstep(0.0, 0.18, u))
        distance = torch.maximum((y - line).abs() - thick, u.abs() - 0.170)
        canvas.paint(0.88 * canvas.cover(distance), _spot(colour), Part.BROWS, window)


def paint_nose(canvas: Canvas, t: Traits, head: Head) -> None:
    """Nose: bridge, lit and shaded flank, tip, wings and nostrils."""
    window = canvas.window(-0.36, -0.28, 0.36, 0.42)
    x, y = _local(head, window)
    tip = 0.195 + 0.014 * t.nose_length
    turn = 0.030 * t.yaw * smoothstep(-0.1, 0.2, y)
    u = x - turn
    wide = 0.098 + 0.008 * t.nose_width
    along = ((y + 0.12) / (tip + 0.14)).clamp(0.0, 1.0)
    half = 0.035 + (wide - 0.035) * along * along
    body = torch.maximum(torch.maximum(u.abs() - half, y - tip - 0.035), -0.14 - y)
    if canvas.parts is not None:
        rows, columns = window
        canvas.parts[:, rows, columns].masked_fill_(body < 0.0, int(Part.NOSE))
    lit = 0.35 * t.light_x + 0.2
    flank = bump((u.abs() - half) / 0.035, (y - 0.6 * tip) / 0.17) * torch.sign(u)
    wing = bump((u.abs() - 0.8 * wide) / 0.030, (y - tip + 0.012) / 0.035)
    ridge = bump(u / 0.032, (y - 0.35 * tip) / 0.20)
    ball = bump(u / 0.045, (y - tip + 0.035) / 0.040)
    base = bump(u / (0.85 * wide), (y - tip - 0.036) / 0.020)
    nostril = bump((u.abs() - 0.052) / 0.024, (y - tip - 0.018) / 0.014)
    canvas.shade(
        lambda: (
            (
                1.0
                + 0.10 * flank * torch.tanh(lit)
                - 0.10 * flank.abs()
                - 0.10 * wing
                + 0.07 * ridge
                + 0.12 * ball
                - 0.20 * base
                - 0.52 * nostril
            )
            .clamp_min(0.2)
            .unsqueeze(1)
        ),
        window,
    )


def paint_mouth(canvas: Canvas, t: Traits, head: Head, skin: Tensor) -> None:
    """Lips with their light, the dark of the open mouth, upper teeth and tongue."""
    window = canvas.window(-0.36, 0.20, 0.36, 0.74)
    x, y = _local(head, window)
    half = 0.176 + 0.011 * t.mouth_width + 0.006 * t.smile - 0.20 * head.gap.clamp_max(0.1)
    u = x - 0.008 * t.yaw
    r = u / half
    arc = (1.0 - r * r).clamp_min(0.0)
    v = y - MOUTH_LINE + (0.010 + 0.022 * t.smile) * (r * r).clamp_max(1.3)
    full = 0.030 + 0.007 * t.lip_fullness + 0.003 * t.gender - 0.003 * t.age
    full = full.clamp_min(0.010)
    opened = head.gap * arc**0.6
    bow = 1.0 - 0.22 * bump(u / 0.022)
    top = -opened * 0.85 - full * 1.05 * arc**0.55 * bow
    bottom = opened * 1.15 + full * 1.35 * arc**0.6
    upper_edge, lower_edge = -opened * 0.85, opened * 1.15  # of the open mouth
    ends = canvas.cover((r.abs() - 1.0) * half)
    lips = lip_colour(t, skin)
    whole = canvas.between(top - v, v - bottom) * ends
    upper = canvas.between(top - v, v - upper_edge) * ends
    lower = canvas.between(lower_edge - v, v - bottom) * ends
    inner = canvas.between(upper_edge - v, v - lower_edge) * ends
    canvas.shade(
        lambda: 1.0 - 0.16 * bump(u / 0.12, (v - bottom - 0.030) / 0.024).unsqueeze(1), window
    )
    canvas.paint(whole, _spot(lips), None, window)
    canvas.paint(upper, _spot(lips * 0.86), Part.UPPER_LIP, window)
    shine = 1.0 + 0.16 * bump(u / 0.07, (v - opened * 1.15 - 0.55 * full) / (0.35 * full))
    canvas.paint(lower, lambda: lips * shine.unsqueeze(1), Part.LOWER_LIP, window)
    canvas.paint(inner, _spot(solid(0.25, 0.07, 0.08, skin)), Part.INNER_MOUTH, window)
    teeth = inner * canvas.cover(v - upper_edge - 0.045 * smoothstep(0.0, 0.06, head.gap))
    canvas.paint(
        teeth * (1.0 - smoothstep(0.62, 0.95, r.abs())),
        _spot(solid(0.93, 0.91, 0.87, skin)),
        None,
        window,
    )
    tongue = bump(u / 0.08, (v - opened * 1.05) / 0.045)
    canvas.paint(inner * 0.75 * tongue, _spot(solid(0.72, 0.33, 0.34, skin)), None, window)
    seam = canvas.line(v + 0.002, 0.013) * ends
    closed = 1.0 - smoothstep(0.004, 0.025, head.gap)
    canvas.paint(seam * 0.75 * closed, _spot(lips * 0.35), None, window)


def paint_glasses(canvas: Canvas, t: Traits, head: Head) -> None:
    """Frames around both eyes, the bridge and the temples; they fade in above +0.8."""
    shown = smoothstep(0.8, 1.2, t.glasses)
    if not bool((shown > 0.0).any()):
        return
    window = canvas.window(-0.66, -0.40, 0.66, 0.26)
    x, y = _local(head, window)
    u = x.abs() - 0.27
    v = y - EYE_LINE - 0.012
    box_u, box_v = (u.abs() - 0.115).clamp_min(0.0), (v.abs() - 0.085).clamp_min(0.0)
    rim = (torch.sqrt(box_u * box_u + box_v * box_v) - 0.085).abs() - 0.016
    bridge = torch.maximum((v + 0.035).abs() - 0.013, x.abs() - 0.075)
    temple = torch.maximum((v + 0.04).abs() - 0.013, 0.46 - x.abs())
    temple = torch.maximum(temple, head.skull[:, window[0], window[1]])
    frame = torch.minimum(torch.minimum(rim, bridge), temple)
    colour = solid(0.12, 0.10, 0.11, x)
    canvas.paint(canvas.cover(frame) * shown, _spot(colour), Part.GLASSES, window)
