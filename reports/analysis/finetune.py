"""Logs of fine-tuning runs, and what they say: are labels obeyed, is the concept reached.

A log is a run's `train_log.csv`. A row's step is the number of batches seen. Corr-coefs and errors
are those of intended labels against the scores read off the images; an undefined corr-coef, of
images that all score the same, is left out of means and counted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports import columns as c
from reports.reading import result_properties
from reports.tables import read_table
from reports.text import signed

LOG_COLUMNS = (
    c.EPOCH, c.IDX, c.D_LOSS, c.G_LOSS, c.D_TRAIN_COUNT, c.G_TRAIN_COUNT,
    c.REAL_SCORES_MEAN, c.FAKE_SCORES_MEAN, c.REAL_FAKE_AUROC,
)  # fmt: skip
"""Columns that every log has."""

ATTRIBUTES = ("gender", "quality", "age", "glasses")
"""The attributes of the concept's filter: columns of a log that has them."""

WORDS = (("learned", 0.8), ("partly", 0.4), ("hardly", 0.15), ("not", -np.inf))
"""How well a label was learnt: the word, and the least last corr-coef for it."""

MIDDLING = dict(WORDS)["partly"]
"""From where a corr-coef is no longer low."""

RATIO_GOAL, SHARE_GOAL, DIVERSITY_GOAL = 3.0, 0.9, 0.8
"""Goals of a concept: times the base's share of samples that pass, or that share itself; least
standard deviation of a property's scores in units of the base's."""


@dataclass(frozen=True, eq=False)
class RunLog:
    """A run's log.

    Attributes:
        name: tells it from the others in legends and tables.
        variant: what was trained, e.g. "v9".
        table: as from `read_log`.
    """

    name: str
    variant: str
    table: pd.DataFrame

    @property
    def properties(self) -> tuple[str, ...]:
        """The properties whose intended labels are compared with scores; () for most variants."""
        return tuple(
            name for name in result_properties(self.table) if c.mae_column(name) in self.table
        )

    @property
    def attributes(self) -> tuple[str, ...]:
        """The filter's attributes that are logged."""
        return tuple(name for name in ATTRIBUTES if name in self.table)

    @property
    def batches(self) -> int:
        """Batches seen at the last row."""
        return int(self.table[c.STEP].iloc[-1])


def read_log(text: str, batches_per_epoch: int) -> pd.DataFrame:
    """A log from its CSV text, as float64, with the column step; half a last line is left out.

    Raises:
        ValueError: a column is missing, a value is no number, or there is no row.
    """
    table = read_table(text[: text.rfind("\n") + 1], LOG_COLUMNS)
    numbers = table.apply(pd.to_numeric, errors="coerce").astype(np.float64)
    for name in table.columns[(numbers.isna() & table.notna()).any(axis=0)]:
        raise ValueError(f"{name} holds what is no number")
    numbers = numbers.replace([np.inf, -np.inf], np.nan)
    if numbers.empty:
        raise ValueError("it holds no rows")
    numbers[c.STEP] = numbers[c.EPOCH] * batches_per_epoch + numbers[c.IDX]
    if numbers[c.STEP].isna().any():
        raise ValueError(f"a row lacks {c.EPOCH} or {c.IDX}")
    return numbers


def word_of(corr: float) -> str:
    """The word for a last corr-coef, from `WORDS`; "not" where it is undefined."""
    return next((word for word, least in WORDS if corr >= least), WORDS[-1][0])


