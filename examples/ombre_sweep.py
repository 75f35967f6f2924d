"""Dyes the hair of rendered faces, whose masks are known, over a sweep of the three parameters.

    python examples/ombre_sweep.py ombre_sweep.png

Rows: one face each, while the hue, the dyed height and the gradient's height rise in turn.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
import torch.nn.functional as F

from property_cnn.common.files import atomic_write
from property_cnn.faces import ATTRIBUTES, Part, render_faces, render_parsing, sample_attributes
from property_cnn.hair.ombre import ombre
from property_cnn.pictures import encoded
from reports.plots.images import tile

ROWS = (
    [(color, 0.7, 0.6) for color in (0.0, 0.1, 0.35, 0.5, 0.9)],
    [(0.5, height, 0.5) for height in (0.2, 0.4, 0.6, 0.8, 1.0)],
    [(0.9, 0.7, gradient) for gradient in (0.0, 0.25, 0.5, 0.75, 1.0)],
)
"""(color, ombre_height, ombre_grad_height) of each picture."""

BRIGHTNESS = (0.0, 1.4, -1.6)
"""Of the hair of each row's face: brown, blond, black."""


def main(path: Path) -> None:
    attributes = sample_attributes(len(ROWS), seed=4)
    attributes[:, ATTRIBUTES.index("hair_length")] = 1.5
    attributes[:, ATTRIBUTES.index("hair_brightness")] = torch.tensor(BRIGHTNESS)
    images = render_faces(attributes, 224)
    hair = (render_parsing(attributes, 4 * 224) == Part.HAIR).float()[:, None]
    share = F.avg_pool2d(hair, 4)  # of each pixel, (3, 1, 224, 224)
    masks = torch.where(share > 0, 0.75 + 0.25 * share, 0)  # sharpening gives the share again
    sheet = [
        torch.cat([ombre(images[row, None], masks[row, None], *given) for given in sweep])
        for row, sweep in enumerate(ROWS)
    ]
    pictures = tile(torch.stack(sheet).numpy(), cell=224)  # (3, 5, 3, 224, 224)
    atomic_write(path, encoded(pictures))
    print(f"sweep: {path}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/ombre_sweep.py FILE.png")
    main(Path(sys.argv[1]))
