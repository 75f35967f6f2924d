"""How base and fine-tuned generator fare in the concept's filter, measured once and kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import atomic_write, file_digest
from property_cnn.common.folders import json_text
from property_cnn.common.progress import Progress
from property_cnn.properties import PROPERTIES
from reports import columns as c
from reports.analysis.finetune import ATTRIBUTES
from reports.statistics import wilson
from stylegan_ft.concept import Thresholds
from stylegan_ft.finetune.concept_measures import ConceptFigures, concept_figures
from stylegan_ft.formats.options import split_name
from vectorfind.runs.finetune.settings import MeasureSettings

Measure = Callable[[str | Path, str], ConceptFigures]
"""Path of a generator, or a shipped one's name, and what to call it -> its figures."""


def concept_rows(name: str, base: ConceptFigures, run: ConceptFigures) -> pd.DataFrame:
    """The two rows of a run in `concept.csv`: its base's and its own."""
    rows = []
    for which, found in ((c.BASE, base), (c.RUN, run)):
        low, high = wilson(found.passed, found.n)
        row = {c.RUN: name, c.GENERATOR: which, c.N: found.n, c.PASSED: found.passed}
        row |= {c.SHARE: found.share, c.low_column(c.SHARE): low, c.high_column(c.SHARE): high}
        shares = zip(ATTRIBUTES, found.attribute_shares, strict=True)
        row |= {c.share_column(key): value for key, value in shares}
        row |= dict(zip(ATTRIBUTES, found.mean_scores, strict=True))
        stds = zip(PROPERTIES, found.score_stds, strict=True)
        rows.append(row | {c.std_column(key): value for key, value in stds})
    return pd.DataFrame(rows)


def measurer(
    folder: Path, settings: MeasureSettings, thresholds: Thresholds, quiet: bool = False
) -> Measure:
    """What measures generators by these settings, and keeps what it found in the folder.

    What the folder holds from the same weights and settings is not measured again. Networks are
    loaded when they are first needed.
    """
    from property_cnn.network.shipped import SHIPPED as scorer_file
    from stylegan_ft.concept import SHIPPED as classifiers_file
    from stylegan_ft.generator import generator_path

    def shipped_or(given: str, shipped: Path) -> Path:
        return shipped if given == "default" else Path(given)

    judges = {
        "classifiers": _digest(shipped_or(settings.classifiers, classifiers_file)),
        "scorer": _digest(shipped_or(settings.scorer, scorer_file)),
    }
    loaded = {}

    def measure(path: str | Path, name: str) -> ConceptFigures:
        file, options = split_name(generator_path(path))
        key = {"generator": _digest(Path(file)), **judges}
        key |= {"options": options} if options else {}
        key |= {"thresholds": asdict(thresholds), "n": settings.n, "seed": settings.seed}
        text = json.dumps(key, sort_keys=True)
        place = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
        figures = _cached(place, key)
        if figures is None:
            if not loaded:
                loaded.update(_judges(settings))
            figures = _measured(path, name, settings, thresholds, quiet, **loaded)
            atomic_write(place, json_text({**key, "figures": asdict(figures)}))
        return figures

    return measure


def _judges(settings: MeasureSettings) -> dict[str, Callable]:
    from stylegan_ft.concept import ConceptClassifiers
    from vectorfind.models.protocols import resolve_scorer

    return {
        "classifiers": ConceptClassifiers.load(settings.classifiers, settings.device),
        "scorer": resolve_scorer(settings.scorer, settings.device),
    }


def _measured(
    path: str | Path,
    name: str,
    settings: MeasureSettings,
    thresholds: Thresholds,
    quiet: bool,
    classifiers: Callable,
    scorer: Callable,
) -> ConceptFigures:
    from vectorfind.models.protocols import resolve_generator

    generator = resolve_generator(path, settings.device)
    progress = Progress(f"measuring {name}", settings.n, "samples", quiet)
    how = (settings.n, settings.seed, settings.batch_size, progress.advance)
    return concept_figures(generator, classifiers, scorer, thresholds, *how)


def _digest(path: Path) -> str:
    if not path.is_file():
        raise CheckpointError(f"no file {path}; give the path of a checkpoint")
    return file_digest(path)


def _cached(path: Path, key: dict) -> ConceptFigures | None:
    """The figures in a file of exactly these settings; None where there are none, or damaged."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        figures = values.pop("figures")
        lists = {name: tuple(value) for name, value in figures.items() if isinstance(value, list)}
        return ConceptFigures(**figures | lists) if values == key else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
