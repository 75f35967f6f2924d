"""Small images of MobileStyleGAN: how fast they are, and how far landmarks move in them.

    python examples/photo_sizes.py mobilestylegan [IMAGES] [FOLDER]

Beside each size stand images a second on one thread, the best of five batches of 4 after one to
warm up, and how many times as fast as 1024 that is; then the distances between the landmarks of its
images and those of the same images made at 1024 and box-downsampled, in per cent of the face's
width (of points 234 to 454); and the perceptual difference, in the manner of LPIPS (Zhang et al.
2018): how far apart activations of the shipped CNN of photographs are, squared, as a share of how
far apart those of two faces are. With 0 images, speed alone. FOLDER holds the original's files
(`.xml` and `.bin` out of the wheel), which OpenVINO, if installed, runs on one thread too, in
float32.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from property_cnn.common.tasks import one_thread
from property_cnn.network.scorer import Scorer
from stylegan_ft.generator import load_generator
from vectorfind.models.protocols import resolve_scorer

SIZES = (128, 256, 512, 1024)
BATCH = 4
SIDES = (234, 454)
"""Points at the two ends of the face's width."""


def rate(work: Callable[[], object]) -> float:
    """Images a second of the fastest of five batches."""
    work()
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return BATCH / min(seconds)


def shift(whole: torch.Tensor, images: torch.Tensor, scorer) -> str:
    """How far landmarks and scores of small images are from those of the whole ones."""
    small = torch.nn.functional.avg_pool2d(whole, whole.shape[-1] // images.shape[-1])
    there, here = (scorer.landmarks(one)[0].numpy()[..., :2] for one in (small, images))
    width = np.linalg.norm(there[:, SIDES[0]] - there[:, SIDES[1]], axis=-1)
    moved = 100 * np.linalg.norm(there - here, axis=-1) / width[:, None]
    scores = zip(*(scorer(one).numpy().T for one in (small, images)), strict=True)
    corrs = [np.corrcoef(*both)[0, 1] for both in scores]
    named = zip(scorer.properties, corrs, strict=True)
    return (
        f"landmarks off by {np.median(moved):.2f} % (median), {np.quantile(moved, 0.95):.2f} % "
        f"(95 %); correlations {', '.join(f'{name} {corr:.3f}' for name, corr in named)}"
    )


def perceptual(whole: torch.Tensor, images: torch.Tensor, network: Scorer) -> float:
    """Squared distance of activations from those of the whole images, 1 for two other faces."""
    small = torch.nn.functional.avg_pool2d(whole, whole.shape[-1] // images.shape[-1])
    there, here = (network.features(one) for one in (small, images))
    own = (there - here).square().sum(1).mean()
    return float(own / (2 * there.var(dim=0).sum()))


def original(folder: Path, w: torch.Tensor) -> Callable[[], object]:
    """The original's own files, ready to make the images of a batch, one after another."""
    import openvino

    core = openvino.Core()
    exact = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    network = core.compile_model(str(folder / "SynthesisNetwork.xml"), "CPU", exact)
    return lambda: [network([row[None]]) for row in w.numpy()]


@one_thread()
def main(path: str, count: int = 48, folder: Path | None = None) -> None:
    generators = {size: load_generator(path, "cpu", psi=0.8, size=size) for size in SIZES}
    largest = generators[SIZES[-1]]
    z = torch.randn(max(count, BATCH), largest.z_dim, generator=torch.Generator().manual_seed(0))
    w = largest.map(z)["w"]
    rates = {
        size: rate(lambda generator=generator: generator.synthesize(w[:BATCH], "w"))
        for size, generator in generators.items()
    }
    if folder is not None:
        print(f"the original by OpenVINO: {rate(original(folder, w[:BATCH])):.2f} images/s")
    for size, found in rates.items():
        print(f"{size}: {found:.2f} images/s, {found / rates[SIZES[-1]]:.1f} times 1024")
    if count:
        scorer, network = (resolve_scorer(name, "cpu") for name in ("landmarks", "photos"))
        whole = largest.synthesize(w, "w")
        for size in SIZES[:-1]:
            images = generators[size].synthesize(w, "w")
            difference = perceptual(whole, images, network)
            print(f"{size}: {shift(whole, images, scorer)}; perceptual difference {difference:.4f}")


if __name__ == "__main__":
    given = sys.argv[1:]
    main(given[0], *map(int, given[1:2]), *map(Path, given[2:3]))
