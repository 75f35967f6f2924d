"""The folder that a run leaves behind: claimed by its settings, with its seconds a stage."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from property_cnn.common.errors import CheckpointError, InputError, ScorerError
from property_cnn.common.files import atomic_write
from property_cnn.common.folders import json_text, read_json
from property_cnn.jobs.folder import Claim, Work, open_folder
from reports.layout import CONFIG, SAMPLES, TIMINGS
from vectorfind.config import FindSettings
from vectorfind.directions.directions import Directions, load_directions
from vectorfind.models.pair import Models
from vectorfind.sampling.store import holds_samples

_CLAIMED = ("kind", "find", "evaluate", "curve", "models", "judges", "directions", "conditions")
"""What must agree to go on."""


@contextmanager
def open_run(
    out: str | os.PathLike, config: Mapping, written: tuple[str, ...], overwrite: bool = False
) -> Iterator[Work]:
    """The folder of a run of these settings, see `property_cnn.jobs.folder.open_folder`.

    A run of networks without a digest, which may have changed, is made anew each time. One that is
    refused before anything but samples is made leaves the folder to other settings.

    Args:
        out: the folder.
        config: the run's settings, under keys of which some must agree.
        written: patterns of the paths that the run writes to.
        overwrite: replace whatever run the folder holds.
    """
    claim = Claim(CONFIG, config, _decides, written, (SAMPLES,))
    networks = {**config["models"], **config.get("judges", {})}
    nameless = not all(networks.values())
    with open_folder(out, claim, overwrite or nameless, resumed=not nameless) as work:
        try:
            yield work
        except (InputError, ScorerError):
            if not work.known and set(work.listing.names()) <= {CONFIG, TIMINGS}:
                work.withdraw()
            raise


def samples_folder(out: str | os.PathLike, work: Work, models: Models, seed: int) -> Path:
    """Where a run's own samples lie: those of the run that it replaces, where they are the same."""
    if work.folder != Path(out) and not holds_samples(Path(out) / SAMPLES, models, seed):
        return work.folder / SAMPLES
    return Path(out) / SAMPLES


def load_found(path: Path, models: Models, settings: FindSettings) -> Directions | None:
    """A stopped run's directions; None where they are damaged, and found again."""
    try:
        found = load_directions(path, models.generator, models.scorer, dtype=models.dtype)
    except CheckpointError:
        return None
    return replace(found, settings=settings)


def add_timing(folder: Path, stage: str, seconds: float) -> None:
    """Notes in `timings.json` how long a stage took."""
    timings = read_timings(folder) | {stage: round(seconds, 3)}
    atomic_write(folder / TIMINGS, json_text(timings))


def read_timings(folder: Path) -> dict[str, float]:
    """Seconds a stage, as far as the run has got; none where the file is damaged."""
    path = folder / TIMINGS
    try:
        timings = read_json(path) if path.exists() else {}
    except InputError:
        return {}
    return {stage: taken for stage, taken in timings.items() if isinstance(taken, int | float)}


def kind_of(config: Mapping) -> dict:
    """All that must agree for a folder whose files are written again each time."""
    return {"kind": config.get("kind")}


def _decides(config: Mapping) -> dict:
    return {key: config.get(key) for key in _CLAIMED}
