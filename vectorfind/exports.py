"""Single stages that write a file: samples, directions, edited images."""

from __future__ import annotations

import os
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from property_cnn.devices import choose_device
from property_cnn.files import atomic_write
from property_cnn.progress import Progress
from reports.images import tile, to_pixels
from vectorfind.config import FindSettings
from vectorfind.directions import Directions, load_directions
from vectorfind.errors import InputError
from vectorfind.folders import read_arrays, writable_folder
from vectorfind.latents import mapped_latents
from vectorfind.models import load_models
from vectorfind.npz import write_npz
from vectorfind.pipeline import find as find_with
from vectorfind.sampling import sample
from vectorfind.store import StoredSamples, fill_store
from vectorfind.streams import CASES


def write_samples(
    settings: FindSettings,
    out: str | os.PathLike,
    generator: str | os.PathLike = "default",
    scorer: str | os.PathLike = "default",
    quiet: bool = False,
) -> Path:
    """Samples as `find` draws them, in one .npz: z, label, scores, properties, readable and
    `mid_<layer>` for every layer. Of the settings n, seed, batch_size, device and dtype count.
    """
    settings.validate()
    choose_device(settings.device)
    out = Path(out)
    writable_folder(out.parent)
    models = load_models(generator, scorer, settings.device, settings.dtype)
    progress = Progress("sampling", settings.n, "images", quiet)
    samples = sample(
        models,
        settings.n,
        settings.seed,
        batch_size=settings.batch_size,
        workers=settings.workers,
        progress=progress.advance,
    )
    arrays = {
        "z": samples.z,
        "label": samples.label,
        "scores": samples.scores,
        "properties": np.array(samples.properties),
        "readable": samples.readable,
    }
    mids = {f"mid_{layer}": vectors for layer, vectors in samples.mids.items()}
    write_npz(out, "vectorfind samples", arrays | mids, {"seed": settings.seed})
    return out


def store_samples(
    settings: FindSettings,
    store: str | os.PathLike,
    generator: str | os.PathLike = "default",
    scorer: str | os.PathLike = "default",
    quiet: bool = False,
) -> StoredSamples:
    """Samples with the vectors of every layer in a store, which runs and curves can share."""
    settings.validate()
    choose_device(settings.device)
    models = load_models(generator, scorer, settings.device, settings.dtype)
    how = (settings.batch_size, settings.workers, quiet)
    return fill_store(store, models, settings.n, settings.seed, None, *how)


def write_directions(
    settings: FindSettings,
    out: str | os.PathLike,
    generator: str | os.PathLike = "default",
    scorer: str | os.PathLike = "default",
    quiet: bool = False,
    store: str | os.PathLike | None = None,
) -> tuple[Path, Directions]:
    """Finds directions and writes them to one .npz; `store` keeps their samples."""
    settings.validate()
    choose_device(settings.device)
    out = Path(out)
    writable_folder(out.parent)
    directions = find_with(settings, generator, scorer, quiet, store)
    directions.save(out)
    return out, directions


def fit_lines(directions: Directions) -> list[str]:
    """How well each property's fit did on samples held out from it."""
    lines = []
    for name in directions.properties:
        if directions.settings.method_of(name) == "svm":
            accuracy = directions.mean_accuracy[name]
            lines.append(f"{name}: validation accuracy {accuracy:.3f} of the SVMs")
        else:
            metrics = directions.metrics[name]
            lines.append(f"{name}: test corr {metrics['corr']:.3f}, mse {metrics['mse']:.3f}")
    return lines


def write_edits(
    directions_path: str | os.PathLike,
    out: str | os.PathLike,
    strengths: Mapping[str, float],
    latents: str | os.PathLike | None = None,
    seed: int = 0,
    count: int = 4,
    generator: str | os.PathLike = "default",
    scorer: str | os.PathLike = "default",
    device: str | None = None,
) -> list[Path]:
    """Edits images and writes them as PNG; returns the files.

    Args:
        directions_path: the .npz of directions.
        out: a path that ends in .png takes one sheet, unedited images above edited ones; any
            other is a folder for one file an edited image, in the generator's own size.
        strengths: property -> strength.
        latents: .npz with z (N, z_dim) and label (N, label_dim), e.g. a run's latents.npz; its
            first `count` rows are taken. None to draw them.
        seed: of drawn latents; they are those of the test's cases under the same seed.
        count: how many images.
        generator, scorer, device: the networks that the directions were found on.

    Raises:
        InputError: unknown property, or latents of another size.
        CheckpointError: a file is missing, damaged or foreign.
    """
    if count < 1:
        raise InputError(f"{count} images asked for; give a whole number of at least 1")
    choose_device(device)
    out = Path(out)
    as_sheet = out.suffix.lower() == ".png"
    writable_folder(out.parent if as_sheet else out)
    directions = load_directions(directions_path, generator, scorer, device=device)
    z, label = _latents(directions, latents, seed, count)
    edited = directions.edit(z, label, **strengths).cpu().numpy()
    if as_sheet:
        unedited = directions.edit(z, label).cpu().numpy()
        atomic_write(out, _png(tile(np.stack([unedited, edited]))))
        return [out]
    paths = [out / f"edited_{index:04d}.png" for index in range(len(edited))]
    for path, pixels in zip(paths, to_pixels(edited), strict=True):
        atomic_write(path, _png(pixels))
    return paths


def _latents(
    directions: Directions, path: str | os.PathLike | None, seed: int, count: int
) -> tuple[np.ndarray, np.ndarray]:
    models = directions.models
    if path is None:
        z, label, _ = mapped_latents(models, seed, CASES, count, layers=())
        return z, label
    arrays = read_arrays(path, ("z", "label"))
    z, label = arrays["z"][:count], arrays["label"][:count]
    needed = (models.generator.z_dim, models.generator.label_dim)
    if z.ndim != 2 or label.ndim != 2 or (z.shape[1], label.shape[1]) != needed:
        raise InputError(
            f"{path} holds z {z.shape} and label {label.shape}; this generator needs "
            f"(N, {needed[0]}) and (N, {needed[1]})"
        )
    return z, label


def _png(pixels: np.ndarray) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()
