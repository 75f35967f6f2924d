"""Colours of skin, hair, irises, clothes and backgrounds, as (N, 3, 1, 1) in [0, 1]."""

from __future__ import annotations

import torch
from torch import Tensor

SKIN = ((0.97, 0.86, 0.78), (0.91, 0.74, 0.62), (0.78, 0.56, 0.42), (0.52, 0.34, 0.24))
HAIR = (
    (0.09, 0.07, 0.07),
    (0.24, 0.16, 0.11),
    (0.45, 0.30, 0.19),
    (0.74, 0.57, 0.36),
    (0.90, 0.83, 0.68),
)
IRIS = ((0.30, 0.18, 0.10), (0.34, 0.42, 0.24), (0.28, 0.45, 0.62))


def ramp(palette: tuple[tuple[float, float, float], ...], position: Tensor) -> Tensor:
    """Colours at `position` (N, 1, 1), 0 … 1, along a palette; linear between its entries."""
    stops = torch.tensor(palette, device=position.device)
    place = position.reshape(-1, 1).clamp(0.0, 1.0) * (len(palette) - 1)
    first = place.floor().clamp_max(len(palette) - 2)
    index = first.long().squeeze(1)
    mixed = torch.lerp(stops[index], stops[index + 1], place - first)
    return mixed.reshape(-1, 3, 1, 1)


def solid(red: float, green: float, blue: float, like: Tensor) -> Tensor:
    """One colour for the whole batch, (1, 3, 1, 1)."""
    return torch.tensor((red, green, blue), device=like.device).reshape(1, 3, 1, 1)


def tint(hue: Tensor, chroma: Tensor, light: Tensor) -> Tensor:
    """Muted colours: hue in turns, chroma and light 0 … 1, each (N, 1, 1)."""
    phases = torch.tensor((0.0, 1.0 / 3.0, 2.0 / 3.0), device=hue.device).reshape(1, 3, 1, 1)
    wave = torch.cos(2.0 * torch.pi * (hue.unsqueeze(1) - phases))
    return (light.unsqueeze(1) + chroma.unsqueeze(1) * wave).clamp(0.02, 0.98)


def level(score: Tensor, slope: float = 1.0, offset: float = 0.0) -> Tensor:
    """A standard score as a share between 0 and 1."""
    return torch.sigmoid(slope * score + offset)


def skin_colour(t) -> Tensor:
    base = ramp(SKIN, level(t.skin_tone, 1.4, -0.7))
    warmth = t.skin_warmth.unsqueeze(1)
    shift = torch.cat([0.016 * warmth, -0.006 * warmth, -0.018 * warmth], dim=1)
    return (base + shift - 0.012 * t.age.unsqueeze(1)).clamp(0.05, 1.0)


def hair_colour(t) -> Tensor:
    base = ramp(HAIR, level(t.hair_brightness, 1.25, -0.25))
    warmth = t.hair_warmth.unsqueeze(1) * (0.3 + base.mean(1, keepdim=True))
    shift = torch.cat([0.055 * warmth, -0.008 * warmth, -0.045 * warmth], dim=1)
    grey = level(t.age, 2.5, -4.0).unsqueeze(1)
    return torch.lerp((base + shift).clamp(0.03, 1.0), base.mean(1, keepdim=True) + 0.12, grey)


def iris_colour(t) -> Tensor:
    return ramp(IRIS, level(t.iris_hue, 1.3)) * (0.75 + 0.5 * level(t.iris_light)).unsqueeze(1)


def lip_colour(t, skin: Tensor) -> Tensor:
    red = solid(0.72, 0.24, 0.27, skin)
    return torch.lerp(
        skin * solid(0.86, 0.66, 0.64, skin),
        red,
        0.75 * level(t.lip_redness, 1.2, -0.6).unsqueeze(1),
    )


def clothes_colour(t) -> Tensor:
    return tint(
        0.25 * t.clothes_hue + 0.6,
        torch.full_like(t.clothes_hue, 0.07),
        0.12 + 0.62 * level(t.clothes_light, 1.2),
    )


def background_colour(t) -> Tensor:
    chroma = 0.01 + 0.07 * level(t.background_chroma)
    return tint(
        0.16 * t.background_hue + 0.58, chroma, 0.14 + 0.70 * level(t.background_light, 1.25)
    )
