"""Single stages that write a file: samples, directions."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from property_cnn.common.arrays import write_npz
from property_cnn.common.devices import choose_device
from property_cnn.common.folders import writable_folder
from property_cnn.common.progress import check_room
from property_cnn.common.tasks import one_thread
from vectorfind.config import FindSettings
from vectorfind.directions.directions import Directions
from vectorfind.directions.finding import check_early, draw, fit_samples, models_for
from vectorfind.models.pair import Models, load_models
from vectorfind.sampling.store import LABELS, LATENTS, StoredSamples, array_name, fill_store


@one_thread()
def write_samples(
    settings: FindSettings,
    out: str | os.PathLike,
    generator: str | os.PathLike = "default",
    scorer: str | os.PathLike = "default",
    quiet: bool = False,
) -> Path:
    """Samples as `find` draws them, in one .npz: z, label, scores, properties, readable and
    `latents_<layer>` for every layer. Of the settings n, seed, batch_size, device, dtype, psi and
    trunc_layers count.
    """
    settings.validate()
    choose_device(settings.device)
    out = Path(out)
    writable_folder(out.parent)
    models = _models(settings, generator, scorer)
    generator = models.generator
    row = 4 * (generator.z_dim + generator.label_dim + len(models.scored))
    row += 4 * sum(generator.layers.values())
    check_room(out.parent, 2 * settings.n * row)  # the store's and the file's
    how = (settings.batch_size, settings.workers, quiet)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as store:
        samples = fill_store(store, models, settings.n, settings.seed, None, *how)
        arrays = {
            "z": samples.rows(LATENTS).blocks(),
            "label": samples.rows(LABELS).blocks(),
            "scores": samples.scores,
            "properties": np.array(samples.properties),
            "readable": samples.readable,
        }
        latents = {
            f"latents_{layer}": samples.rows(array_name(layer)).blocks() for layer in samples.layers
        }
        psi = float(getattr(generator, "psi", 1.0))
        about = {"seed": settings.seed, "psi": psi, "trunc_layers": settings.trunc_layers}
        write_npz(out, "vectorfind samples", arrays | latents, about)
    return out


@one_thread()
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
    models = _models(settings, generator, scorer)
    how = (settings.batch_size, settings.workers, quiet)
    return fill_store(store, models, settings.n, settings.seed, None, *how)


@one_thread()
def write_directions(
    settings: FindSettings,
    out: str | os.PathLike,
    generator: str | os.PathLike = "default",
    scorer: str | os.PathLike = "default",
    quiet: bool = False,
    store: str | os.PathLike | None = None,
) -> tuple[Path, Directions]:
    """Finds directions and writes them to one .npz; `store` keeps their samples."""
    check_early(settings, scorer)
    out = Path(out)
    writable_folder(out.parent)
    models, settings = models_for(settings, generator, scorer)
    directions = fit_samples(models, draw(models, settings, store, quiet), settings, quiet)
    directions.save(out)
    return out, directions


def fit_lines(directions: Directions) -> list[str]:
    """How well each property's fit did on samples held out from it."""
    summaries = {name: field.summary() for name, field in directions.fields.items()}
    return [f"{name}: {summary}" for name, summary in summaries.items() if summary]


def _models(
    settings: FindSettings, generator: str | os.PathLike, scorer: str | os.PathLike
) -> Models:
    return load_models(generator, scorer, **settings.loading)
