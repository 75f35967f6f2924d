"""The folder that a run leaves behind, claimed by one run's settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write
from property_cnn.common.folders import differences, json_text, read_json
from reports.layout import CONFIG, REPORT, TIMINGS

_CLAIMED = ("kind", "find", "evaluate", "curve", "models", "directions")  # what must agree to go on


def claim(folder: Path, config: Mapping, replaced: Iterable[str] = ()) -> bool:
    """Writes the run's settings into the folder, or checks that they are those already there.

    Those of a run that has ended stay as they are: they are what its page was made from.

    Args:
        folder: the run's.
        config: the run's settings, under keys of which some must agree.
        replaced: patterns of an older run's files to remove, whatever its settings; () to go
            on from them if its settings are the same.

    Returns:
        Whether the folder was this run's before, so that what is finished there can be used.

    Raises:
        InputError: the folder holds a run with other settings.
    """
    path = folder / CONFIG
    for pattern in replaced:
        for old in folder.glob(pattern):
            old.unlink()
    known = path.exists() and not replaced
    if known:
        claims = ({key: run.get(key) for key in _CLAIMED} for run in (read_json(path), config))
        differing = differences(*claims)
        if differing:
            raise InputError(
                f"{folder} holds a run with other settings ({'; '.join(differing)}); "
                "choose another --out, or give --overwrite"
            )
    if not (known and (folder / REPORT).exists()):
        atomic_write(path, json_text(config))
    return known


def add_timing(folder: Path, stage: str, seconds: float) -> None:
    """Notes in `timings.json` how long a stage took."""
    timings = read_timings(folder) | {stage: round(seconds, 3)}
    atomic_write(folder / TIMINGS, json_text(timings))


def read_timings(folder: Path) -> dict[str, float]:
    """Seconds a stage, as far as the run has got."""
    path = folder / TIMINGS
    return read_json(path) if path.exists() else {}
