"""What the renderer paints on: an image, a parsing map, or both, from the back to the front."""

from __future__ import annotations

from collections.abc import Callable

import torch

from property_cnn.faces.classes import Part

Window = tuple[slice, slice]
WHOLE: Window = (slice(None), slice(None))


class Canvas:
    """A batch of square pictures; x and y run from -1 to 1 over them, y downwards.

    Attributes:
        image: (N, 3, S, S) colours in [0, 1], or None where only the map is wanted.
        parts: (N, S, S) uint8 class ids, or None where only the image is wanted.
        pixel: width of a pixel in the units of x and y.
    """

    def __init__(self, n: int, size: int, device: torch.device, image: bool, parts: bool):
        self.size, self.pixel = size, 2.0 / size
        centres = (torch.arange(size, device=device) + 0.5) * self.pixel - 1.0
        self.x = centres.view(1, 1, size)
        self.y = centres.view(1, size, 1)
        self.image = torch.zeros(n, 3, size, size, device=device) if image else None
        self.parts = torch.zeros(n, size, size, dtype=torch.uint8, device=device) if parts else None

    def cover(self, distance: torch.Tensor) -> torch.Tensor:
        """Share of each pixel inside a shape, from its signed distance (negative inside)."""
        return (0.5 - distance / self.pixel).clamp_(0.0, 1.0)

    def between(self, above: torch.Tensor, below: torch.Tensor) -> torch.Tensor:
        """Share of each pixel inside both shapes, exact for bands thinner than a pixel."""
        return (self.cover(above) + self.cover(below) - 1.0).clamp_(min=0.0)

    def line(self, offset: torch.Tensor, half: torch.Tensor | float) -> torch.Tensor:
        """Share of each pixel on a line: `offset` from its middle, `half` its width."""
        return self.between(offset - half, -offset - half)

    def window(self, left: float, top: float, right: float, bottom: float) -> Window:
        """The rows and columns of the box with these borders, rounded outwards."""

        def span(low: float, high: float) -> slice:
            first = int((low + 1.0) / self.pixel)
            return slice(max(first, 0), min(int((high + 1.0) / self.pixel) + 1, self.size))

        return span(top, bottom), span(left, right)

    def paint(
        self,
        cover: torch.Tensor,
        colour: Callable[[], torch.Tensor],
        part: Part | None = None,
        window: Window = WHOLE,
    ) -> None:
        """Paints over the window: `colour()`, (N, 3, 1 or h, 1 or w), as far as `cover` (N, h, w).

        Pixels that are covered by half or more become `part` in the parsing map.
        """
        rows, columns = window
        if self.image is not None:
            under = self.image[:, :, rows, columns]
            under.add_(cover.unsqueeze(1) * (colour() - under))
        if self.parts is not None and part is not None:
            self.parts[:, rows, columns].masked_fill_(cover >= 0.5, int(part))

    def shade(self, factor: Callable[[], torch.Tensor], window: Window = WHOLE) -> None:
        """Multiplies the window's colours by `factor()`, (N, 1 or 3, h, w)."""
        if self.image is not None:
            self.image[:, :, window[0], window[1]].mul_(factor())


def smoothstep(low: float, high: float, value: torch.Tensor) -> torch.Tensor:
    """0 below `low`, 1 above `high`, and a smooth cubic between."""
    t = ((value - low) / (high - low)).clamp(0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def bump(*scaled: torch.Tensor) -> torch.Tensor:
    """A bell of height 1: exp(-(a² + b² + …)) of the scaled distances."""
    return torch.exp(-sum(value * value for value in scaled))
