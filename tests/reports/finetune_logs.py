"""Logs of fine-tuning runs with known figures."""

from __future__ import annotations

import numpy as np
import pandas as pd

from reports.analysis.finetune import ATTRIBUTES, LOG_COLUMNS, RunLog, read_log

PER_EPOCH = 40


def log_text(rows: int = 20, every: int = 10, **columns) -> str:
    """A log of `rows` rows after the one before training; columns are arrays of rows + 1."""
    steps = np.arange(rows + 1) * every
    values = {name: np.linspace(0.5, 0.9, rows + 1) for name in LOG_COLUMNS}
    for name, value in values.items():
        values[name] = np.where(steps == 0, np.nan, value)
    values |= {"epoch": steps // PER_EPOCH, "idx": steps % PER_EPOCH}
    values |= {"d_train_count": np.minimum(steps, 1), "g_train_count": np.minimum(steps, 1)}
    return pd.DataFrame(values | columns).to_csv(index=False)


def labelled_log(rows: int = 20, **corrs) -> str:
    """A log of a run with labels: each property's corr-coefs, constant if a number is given."""
    flat = np.ones(rows + 1)
    given = {f"{name}_corr": flat * corr for name, corr in corrs.items()}
    return log_text(rows, **given, **{f"{name}_mae": flat for name in corrs})


def concept_log(rows: int = 20) -> str:
    """A log of v9."""
    ends = {"gender": (0.5, 0.95), "quality": (0.8, 0.95), "age": (0.4, 0.0), "glasses": (0.3, 0.0)}
    return log_text(rows, 50, **{name: np.linspace(*ends[name], rows + 1) for name in ATTRIBUTES})


def run_log(name: str, text: str) -> RunLog:
    """The log as a run's, the run being called by its variant."""
    return RunLog(name, name, read_log(text, PER_EPOCH))
