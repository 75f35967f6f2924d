"""Renders shaded portraits and their parsing maps from attributes, in batches, on any device.

No photograph is involved: shapes are signed distances with anti-aliased edges, light is a
Lambert term on a bulged head, strands and patterns are sums of waves. A face is a smooth
function of its attributes, so that a population of them is a data manifold with known labels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from property_cnn.common.errors import InputError
from property_cnn.faces.attributes import ATTRIBUTES
from property_cnn.faces.canvas import Canvas, bump, smoothstep
from property_cnn.faces.classes import Part
from property_cnn.faces.colours import (
    background_colour,
    clothes_colour,
    hair_colour,
    level,
    skin_colour,
)
from property_cnn.faces.features import (
    paint_brows,
    paint_eyes,
    paint_glasses,
    paint_mouth,
    paint_nose,
)
from property_cnn.faces.head import (
    Hair,
    Head,
    Traits,
    clothes_distance,
    ears_distance,
    hair_geometry,
    head_geometry,
    neck_distance,
)

VERSION = "2"
"""Changes with every change of the pictures, so that data and models made before are stale."""

_PIXELS_AT_ONCE = 65_536  # temporaries of this many values stay in the processor's cache


def render_faces(attributes: Tensor, size: int = 64) -> Tensor:
    """Portraits of the given faces.

    Args:
        attributes: (N, A) standard scores in the order of `ATTRIBUTES`.
        size: side of the square pictures in pixels, at least 16.

    Returns:
        (N, 3, size, size) float32 RGB in [-1, 1], on the attributes' device.

    Raises:
        InputError: the attributes are not (N, A), or the size is too small.
    """
    images, _ = _render(attributes, size, image=True, parts=False)
    return images


def render_parsing(attributes: Tensor, size: int = 224) -> Tensor:
    """(N, size, size) uint8 parsing maps of the given faces, with the classes of `Part`."""
    _, parts = _render(attributes, size, image=False, parts=True)
    return parts


def render_both(attributes: Tensor, size: int = 64) -> tuple[Tensor, Tensor]:
    """Portraits and parsing maps of one size in one pass."""
    return _render(attributes, size, image=True, parts=True)


@torch.inference_mode()
def _render(attributes: Tensor, size: int, image: bool, parts: bool):
    if attributes.ndim != 2 or attributes.shape[1] != len(ATTRIBUTES):
        raise InputError(
            f"attributes of shape {tuple(attributes.shape)}; need (N, {len(ATTRIBUTES)})"
        )
    if size < 16:
        raise InputError(f"size {size}; a face needs at least 16 pixels")
    chunk = max(1, _PIXELS_AT_ONCE // (size * size))
    pictures = [_scene(part, size, image, parts) for part in attributes.float().split(chunk)]
    return tuple(
        torch.cat([picture[i] for picture in pictures]) if wanted else None
        for i, wanted in enumerate((image, parts))
    )


def _scene(attributes: Tensor, size: int, image: bool, parts: bool):
    canvas = Canvas(len(attributes), size, attributes.device, image, parts)
    t = Traits(attributes)
    head = head_geometry(canvas, t)
    hair = hair_geometry(canvas, t, head)
    skin, hair_base = skin_colour(t), hair_colour(t)
    texture = _strands(t, hair) if image else None
    _background(canvas, t)
    cloth = canvas.cover(clothes_distance(canvas, t))
    canvas.paint(cloth, lambda: _cloth(canvas, t), Part.CLOTHES)
    behind = 1.0 - 0.35 * bump(canvas.x / 0.34, (canvas.y - 0.62) / 0.34)
    canvas.paint(
        canvas.cover(hair.back), lambda: hair_base * (texture * behind).unsqueeze(1), Part.HAIR
    )
    neck = canvas.cover(neck_distance(canvas, t)) * (1.0 - cloth)
    canvas.paint(neck, lambda: skin * _neck_light(canvas, t, head), Part.NECK)
    canvas.paint(canvas.cover(ears_distance(t, head)), lambda: skin * 0.84, Part.EARS)
    canvas.paint(canvas.cover(head.skull), lambda: _face_light(t, head, hair, skin), Part.SKIN)
    paint_nose(canvas, t, head)
    paint_mouth(canvas, t, head, skin)
    paint_eyes(canvas, t, head, skin)
    paint_brows(canvas, t, head, hair_base)
    canvas.paint(canvas.cover(hair.front), lambda: hair_base * texture.unsqueeze(1), Part.HAIR)
    paint_glasses(canvas, t, head)
    return (_finish(canvas.image, t) if image else None), canvas.parts


def _background(canvas: Canvas, t: Traits) -> None:
    angle = 0.9 * t.background_angle + 1.2
    along = torch.cos(angle) * canvas.x + torch.sin(angle) * canvas.y
    phase = 0.9 * t.background_phase
    blobs = torch.sin(3.1 * canvas.x + phase) * torch.cos(2.7 * canvas.y - 0.7 * phase)
    strength = 0.025 + 0.12 * level(t.background_pattern, 1.5, -0.6)
    light = strength * (0.8 * along + 1.1 * blobs)
    canvas.paint(
        torch.ones_like(light),
        lambda: (background_colour(t) * (1.0 + 1.6 * light).unsqueeze(1)).clamp(0.02, 1.0),
        Part.BACKGROUND,
    )


def _cloth(canvas: Canvas, t: Traits) -> Tensor:
    fold = bump(canvas.x / 0.35, (canvas.y - 0.9) / 0.2)
    return clothes_colour(t) * (1.0 - 0.25 * fold).unsqueeze(1)


def _strands(t: Traits, hair: Hair) -> Tensor:
    """Brightness of the hair: locks, waves or curls, a sheen near the crown, the light's side."""
    curly = level(t.hair_curl, 1.6)
    c, s = hair.strand, hair.fall
    bent = c + 0.05 * curly * torch.sin(17.0 * s + 2.0 * c)
    locks = 0.62 * torch.sin(23.0 * bent + 0.6) + 0.38 * torch.sin(37.0 * bent + 1.3)
    waves = torch.sin(33.0 * s + 3.0 * torch.sin(6.5 * c))
    texture = (1.0 - curly) * locks + curly * (0.85 * waves + 0.15 * locks)
    strength = 0.17 + 0.035 * t.hair_contrast
    sheen = 0.30 * bump((s + 0.60 + 0.03 * t.light_y) / 0.10) * (1.0 - 0.4 * curly)
    side = 0.10 * torch.tanh(0.8 * t.light_x) * c
    depth = 0.16 * smoothstep(0.1, 1.0, s)
    return 0.98 + strength * texture + sheen + side - depth


