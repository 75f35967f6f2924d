"""Scripts: tables of what a character does, a row a moment, and the frames between them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from property_cnn.common.errors import InputError
from property_cnn.common.files import is_file
from property_cnn.common.files import reading as reading_file
from vectorfind.characters.settings import EASED, LINEAR, ROWS

TIME = "time"
"""The column of seconds."""

MOST_FRAMES = 100_000

_LARGEST = 64 * 2**20


def read_script(path: str | os.PathLike, allowed: Sequence[str]) -> pd.DataFrame:
    """The rows of a script: `time` in seconds, rising, and a column each of what changes.

    Args:
        path: a CSV. An empty cell is what lies between the rows around it, or what is nearest.
        allowed: names that its other columns may have.

    Raises:
        InputError: no such file, other columns, no rows, times that do not rise, or cells that are
            no numbers; the text says which.
    """
    path = Path(path)
    if not is_file(path):
        raise InputError(f"no file {path}; give a CSV with columns {TIME}, {', '.join(allowed)}")
    if path.stat().st_size > _LARGEST:
        raise InputError(f"{path} has more than {_LARGEST >> 20} MiB; give a shorter script")
    try:
        with reading_file(path), warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(path, skipinitialspace=True, index_col=False)
    except pd.errors.ParserWarning as error:
        raise InputError(
            f"{path} has rows of more cells than its first line; give as many"
        ) from error
    except (ValueError, UnicodeError) as error:
        raise InputError(f"{path} is no CSV ({str(error).strip()[:80]})") from error
    return checked_script(table, allowed, str(path))


def checked_script(table: pd.DataFrame, allowed: Sequence[str], source: str) -> pd.DataFrame:
    """The table with numbers in every cell; see `read_script`."""
    names = [str(name).strip() for name in table.columns]
    table = table.set_axis(names, axis=1)
    unknown = [name for name in names if name not in (TIME, *allowed)]
    if TIME not in names or unknown or len(set(names)) < len(names) or len(names) < 2:
        raise InputError(
            f"{source} has the columns {', '.join(names)}; a script has {TIME} and some of "
            f"{', '.join(allowed)}, once each"
        )
    if table.empty:
        raise InputError(f"{source} has no rows; give one a moment")
    numbers = table.apply(pd.to_numeric, errors="coerce").astype(float)
    wrong = ~np.isfinite(numbers) & (table.notna() | (table.columns == TIME))
    if wrong.to_numpy().any():
        row, column = np.argwhere(wrong.to_numpy())[0]
        cell = str(table.iat[row, column])
        raise InputError(f"{source}, line {row + 2}: {cell!r} in {names[column]} is no number")
    times = numbers[TIME].to_numpy()
    late = np.flatnonzero(times[1:] <= times[:-1])
    if late.size:
        line = int(late[0]) + 3
        raise InputError(f"{source}, line {line}: its time does not come after the line before")
    empty = [name for name in names if numbers[name].isna().all()]
    if empty:
        raise InputError(f"{source}: {', '.join(empty)} has no numbers; leave the column out")
    return numbers


def script_frames(
    table: pd.DataFrame, rate: float, between: str = LINEAR
) -> list[dict[str, float]]:
    """The frames of a script: values by name, one frame every 1 / rate seconds.

    Args:
        table: as from `read_script`.
        rate: frames a second.
        between: one of `vectorfind.characters.settings.BETWEEN`; eased is along the cosine, at
            rest in every row.

    Raises:
        InputError: more frames than `MOST_FRAMES`.
    """
    times, names = table[TIME].to_numpy(), [name for name in table if name != TIME]
    with np.errstate(over="ignore"):
        span = np.floor((times[-1] - times[0]) * rate + 1e-9) + 1
    count = len(times) if between == ROWS else span
    if not count <= MOST_FRAMES:
        raise InputError(
            f"the script has {count:,.0f} frames at {rate:g} a second, at most {MOST_FRAMES:,} "
            "are made; give a shorter one, or a lower rate"
        )
    moments = times if between == ROWS else times[0] + np.arange(int(count)) / rate
    columns = {name: _between(times, table[name].to_numpy(), moments, between) for name in names}
    rows = np.column_stack(list(columns.values())).tolist()
    return [dict(zip(names, row, strict=True)) for row in rows]


def _between(
    times: np.ndarray, values: np.ndarray, moments: np.ndarray, between: str
) -> np.ndarray:
    """Values at moments, of those that are no NaN at their times."""
    told = np.isfinite(values)
    times, values = times[told], values[told]
    if between != EASED or len(times) < 2:
        return np.interp(moments, times, values)
    after = np.clip(np.searchsorted(times, moments, side="right"), 1, len(times) - 1)
    share = np.clip((moments - times[after - 1]) / (times[after] - times[after - 1]), 0, 1)
    share = (1 - np.cos(np.pi * share)) / 2
    return values[after - 1] + share * (values[after] - values[after - 1])
