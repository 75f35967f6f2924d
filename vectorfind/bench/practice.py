"""What one would run instead, re-enacted on the same networks and vectors, and how long it takes.

InterFaceGAN (Shen, Gu, Tang and Zhou, 2020): images are written to files in batches of 4, scored
from the files one at a time, and `SVC(kernel="linear")` parts the extreme 2 % of each score.
GANSpace (Härkönen, Hertzmann, Lehtinen and Paris, 2020): incremental PCA of w, 10,000 vectors at a
time, 80 components. Written anew after the papers and what these programs do; none of their code
is here.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from property_cnn.common.streams import SAMPLES, SPLITS, random_stream
from property_cnn.common.tasks import one_thread
from vectorfind.bench.machine import all_threads
from vectorfind.bench.reference import BATCH, from_pixels, to_pixels
from vectorfind.bench.rows import BenchRow
from vectorfind.bench.settings import BenchSettings
from vectorfind.config import CONTROLLED
from vectorfind.methods.components.principal import principal
from vectorfind.methods.linear.interfacegan import RATIO, VALIDATION
from vectorfind.methods.linear.sides import fit_sides
from vectorfind.methods.svm import fit_svm
from vectorfind.models.pair import Models
from vectorfind.sampling.latents import mapped_latents
from vectorfind.sampling.sampler import Samples, sample

PART = "practice"

COMPONENTS, PCA_BATCH = 80, 10_000
"""GANSpace's defaults: components, and vectors a step."""

COMPARED = 10
"""First components that both ways must agree on."""


class Clock:
    """Seconds between calls of `lap`."""

    def __init__(self) -> None:
        self._at = time.perf_counter()

    def lap(self) -> float:
        """Seconds since the last call."""
        before, self._at = self._at, time.perf_counter()
        return self._at - before


def practice_rows(models: Models, settings: BenchSettings) -> list[BenchRow]:
    """Both re-enactments beside the library's own way, and the ratios."""
    return [*interfacegan_rows(models, settings), *ganspace_rows(models, settings)]


def interfacegan_rows(models: Models, settings: BenchSettings) -> list[BenchRow]:
    """InterFaceGAN's steps and ours, from latents to a normal a property, at the same n and w."""
    n, layer = settings.practice_n, models.last_layer
    names = [name for name in CONTROLLED if name in models.scored] or list(models.scored)
    with all_threads() as threads, _folder() as folder:
        clock = Clock()
        latents = write_images(models, n, settings.seed, folder)
        writing = clock.lap()
        scores = score_files(models, folder, n)
        scoring = clock.lap()
        columns = [models.scored.index(name) for name in names]
        boundaries(latents, scores[:, columns])
        fitting = clock.lap()
    clock = Clock()
    how = {"batch_size": settings.batch_size, "layers": (layer,), "workers": settings.workers}
    samples = sample(models, n, settings.seed, **how)
    sampling = clock.lap()
    with one_thread():
        for name in names:
            _our_normal(samples, layer, name, settings.seed)
    ours = clock.lap()
    size = f"n={n:,}, {layer}"
    theirs = writing + scoring + fitting
    fits = f"{len(names)} of the extreme {RATIO:.0%}"
    return [
        _row("InterFaceGAN, images to files", writing, "s", f"{size}; PNG, batches of {BATCH}, "
             f"{threads} threads"),
        _row("InterFaceGAN, scores from files", scoring, "s", "one at a time"),
        _row("InterFaceGAN, SVMs", fitting, "s", f"SVC, {fits}"),
        _row("the same, ours: sampling", sampling, "s", size),
        _row("the same, ours: SVMs", ours, "s", f"squared hinge, solved to rounding, {fits}"),
        _row("InterFaceGAN to ours", theirs / (sampling + ours), "x", "from latents to normals"),
        _row("InterFaceGAN to ours, images", (writing + scoring) / sampling, "x", ""),
    ]  # fmt: skip