def last_mean(values: pd.Series) -> float:
    """Mean over the last tenth of the rows, at least one; NaN only where all of it is undefined."""
    return float(values.tail(-(-len(values) // 10)).mean())


def verdict_table(
    runs: Sequence[RunLog], directions: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """A row a run with labels: how far each property follows its label at first, last and best.

    Args:
        runs: those without labels are left out.
        directions: property -> mean corr-coef of direction finding.
    """
    rows = []
    for run in runs:
        if not run.properties:
            continue
        row = {c.RUN: run.name, c.VARIANT: run.variant, c.BATCHES: run.batches}
        last, undefined = {}, 0
        for name in run.properties:
            column, mae = c.corr_column(name), c.mae_column(name)
            corrs = run.table[column]
            last[name] = last_mean(corrs)
            undefined += int(corrs.isna().sum())
            row |= {
                c.first_column(column): corrs.iloc[0],
                c.last_column(column): last[name],
                c.best_column(column): corrs.max(),
                c.last_column(mae): last_mean(run.table[mae]),
                c.verdict_column(name): word_of(last[name]),
            }
            if directions is not None:
                row[c.directions_column(column)] = directions.get(name, np.nan)
        lowest = pd.Series(last).fillna(-np.inf).idxmin()
        rows.append(row | {c.LOWEST: lowest, c.UNDEFINED: undefined})
    return pd.DataFrame(rows)


def reference_verdict(runs: Sequence[RunLog]) -> list[tuple[str, str, str]]:
    """The reference's three statements on its v5 runs, tried on these: statement, holds, evidence.

    A statement on a property that no run has, or on a variant that is missing, is "not measured".
    """
    labelled = [run for run in runs if run.properties]
    lasts = {
        name: [
            (run, last_mean(run.table[c.corr_column(name)]))
            for run in labelled
            if name in run.properties
        ]
        for name in ("eyes", "mouth", "pose")
    }
    lowest = list(verdict_table(labelled).get(c.LOWEST, ()))
    middling = [run.variant for run, corr in lasts["mouth"] if corr >= MIDDLING]
    variants = {run.variant for run in labelled}
    return [
        (
            "Eyes are lowest in every run.",
            _held(all(name == "eyes" for name in lowest), bool(lasts["eyes"])),
            f"lowest: {', '.join(lowest)}",
        ),
        (
            "Mouth is middling in v5-3 alone.",
            _held(middling == ["v5-3"], {"v5-1", "v5-2", "v5-3"} <= variants),
            _evidence(lasts["mouth"]),
        ),
        (
            "Pose is low in every run.",
            _held(all(not corr >= MIDDLING for _, corr in lasts["pose"]), bool(lasts["pose"])),
            _evidence(lasts["pose"]),
        ),
    ]


def gain_table(
    concept: pd.DataFrame, properties: Sequence[str], aimed: Collection[str]
) -> pd.DataFrame:
    """A row a run: what it gained on its base, what diversity it kept, and whether that will do.

    Where none of the base's samples pass, the upper end of its interval stands in for its share.

    Args:
        concept: a row for each run's base and one for the run, as in `concept.csv`.
        properties: those whose diversity counts.
        aimed: the runs whose goal is the concept; nothing is said of the others' goals.
    """
    rows = []
    for name, pair in concept.groupby(c.RUN, sort=False):
        by_generator = pair.set_index(c.GENERATOR)
        base, run = by_generator.loc[c.BASE], by_generator.loc[c.RUN]
        ratio = run[c.SHARE] / (base[c.SHARE] or base[c.high_column(c.SHARE)])
        spread = [
            run[c.std_column(key)] / base[c.std_column(key)] if base[c.std_column(key)] else np.nan
            for key in properties
        ]
        gained = ratio >= RATIO_GOAL or run[c.SHARE] >= SHARE_GOAL
        kept = all(value >= DIVERSITY_GOAL for value in spread)
        row = {c.RUN: name, c.BASE_SHARE: base[c.SHARE], c.RUN_SHARE: run[c.SHARE], c.RATIO: ratio}
        row |= {
            c.diversity_column(key): value for key, value in zip(properties, spread, strict=True)
        }
        mark = c.PASS_MARK if gained and kept else c.FAIL_MARK
        rows.append(row | {c.GOAL: mark if name in aimed else ""})
    return pd.DataFrame(rows)


def _held(holds: bool, measured: bool) -> str:
    return ("holds" if holds else "does not hold") if measured else "not measured"


def _evidence(lasts: Sequence[tuple[RunLog, float]]) -> str:
    return ", ".join(f"{run.name} {signed(corr)}" for run, corr in lasts)
