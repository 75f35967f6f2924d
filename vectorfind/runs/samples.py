"""Single stages that write a file: samples, directions."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from property_cnn.common.arrays import write_npz
from property_cnn.common.devices import choose_device
from property_cnn.common.files import atomic_write
from property_cnn.common.folders import writable_folder
from property_cnn.common.progress import Progress, check_room
from property_cnn.common.tasks import one_thread
from reports import columns as c
from reports.tables import components_table, csv_text
from vectorfind.config import FindSettings, RankSettings
from vectorfind.directions.directions import Directions
from vectorfind.directions.finding import (
    check_early,
    draw,
    find_components,
    fit_samples,
    measured,
    models_for,
)
from vectorfind.evaluation.component_ranking import component_slopes
from vectorfind.methods.registry import component_method
from vectorfind.models.pair import Models, load_models
from vectorfind.models.protocols import Generator, Scorer
from vectorfind.sampling.store import StoredSamples, array_name, fill_store
from vectorfind.sampling.store_files import LABELS, LATENTS


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


@one_thread()
def write_ranking(
    settings: FindSettings,
    ranking: RankSettings,
    out: str | os.PathLike,
    generator: str | os.PathLike | Generator = "default",
    scorer: str | os.PathLike | Scorer = "default",
    quiet: bool = False,
    store: str | os.PathLike | None = None,
) -> tuple[Path, pd.DataFrame]:
    """Scores every component of a method by images and writes one .csv, see `component_slopes`.

    Args:
        settings: of finding; `properties` None is all that the scorer reads.
        ranking: how many faces, and how far.
        out: the .csv.
        generator, scorer: as for `vectorfind.find_directions`.
        quiet: show no progress.
        store: folder that keeps the samples.

    Returns:
        Its path, and the table of it, see `reports.tables.components_table`.

    Raises:
        InputError: the method has no components, or a setting is not allowed.
    """
    component_method(settings.method)
    check_early(settings, scorer)
    out = Path(out)
    writable_folder(out.parent)
    given = settings.properties
    models, settings = models_for(settings, generator, scorer)
    settings = replace(settings, properties=models.scored if given is None else given)
    samples = draw(models, settings, store, quiet)
    components = find_components(models, samples, settings, quiet)
    total = 2 * ranking.faces * len(components.axes)
    advance = Progress("ranking", total, "images", quiet).advance
    spread = measured(models, samples)["score_std"]
    slopes = component_slopes(models, components, spread, settings, ranking, advance)
    columns = [models.scored.index(name) for name in settings.properties]
    named = slopes[:, :, columns], settings.properties
    table = components_table(components.numbers, components.shares, *named)
    atomic_write(out, csv_text(table))
    return out, table


def ranking_lines(table: pd.DataFrame) -> list[str]:
    """For each property the component of the steepest slope, and what else that one changes most.

    Args:
        table: see `reports.tables.components_table`.
    """
    steep = table.pivot(index=c.COMPONENT, columns=c.PROPERTY, values=c.SLOPE)
    share = table.groupby(c.COMPONENT)[c.VARIANCE].first()
    rows = []
    for name in dict.fromkeys(table[c.PROPERTY]):
        if steep[name].isna().all():
            rows.append((name, "none could be read", "", "", ""))
            continue
        best = steep[name].abs().idxmax()
        others = steep.loc[best].drop(name).dropna()
        most = others.abs().idxmax() if len(others) else None
        also = "" if most is None else f"{most} {others[most]:+.2f}"
        rows.append((name, str(best), f"{share[best]:.1%}", f"{steep[name][best]:+.2f}", also))
    head = ("property", "component", "variance", "slope", "most of the others")
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return [
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]


def fit_lines(directions: Directions) -> list[str]:
    """How well each property's fit did on samples held out from it."""
    summaries = {name: field.summary() for name, field in directions.fields.items()}
    return [f"{name}: {summary}" for name, summary in summaries.items() if summary]


def _models(
    settings: FindSettings, generator: str | os.PathLike, scorer: str | os.PathLike
) -> Models:
    return load_models(generator, scorer, **settings.loading)