def write_images(models: Models, n: int, seed: int, folder: Path) -> np.ndarray:
    """Writes n images as 000000.png and so on, and w.npy; returns that, (n, d)."""
    generator, rng = models.generator, random_stream(seed, SAMPLES)
    layer, parts = models.last_layer, []
    for start in range(0, n, BATCH):
        count = min(BATCH, n - start)
        z = rng.standard_normal((count, generator.z_dim), dtype=np.float32)
        label = rng.standard_normal((count, generator.label_dim), dtype=np.float32)
        latents = models.map(z, label)[layer].cpu().numpy()
        for k, pixels in enumerate(to_pixels(models.synthesize(latents, layer))):
            Image.fromarray(pixels).save(folder / f"{start + k:06d}.png")
        parts.append(latents)
    latents = np.concatenate(parts)
    np.save(folder / "w.npy", latents)
    return latents


def score_files(models: Models, folder: Path, n: int) -> np.ndarray:
    """Scores (n, A) of the images that `write_images` left, one at a time."""
    scores = []
    for k in range(n):
        with Image.open(folder / f"{k:06d}.png") as image:
            pixels = np.asarray(image.convert("RGB"))
        scores.append(models.score(from_pixels(pixels[None])))
    return np.concatenate(scores)


def boundaries(latents: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The unit normals (P, d) between the extremes of scores (n, P); rows of NaN are left out."""
    from sklearn.svm import SVC

    readable = ~np.isnan(scores).any(axis=1)
    latents, scores = latents[readable], scores[readable]
    return np.stack([
        fit_sides(
            lambda rows: latents[rows], column, RATIO, random_stream(0, SPLITS, str(k)),
            SVC(kernel="linear"), VALIDATION, scaled=False,
        ).direction
        for k, column in enumerate(scores.T)
    ])  # fmt: skip


class Components(NamedTuple):
    """Principal components by both ways.

    Attributes:
        theirs, ours: seconds.
        agreement: least |cosine| of the first components of both.
    """

    theirs: float
    ours: float
    agreement: float


def compare_components(vectors: np.ndarray, seed: int, batch: int = PCA_BATCH) -> Components:
    """Principal components of vectors (n, d) by steps of `batch`, and as the library has them."""
    from sklearn.decomposition import IncrementalPCA

    count = min(COMPONENTS, vectors.shape[1], batch)
    with all_threads():
        clock = Clock()
        model = IncrementalPCA(count)
        for start in range(0, len(vectors) - count + 1, batch):
            model.partial_fit(vectors[start : start + batch])
        theirs = clock.lap()
    with one_thread():
        clock = Clock()
        axes = principal(vectors, count, seed).axes
        ours = clock.lap()
    first = min(COMPARED, count)
    cosines = np.abs(np.einsum("kd,kd->k", axes[:first], model.components_[:first]))
    return Components(theirs, ours, float(cosines.min()))


def ganspace_rows(models: Models, settings: BenchSettings) -> list[BenchRow]:
    """GANSpace's components and ours, of the same w."""
    layer, n = models.last_layer, settings.pca_n
    vectors = mapped_latents(models, settings.seed, SAMPLES, n, (layer,))[2][layer]
    found = compare_components(vectors, settings.seed)
    size = f"{n:,} vectors of {vectors.shape[1]} numbers, {COMPONENTS} components"
    return [
        _row("GANSpace, PCA", found.theirs, "s", f"incremental, {PCA_BATCH:,} at a time; {size}"),
        _row("the same, ours", found.ours, "s", "one thread"),
        _row("GANSpace to ours", found.theirs / found.ours, "x", ""),
        _row("GANSpace and ours, least |cosine|", found.agreement, "",
             f"of the first {COMPARED} components"),
    ]  # fmt: skip


def _our_normal(samples: Samples, layer: str, name: str, seed: int) -> np.ndarray:
    rows = np.flatnonzero(samples.readable)
    scores = samples.scores[rows, samples.properties.index(name)]
    rng = random_stream(seed, SPLITS, name)
    return fit_svm(lambda some: samples.vectors(layer, rows[some]), scores, RATIO, rng).direction


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="vectorfind-bench-") as name:
        yield Path(name)


def _row(measure: str, value: float, unit: str, note: str) -> BenchRow:
    return BenchRow(PART, measure, value, unit, note)