def _neck_light(canvas: Canvas, t: Traits, head: Head) -> Tensor:
    shadow = bump((canvas.y - head.chin) / 0.16, canvas.x / 0.40)
    side = 0.10 * torch.tanh(0.8 * t.light_x) * canvas.x / 0.3
    return (0.90 - 0.32 * shadow + side).unsqueeze(1)


def _face_light(t: Traits, head: Head, hair: Hair, skin: Tensor) -> Tensor:
    """Skin of the face under a distant light, with cheeks, forehead shadow, folds and stubble."""
    nx, ny = 0.88 * head.across, 0.80 * head.down
    nz = torch.sqrt((1.0 - nx * nx - ny * ny).clamp_min(0.02))
    lx, ly = 0.35 * t.light_x, 0.18 * t.light_y - 0.30
    norm = torch.sqrt(lx * lx + ly * ly + 0.81)
    lambert = (nx * lx + ny * ly + 0.9 * nz) / norm
    contrast = 0.44 + 0.07 * t.light_contrast
    light = 1.10 + contrast * (lambert.clamp_min(0.0) - 0.92)
    light = light - 0.22 * bump(hair.hairline.clamp_min(0.0) / 0.07)
    age = level(t.age, 1.6, -1.6)
    fold = bump(
        (head.feature_x.abs() - 0.17 - 0.25 * (head.y - 0.25)) / 0.022, (head.y - 0.32) / 0.10
    )
    light = light - 0.16 * age * fold
    lines = torch.sin(48.0 * head.y) * bump(head.feature_x / 0.3, (head.y + 0.42) / 0.09)
    light = light - 0.05 * age * lines
    cheek = bump((head.feature_x.abs() - 0.30) / 0.13, (head.y - 0.20) / 0.13)
    male = level(t.gender, -2.2, -1.2)
    stubble = male * smoothstep(0.22, 0.42, head.y) * smoothstep(-0.45, -0.1, -head.feature_x.abs())
    red = light + 0.03 * cheek - 0.10 * stubble
    green = light - 0.05 * cheek - 0.09 * stubble
    blue = light - 0.04 * cheek - 0.06 * stubble
    return (skin * torch.stack([red, green, blue], dim=1)).clamp(0.0, 1.0)


def _finish(image: Tensor, t: Traits) -> Tensor:
    """Lens and sensor: blur, noise, and the step from [0, 1] to [-1, 1]."""
    size = image.shape[-1]
    soft = torch.nn.functional.avg_pool2d(
        torch.nn.functional.pad(image, (1, 1, 1, 1), mode="replicate"), 3, stride=1
    )
    image = torch.lerp(image, soft, (0.7 * level(t.blur, 2.2, -3.4)).unsqueeze(1))
    bank = _noise_bank(size).to(image.device)
    index = (t.noise_pattern.flatten() * 997.0).long() % len(bank)
    amount = 0.030 * level(t.noise, 2.5, -4.0)
    return (2.0 * (image + amount.unsqueeze(1) * bank[index]) - 1.0).clamp(-1.0, 1.0)


_banks: dict[int, Tensor] = {}


def _noise_bank(size: int) -> Tensor:
    if size not in _banks:
        generator = torch.Generator().manual_seed(size)
        _banks[size] = torch.randn(16, 3, size, size, generator=generator)
    return _banks[size]
