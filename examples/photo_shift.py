"""How far landmarks move where a head of MobileStyleGAN makes a small image, and how fast it is.

    python examples/photo_shift.py mobilestylegan [IMAGES]

Beside each size stand the distances between the landmarks of its images and those of the same
images made at 1024 and box-downsampled, in per cent of the face's width (of points 234 to 454),
and images a second in batches of 8 on one thread.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch

from property_cnn.common.tasks import one_thread
from stylegan_ft.generator import load_generator
from vectorfind.models.protocols import resolve_scorer

SIDES = (234, 454)
"""Points at the two ends of the face's width."""


@one_thread()
def main(path: str, count: int = 48) -> None:
    scorer = resolve_scorer("landmarks", "cpu")
    largest = load_generator(path, "cpu", psi=0.8)
    z = torch.randn(count, largest.z_dim, generator=torch.Generator().manual_seed(0))
    w = largest.map(z)["w"]
    whole = torch.cat([largest.synthesize(w[i : i + 1], "w") for i in range(count)])
    for size in (128, 256, 512, 1024):
        generator = largest if size == 1024 else load_generator(path, "cpu", psi=0.8, size=size)
        started = time.perf_counter()
        images = torch.cat([generator.synthesize(part, "w") for part in w[:16].split(8)])
        rate = 16 / (time.perf_counter() - started)
        if size < 1024:
            images = generator.synthesize(w, "w")
            small = torch.nn.functional.avg_pool2d(whole, 1024 // size)
            there, here = (scorer.landmarks(one)[0].numpy()[..., :2] for one in (small, images))
            width = np.linalg.norm(there[:, SIDES[0]] - there[:, SIDES[1]], axis=-1)
            shift = 100 * np.linalg.norm(there - here, axis=-1) / width[:, None]
            middle, most = np.median(shift), np.quantile(shift, 0.95)
            told = f"landmarks off by {middle:.2f} % (median), {most:.2f} % (95 %)"
            scores = [scorer(one).numpy() for one in (small, images)]
            corrs = [np.corrcoef(a, b)[0, 1] for a, b in zip(*(s.T for s in scores), strict=True)]
            told += "; " + ", ".join(
                f"{name} {corr:.3f}" for name, corr in zip(scorer.properties, corrs, strict=True)
            )
        else:
            told = ""
        print(f"{size}: {rate:.1f} images/s; {told}")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
