"""Ombre dye: hair that takes another colour towards its tips, in the light that fell on it before.

The dye sets the hue and keeps the light: every pixel's new colour is as light as the strand that
it was, only that dark hair is bleached and pale hair toned first, as a hairdresser would. So
locks, curls and sheen stay, and where hair shines the colour pales.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from property_cnn.common.checks import check_within
from property_cnn.common.errors import InputError

LUMA = (0.2126, 0.7152, 0.0722)
"""Shares of red, green and blue in a pixel's lightness, Rec. 709."""

_SATURATION = 0.7  # of the pure dye; hair is never as colourful as paint
_MIDDLE = 0.58  # lightness that the pure dyes are drawn towards
_DARKEST, _SLOPE = 0.28, 0.42  # mean lightness of dyed hair: 0.28 + 0.42 of what it was
_CONTRAST = 0.9  # exponent of a strand's lightness over the mean's: bleach evens out a little
_KNEE, _CEILING = 0.65, 0.93  # lightness above the knee bends, and never passes the ceiling


def ombre(
    images: Tensor,
    masks: Tensor,
    color: float,
    ombre_height: float,
    ombre_grad_height: float,
) -> Tensor:
    """Dyes the lower part of the hair.

    Args:
        images: (N, 3, H, W) floats in [-1, 1], on any device.
        masks: (N, 1, H, W) or (N, H, W) soft hair masks in [0, 1].
        color: hue of the dye: 0 red, 0.1 orange, 0.5 sky blue, 0.9 pink, 1 red again.
        ombre_height: share of the hair's vertical extent that is dyed, from the bottom.
        ombre_grad_height: share of the dyed part, at its top, over which the dye sets in.

    Returns:
        (N, 3, H, W) dyed images; pixels without dye are the same to the bit. Images whose mask
        is empty are given back as they are, with a warning.

    Raises:
        InputError: a parameter is outside [0, 1], or the shapes do not fit.
    """
    if images.ndim != 4 or images.shape[1] != 3:
        raise InputError(f"images are (N, 3, H, W), not {tuple(images.shape)}")
    check_within("color", color)
    weights = dye_weights(masks, ombre_height, ombre_grad_height).to(images.device)
    if weights.shape != (len(images), 1, *images.shape[-2:]):
        raise InputError(
            f"masks of shape {tuple(masks.shape)} for images {tuple(images.shape)}; "
            "need one mask an image, of its size"
        )
    sharp = sharpened(masks).to(images.device)
    bare = (~(sharp > 0).flatten(1).any(dim=1)).nonzero().flatten().tolist()
    if bare:
        listed = ", ".join(map(str, bare[:8])) + (", …" if len(bare) > 8 else "")
        warnings.warn(f"no hair in image {listed}: left as it was", UserWarning, stacklevel=2)
    dyed = _dyed(images.float().add(1).div(2), sharp, color).mul(2).sub(1)
    mixed = images + weights * (dyed - images)
    return torch.where(weights > 0, mixed.to(images.dtype), images)


def sharpened(masks: Tensor) -> Tensor:
    """(N, 1, H, W) float32 masks clip((m − 0.75) · 4, 0, 1): only what is surely hair is dyed."""
    if masks.ndim == 3:
        masks = masks[:, None]
    if masks.ndim != 4 or masks.shape[1] != 1:
        raise InputError(f"masks are (N, 1, H, W) or (N, H, W), not {tuple(masks.shape)}")
    return ((masks.float() - 0.75) * 4).clamp(0, 1)


def dye_weights(masks: Tensor, ombre_height: float, ombre_grad_height: float) -> Tensor:
    """How much dye each pixel takes, (N, 1, H, W) in [0, 1].

    The hair reaches from the first to the last row whose sharpened mask is not 0. With y rows
    counted from the top of its dyed part (at a row's middle) and g rows of gradient, the weight
    is min(y / g, 1), times the sharpened mask; above the dyed part it is 0.

    Args and errors are those of `ombre`.
    """
    check_within("ombre_height", ombre_height)
    check_within("ombre_grad_height", ombre_grad_height)
    sharp = sharpened(masks)
    rows = torch.arange(sharp.shape[-2], device=sharp.device, dtype=torch.float64)
    hairy = (sharp > 0).any(dim=3)[:, 0]  # (N, H)
    first = torch.where(hairy, rows, torch.inf).amin(dim=1, keepdim=True)
    end = torch.where(hairy, rows + 1, -torch.inf).amax(dim=1, keepdim=True)
    dyed = ombre_height * (end - first).clamp_min(0)  # (N, 1) rows; nothing where there is no hair
    depth = rows + 0.5 - (end - dyed)  # (N, H) below the dyed part's top
    gradient = (ombre_grad_height * dyed).clamp_min(1e-9)
    weights = torch.where((depth > 0) & hairy.any(1, keepdim=True), depth / gradient, 0.0)
    return weights.clamp(0, 1).float()[:, None, :, None] * sharp


def dye_colour(lightness: Tensor, color: float) -> Tensor:
    """RGB (N, 3, H, W) in [0, 1] of the dye's hue, as light as (N, 1, H, W) in [0, 1] says.

    The pure dye stands at a lightness between its luma and the middle, so that red stays deeper
    than sky blue but not by as much as paint. Darker than that it is scaled towards black,
    lighter mixed with white; both keep the hue of HSV.
    """
    steps = torch.tensor((5.0, 3.0, 1.0), device=lightness.device)
    place = (steps + 6.0 * (color % 1.0)) % 6.0
    pure = 1.0 - _SATURATION * torch.minimum(place, 4.0 - place).clamp(0, 1)  # HSV of value 1
    luma = torch.tensor(LUMA, device=lightness.device)
    own = ((pure * luma).sum() + _MIDDLE) / 2
    pure = pure.view(1, 3, 1, 1)
    darker = pure * (lightness / own)
    lighter = pure + (1 - pure) * ((lightness - own) / (1 - own))
    return torch.where(lightness <= own, darker, lighter).clamp(0, 1)


def _dyed(images: Tensor, sharp: Tensor, color: float) -> Tensor:
    """Images (N, 3, H, W) in [0, 1] as if all of each were dyed, bleached by its hair's mean."""
    luma = torch.tensor(LUMA, device=images.device).view(1, 3, 1, 1)
    lightness = (images * luma).sum(dim=1, keepdim=True)
    amount = sharp.double().sum(dim=(1, 2, 3), keepdim=True).clamp_min(1e-9)
    mean = (lightness.double() * sharp).sum(dim=(1, 2, 3), keepdim=True) / amount
    mean = mean.clamp_min(0.02).float()
    bleached = (_DARKEST + _SLOPE * mean) * (lightness / mean).clamp_min(0) ** _CONTRAST
    over = (bleached - _KNEE).clamp_min(0)
    room = _CEILING - _KNEE
    return dye_colour(bleached.clamp_max(_KNEE) + room * (1 - torch.exp(-over / room)), color)
