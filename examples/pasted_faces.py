"""Whether faces that do not fill the picture are read as those that do.

    vectorfind fetch landmarks
    vectorfind fetch mobilestylegan
    python examples/pasted_faces.py mobilestylegan 100

Photographs of a generator are scaled, shifted and rolled onto a grey or noisy canvas, and what the
scorer `detected` reads there is compared with what `landmarks` reads off the whole photographs.
Prints tables of Markdown (docs/landmarks.md has them).
"""

from __future__ import annotations

import sys

import numpy as np
import torch
import torch.nn.functional as F

from property_cnn.landmarks.scorer import resized
from stylegan_ft.generator import load_generator
from vectorfind.models.protocols import resolve_scorer

SEED, PSI, SIZE, CANVAS, BATCH = 21, 0.8, 256, 512, 4
SCALES, MOST_ROLL = (0.3, 0.9), 30.0


def photographs(generator: str, n: int) -> torch.Tensor:
    """(n, 3, SIZE, SIZE) in [-1, 1]."""
    network = load_generator(generator, "cpu", psi=PSI, size=SIZE)
    z = torch.randn(n, network.z_dim, generator=torch.Generator().manual_seed(SEED))
    with torch.inference_mode():
        parts = network.map(z, None)["w"].split(BATCH)
        return torch.cat([network.synthesize(part, "w").clamp(-1, 1) for part in parts])


def pasted(canvas: torch.Tensor, photograph: torch.Tensor, place: tuple) -> torch.Tensor:
    """A photograph (3, R, R) on a canvas (3, S, S), at x, y, scale (in S) and roll (in degrees)."""
    x, y, scale, roll = (torch.tensor(float(value)) for value in place)
    side = canvas.shape[-1]
    turn, middle = torch.deg2rad(roll), (torch.arange(side) + 0.5) / side
    down, across = torch.meshgrid(middle - y, middle - x, indexing="ij")
    places = torch.stack([turn.cos() * across + turn.sin() * down,
                          turn.cos() * down - turn.sin() * across], dim=-1) * 2 / scale  # fmt: skip
    small = resized(photograph[None], max(1, round(float(scale) * side)))
    shown = F.grid_sample(small, places[None], align_corners=False, padding_mode="border")[0]
    return torch.where((places.abs() <= 1).all(-1), shown, canvas)


def canvases(n: int, draws: torch.Generator) -> torch.Tensor:
    """(n, 3, CANVAS, CANVAS), grey and noise by turns."""
    noise = torch.rand(n, 3, CANVAS, CANVAS, generator=draws) - 0.5
    return noise * (torch.arange(n) % 2)[:, None, None, None]


def places(n: int, scales: tuple[float, float], roll: float, draws: torch.Generator) -> np.ndarray:
    """(n, 4) x, y, scale and roll, such that the middle of a photograph's side stays within."""
    unit = torch.rand(n, 4, generator=draws).numpy()
    scale = scales[0] + unit[:, 2] * (scales[1] - scales[0])
    middle = scale[:, None] / 2 + unit[:, :2] * (1 - scale[:, None])
    return np.column_stack([middle, scale, (2 * unit[:, 3] - 1) * roll])


def compare(images: torch.Tensor, whole: np.ndarray, scorer, draws) -> None:
    """The table of what is read of photographs that were pasted."""
    at = places(len(images), SCALES, MOST_ROLL, draws)
    pictures = torch.stack([pasted(*each) for each in zip(canvases(len(images), draws), images, at,
                                                          strict=True)])  # fmt: skip
    found = scorer(pictures).numpy()
    read = np.isfinite(found).all(1)
    print(f"found {read.sum()} of {len(images)}; {scorer.seen}")
    print("| property | correlation | scale below 0.5 | median difference, deviations | bias |")
    print("|---" * 5 + "|")
    for column, name in enumerate(scorer.properties):
        wanted = whole[:, column] + (at[:, 3] if name == "roll" else 0)
        cells = [correlation(found[rows, column], wanted[rows])
                 for rows in (read, read & (at[:, 2] < 0.5))]  # fmt: skip
        off = (found[read, column] - wanted[read]) / whole[:, column].std()
        cells += [float(np.median(np.abs(off))), float(off.mean())]
        print(f"| {name} | {' | '.join(f'{cell:.2f}' for cell in cells)} |")
    roll = scorer.properties.index("roll")
    off = np.abs(found[read, roll] - whole[read, roll] - at[read, 3])
    print(f"roll: off by {np.median(off):.2f} degrees (median), {off.max():.2f} (most)")
    print_ends_of_yaw(found, whole, scorer)


def print_ends_of_yaw(found: np.ndarray, whole: np.ndarray, scorer) -> None:
    yaw = scorer.properties.index("yaw")
    turned = np.argsort(-np.abs(whole[:, yaw]))[:10]
    said = [f"{whole[k, yaw]:.0f}: {found[k, yaw]:.0f}" for k in turned]
    print(f"yaw of the ten heads turned furthest, whole: pasted, degrees: {', '.join(said)}")


def compare_two(images: torch.Tensor, whole: np.ndarray, scorer, draws) -> None:
    """Of two photographs in one picture the larger is to be read."""
    pairs = [(k, (k + 1) % len(images)) for k in range(len(images))]
    pictures = canvases(len(images), draws)
    for k, (large, small) in enumerate(pairs):
        first = pasted(pictures[k], images[large], (0.3, 0.5, 0.55, 0))
        pictures[k] = pasted(first, images[small], (0.8, 0.3, 0.3, 0))
    before = scorer.seen["several_faces"]
    found = scorer(pictures).numpy()
    yaw = scorer.properties.index("yaw")
    with_large, with_small = (
        correlation(found[:, yaw], whole[[pair[k] for pair in pairs], yaw]) for k in (0, 1)
    )
    told = scorer.seen["several_faces"] - before
    print(f"two faces: told of {told} of {len(images)}; yaw correlates with that of the larger by "
          f"{with_large:.2f}, of the smaller by {with_small:.2f}")  # fmt: skip


def compare_grey(images: torch.Tensor, scorer) -> None:
    """How far the scores of the same photographs without colours are."""
    grey = (images * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    one, other = (scorer(shown).numpy() for shown in (images, grey.expand(-1, 3, -1, -1)))
    said = [f"{name} {correlation(one[:, k], other[:, k]):.3f}"
            for k, name in enumerate(scorer.properties)]  # fmt: skip
    print(f"grey and coloured correlate by: {', '.join(said)}; {scorer.seen}")


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    read = np.isfinite(one) & np.isfinite(other)
    return float(np.corrcoef(one[read], other[read])[0, 1])


if __name__ == "__main__":
    torch.set_num_threads(1)
    faces, generator_of_places = photographs(sys.argv[1], int(sys.argv[2])), torch.Generator()
    generator_of_places.manual_seed(SEED)
    readers = [resolve_scorer(name, "cpu") for name in ("landmarks", "detected")]
    scores = readers[0](faces).numpy()
    compare(faces, scores, readers[1], generator_of_places)
    compare_two(faces[:40], scores[:40], readers[1], generator_of_places)
    compare_grey(faces[:40], readers[1])
