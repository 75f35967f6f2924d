"""One member of an ensemble: a small CNN that tells one attribute of a face of 64 pixels."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from stylegan_ft.concept.settings import MemberSettings

_KERNEL = 3
_INPUTS = 6  # three colours, and their detail
_GAIN = 4.0  # of the fine detail, which is a fraction of the colours' range


class Member(nn.Module):
    """Convolutions of stride 2 with batch normalisation and ReLU, then one linear layer.

    Args:
        settings: its size.
        folded: without normalisation, as `folded` makes it.
    """

    def __init__(self, settings: MemberSettings, folded: bool = False):
        super().__init__()
        channels = (_INPUTS, *settings.widths)
        self.settings = settings
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, _KERNEL, stride=2, padding=1, bias=folded)
            for a, b in pairwise(channels)
        )
        self.norms = nn.ModuleList(
            nn.Identity() if folded else nn.BatchNorm2d(width) for width in settings.widths
        )
        last = settings.side // 2 ** len(settings.widths)
        self.linear = nn.Linear(settings.widths[-1] * last * last, 1)

    def forward(self, images: Tensor, mask: Tensor | None = None) -> Tensor:
        """Inputs (N, 6, side, side), as `as_input` gives them -> logits (N,).

        Args:
            mask: (N, F) factors on the last features, as dropout makes them.
        """
        x = images
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.relu(norm(conv(x)))
        x = x.flatten(1)
        return self.linear(x if mask is None else x * mask).squeeze(1)


def folded(member: Member) -> Member:
    """The same function with the normalisation folded into the convolutions, for use."""
    plain = Member(member.settings, folded=True).eval()
    fused = [
        fuse_conv_bn_eval(conv, norm)
        for conv, norm in zip(member.eval().convs, member.norms, strict=True)
    ]
    plain.convs = nn.ModuleList(fused)
    plain.linear.load_state_dict(member.linear.state_dict())
    return plain.requires_grad_(False)


def resized(images: Tensor, side: int) -> Tensor:
    """Images (N, 3, H, W) at (N, 3, side, side): by area where that is smaller, else bilinear."""
    height, width = images.shape[2:]
    if (height, width) == (side, side):
        return images
    if min(height, width) >= side:
        return F.interpolate(images, (side, side), mode="area")
    return F.interpolate(images, (side, side), mode="bilinear", align_corners=False)


def as_input(images: Tensor, side: int, device: str | torch.device = "cpu") -> Tensor:
    """What members take: the colours, and their fine detail alone, in which flaws show.

    Args:
        images: (N, 3, H, W) in [-1, 1], any size and device.

    Returns:
        (N, 6, side, side) on the device, channels last.
    """
    placed = resized(images.to(device, torch.float32), side)
    edge = F.pad(placed, (1, 1, 1, 1), mode="replicate")
    detail = placed - F.avg_pool2d(edge, _KERNEL, stride=1)
    both = torch.cat([placed, _GAIN * detail], dim=1)
    return both.contiguous(memory_format=torch.channels_last)
