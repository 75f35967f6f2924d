"""Reports on fine-tuning runs: what their folders hold, plots, tables, pictures and one page."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write
from property_cnn.common.folders import json_text
from property_cnn.common.tasks import one_thread
from property_cnn.jobs.folder import Claim, open_again
from property_cnn.properties import CONTROLLED
from reports import columns as c
from reports.analysis.finetune import RunLog, gain_table, read_log
from reports.layout import (
    CONCEPT,
    CONFIG,
    FIGURES,
    FINETUNE_KIND,
    GAIN,
    MEASURED,
    REPORT,
    RUN_SAMPLES,
    RUNS,
    STATISTICS,
    TRAIN_LOG,
    VERDICT,
)
from reports.pages.html import settings_shown
from reports.plots.finetune import CONCEPT as CONCEPT_FIGURE
from reports.plots.finetune import LABELS, TRAINING
from reports.tables import csv_text, read_table
from stylegan_ft.concept import Thresholds
from stylegan_ft.finetune.run import GENERATOR, LOG, SETTINGS, START
from stylegan_ft.finetune.settings import VARIANTS
from stylegan_ft.shipped import SHIPPED
from vectorfind.runs.finetune.concept import MeasureSettings, concept_rows, measurer
from vectorfind.runs.folder import kind_of
from vectorfind.runs.report import Report, check_replaceable, own_report

_WRITTEN = (
    REPORT, VERDICT, CONCEPT, GAIN, f"{RUNS}/*/{TRAIN_LOG}", f"{RUNS}/*/{RUN_SAMPLES}",
    *(
        f"{FIGURES}/{name}.png"
        for name in (LABELS, CONCEPT_FIGURE, TRAINING, "*_corr", "*_mae")
    ),
    f"{MEASURED}/*.json",
)  # fmt: skip
Read = TypeVar("Read")

_WANTED = "the folder of a fine-tuning run"


@dataclass(frozen=True, eq=False)
class RunFolder:
    """A run's folder.

    Attributes:
        path: the folder.
        log: its log, with the run's name.
        settings: what `settings.json` holds.
    """

    path: Path
    log: RunLog
    settings: Mapping[str, Any]


@one_thread()
def write_finetune_report(
    folders: Sequence[str | os.PathLike],
    out: str | os.PathLike,
    directions: str | os.PathLike | None = None,
    settings: MeasureSettings | None = None,
    thresholds: Thresholds | None = None,
    quiet: bool = False,
) -> Report:
    """Writes a folder with all that the page shows of one or more runs, and the page.

    Base and generator of runs without measured labels are put through the concept's filter,
    unless the folder holds what came out from an earlier report.

    Args:
        folders: of the runs.
        out: the folder to write in; not a run's own.
        directions: a `test_statistics.csv` or the folder of a test, to compare labels with.
        settings: of the measurement.
        thresholds: of the filter; the shipped generator's if not given.
        quiet: print no progress.

    Raises:
        InputError: a folder is none of a run, or damaged, or nothing can be written in `out`.
        CheckpointError: a generator is missing or damaged.
    """
    settings, thresholds = settings or MeasureSettings(), thresholds or Thresholds()
    runs = read_runs(folders)
    reached = None if directions is None else read_directions(directions)
    if (Path(out) / SETTINGS).exists():
        raise InputError(f"{out} is a run's own folder; choose another --out")
    check_replaceable(Path(out), FINETUNE_KIND)
    config = {"kind": FINETUNE_KIND, "versions": runs[0].settings.get("versions")}
    with open_again(out, Claim(CONFIG, config, kind_of, _WRITTEN), keep=MEASURED) as work:
        place = work.folder
        concept, notes = _measure(runs, place, settings, thresholds, quiet)
        aimed = [run.log.name for run in runs if VARIANTS[run.log.variant].measured == "concept"]
        gain = gain_table(concept, CONTROLLED, aimed) if len(concept) else pd.DataFrame()
        for name, table in {CONCEPT: concept, GAIN: gain}.items():
            if len(table):
                atomic_write(place / name, csv_text(table))
        config |= {
            "runs": [_copied(run, place / RUNS / str(index)) for index, run in enumerate(runs)],
            "directions": reached,
            "thresholds": asdict(thresholds),
            "notes": notes,
        }
        atomic_write(place / CONFIG, json_text(config))
        return own_report(place)


def read_runs(folders: Sequence[str | os.PathLike]) -> list[RunFolder]:
    """The runs in folders, each under a name of its own.

    Raises:
        InputError: a folder is given twice, is none of a run, or is damaged.
    """
    paths = [Path(folder) for folder in folders]
    if len({path.resolve() for path in paths}) < len(paths):
        raise InputError("a run is given twice; give each once")
    if not paths:
        raise InputError(f"no runs; give {_WANTED} or several")
    read = [_settings_at(path) for path in paths]
    names = [_name(path, settings["variant"]) for path, settings in zip(paths, read, strict=True)]
    counts = Counter(names)
    runs = []
    for path, settings, name in zip(paths, read, names, strict=True):
        name = name if counts[name] == 1 else str(path)
        table = _read(path / LOG, lambda text, own=settings: read_log(text, _per_epoch(own)))
        runs.append(RunFolder(path, RunLog(name, settings["variant"], table), settings))
    return runs


def read_directions(path: str | os.PathLike) -> dict[str, float]:
    """Property -> mean corr-coef of a test, from its `test_statistics.csv` or its folder.

    One that is undefined there is left out.

    Raises:
        InputError: there is none, or it is damaged.
    """
    path = Path(path)
    path = path / STATISTICS if path.is_dir() else path
    return _read(path, _corr_means, f"a test's folder or its {STATISTICS}")


def _corr_means(text: str) -> dict[str, float]:
    table = read_table(text, [c.corr_mean_column(name) for name in CONTROLLED])
    if table.empty:
        raise ValueError("it holds no row")
    row = table.iloc[0]
    means = {name: float(row[c.corr_mean_column(name)]) for name in CONTROLLED}
    return {name: mean for name, mean in means.items() if math.isfinite(mean)}


def _measure(
    runs: Sequence[RunFolder],
    place: Path,
    settings: MeasureSettings,
    thresholds: Thresholds,
    quiet: bool,
) -> tuple[pd.DataFrame, list[str]]:
    """The rows of `concept.csv`, and what could not be measured."""
    chosen = [run for run in runs if VARIANTS[run.log.variant].measured != "labels"]
    tables, notes = [], []
    if settings.n and chosen:
        measure = measurer(place / MEASURED, settings, thresholds, quiet)
        for run in chosen:
            name, generator = run.log.name, run.path / GENERATOR
            if not generator.is_file():
                notes.append(f"{name} has no {GENERATOR} yet, so its samples were not measured")
                continue
            base = measure(_base(run), f"the base of {name}")
            tables.append(concept_rows(name, base, measure(generator, name)))
    return (pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()), notes


def _base(run: RunFolder) -> str | Path:
    """Where a run's base lies: a shipped name, or a path as given or within the run's folder."""
    base = run.settings.get("base")
    if base in SHIPPED:
        return base
    for path in (Path(str(base)), run.path / str(base)):
        if path.is_file():
            return path
    raise InputError(
        f"the base of {run.path}, {base}, is not there; put it back, or give -n 0 to measure none"
    )


def _copied(run: RunFolder, place: Path) -> dict[str, Any]:
    """What the page shows of a run: its log and first and last pictures copied, the rest said."""
    atomic_write(place / TRAIN_LOG, (run.path / LOG).read_bytes())
    grids = {}
    for path in run.path.glob(RUN_SAMPLES):
        number = path.stem.rpartition("-")[2]
        if number.isdecimal():
            grids[int(number)] = path
    for step in sorted({min(grids), max(grids)} if grids else ()):
        atomic_write(place / grids[step].name, grids[step].read_bytes())
    command = run.settings.get("command", "")
    return {
        "name": run.log.name,
        "variant": run.log.variant,
        "batches_per_epoch": run.settings["batches_per_epoch"],
        "settings": settings_shown(run.settings) | _start(run.path),
        "command": " ".join(map(str, command)) if isinstance(command, list) else str(command),
    }


def _start(path: Path) -> dict[str, str]:
    """How far the images were from the base's before training, for the table of settings."""
    if not (path / START).is_file():
        return {}
    row = _read(path / START, lambda text: read_table(text, ("rms_difference", "pixel_std")))
    values = [f"{name.replace('_', ' ')} {value}" for name, value in row.iloc[0].items()]
    return {"images before training, against the base": ", ".join(values)}


def _settings_at(path: Path) -> dict[str, Any]:
    """A run's settings, with a known variant."""
    file = path / SETTINGS
    if not file.is_file():
        raise InputError(f"{path} holds no {SETTINGS}; give {_WANTED}")
    values = _read(file, json.loads)
    if not isinstance(values, dict) or str(values.get("variant")) not in VARIANTS:
        raise InputError(f"{file} names no variant of {', '.join(VARIANTS)}; give {_WANTED}")
    return values


def _per_epoch(settings: Mapping[str, Any]) -> int:
    value = settings.get("batches_per_epoch")
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{SETTINGS} beside it says batches_per_epoch {value!r}")
    return value


def _name(path: Path, variant: str) -> str:
    name = path.resolve().name
    return name if variant in name else f"{name} ({variant})"


def _read(path: Path, read: Callable[[str], Read], wanted: str = _WANTED) -> Read:
    """What `read` makes of the file's text; InputError where it is missing or damaged."""
    try:
        return read(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"no file {path}; give {wanted}") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be used: {error}; give {wanted}") from error
