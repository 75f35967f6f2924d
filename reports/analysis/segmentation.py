"""What a comparison of segmentation students says: which differences are clear, and where from.

A student that is trained again from another seed scores otherwise. The students without terms, of
several seeds, tell by how much: a difference to them counts as clear where it is beyond the 95 %
interval that this spread gives it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from reports.layout import BASELINE, TEACHER

MODEL, FOLD, SEED, WEIGHTS, ITERATION = "model", "fold", "seed", "weights", "iteration"
MIOU, MEAN_ACCURACY, ACCURACY = "mIoU", "mAcc", "aAcc"
MEANS = (MIOU, MEAN_ACCURACY, ACCURACY)
ROWS = (MODEL, FOLD, SEED, WEIGHTS, ITERATION)
"""Columns of `students.csv` and `checks.csv`, beside the classes' IoUs and the three means."""

NETWORKS, SPREAD = "networks", "± mIoU"
"""Columns of a table of means, beside those."""

LAST, BEST = "last", "best"
"""Values of `weights`: of the last iteration, and of the best check."""

WHAT, DIFFERENCE, MARGIN, CLEAR = "what", "difference", "margin", "clear"
DIFFERENCES = (MODEL, WEIGHTS, WHAT, DIFFERENCE, MARGIN, CLEAR)
"""Columns of `differences.csv`: a model less the baseline, in what, and from where on it is clear.
"""

_SURE = 0.975  # both sides of 95 %


def class_names(table: pd.DataFrame) -> list[str]:
    """The classes that a table of networks has columns of."""
    return [str(name) for name in table.columns if name not in (*ROWS, *MEANS)]


def models(table: pd.DataFrame) -> list[str]:
    """The networks: the baseline, the teacher, and the others in their order."""
    names = list(dict.fromkeys(table[MODEL]))
    first = [name for name in (BASELINE, TEACHER) if name in names]
    return [*first, *(name for name in names if name not in first)]


def means(table: pd.DataFrame, weights: str = LAST) -> pd.DataFrame:
    """A row a model: means over folds of the means over seeds, of how many networks.

    `spread` is the standard deviation of mIoU over these networks, of all folds and seeds; NaN of
    one. Where a class is absent from a fold, its mean is over the others.
    """
    chosen = table[table[WEIGHTS] == weights]
    columns = [*class_names(table), *MEANS]
    rows = []
    for name in models(chosen):
        own = chosen[chosen[MODEL] == name]
        folds = own.groupby(FOLD)[columns].mean()
        row = {MODEL: name, NETWORKS: len(own), **folds.mean().to_dict(), SPREAD: own[MIOU].std()}
        rows.append(row)
    heads = [MODEL, NETWORKS, MIOU, SPREAD, MEAN_ACCURACY, ACCURACY, *class_names(table)]
    return pd.DataFrame(rows, columns=heads)


def differences(table: pd.DataFrame) -> pd.DataFrame:
    """Each model less the baseline: the mean over folds, and the margin of its 95 % interval.

    The margin is t · s · √((1/m + 1/b) / F): s is the baseline's standard deviation over seeds,
    pooled over folds, m and b the networks a fold of the model and the baseline, F the folds. It
    holds for training again with other seeds on these folds, and takes a model's spread to be the
    baseline's. NaN with one seed, and where all seeds score the same, as in a class that no
    baseline ever tells.
    """
    rows = []
    for weights in dict.fromkeys(table[WEIGHTS]):
        chosen = table[table[WEIGHTS] == weights]
        base = chosen[chosen[MODEL] == BASELINE]
        for name in models(chosen):
            if name != BASELINE:
                own = chosen[chosen[MODEL] == name]
                for what in (*MEANS, *class_names(table)):
                    rows.append((name, weights, what, *_difference(own, base, what)))
    frame = pd.DataFrame(rows, columns=[MODEL, WEIGHTS, WHAT, DIFFERENCE, MARGIN])
    frame[CLEAR] = [
        "" if not abs(each[DIFFERENCE]) > each[MARGIN]
        else "higher" if each[DIFFERENCE] > 0 else "lower"
        for each in frame.to_dict("records")
    ]  # fmt: skip
    return frame[list(DIFFERENCES)]


def pull(found: pd.DataFrame, model: str, weights: str = LAST) -> float:
    """How much a student follows its teacher's strengths and weaknesses: Pearson's correlation,
    over the classes, of what the model and the teacher have more than the baseline.

    NaN with fewer than three classes.
    """
    chosen = found[(found[WEIGHTS] == weights) & ~found[WHAT].isin(MEANS)]
    own, theirs = (
        chosen[chosen[MODEL] == name].set_index(WHAT)[DIFFERENCE] for name in (model, TEACHER)
    )
    both = pd.concat([own, theirs], axis=1).dropna()
    if len(both) < 3 or not (both.std() > 0).all():
        return math.nan
    return float(np.corrcoef(both.to_numpy().T)[0, 1])


def weak_classes(found: pd.DataFrame, weights: str = LAST) -> list[str]:
    """Classes that the teacher tells clearly worse than the baseline."""
    rows = found[(found[MODEL] == TEACHER) & (found[WEIGHTS] == weights)]
    rows = rows[~rows[WHAT].isin(MEANS) & (rows[CLEAR] == "lower")]
    return [str(name) for name in rows[WHAT]]


def _difference(own: pd.DataFrame, base: pd.DataFrame, what: str) -> tuple[float, float]:
    """The mean over folds that both have, and the margin."""
    ours, theirs = own.groupby(FOLD)[what].mean(), base.groupby(FOLD)[what].mean()
    apart = (ours - theirs).dropna()
    if not len(apart):
        return math.nan, math.nan
    groups = [group[what].dropna() for _, group in base.groupby(FOLD)]
    freedom = sum(max(0, len(group) - 1) for group in groups)
    if not freedom:
        return float(apart.mean()), math.nan
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in groups if len(group))
    if not squares:
        return float(apart.mean()), math.nan
    spread = math.sqrt(squares / freedom)
    each = _networks(own, apart.index), _networks(base, apart.index)
    scale = math.sqrt(sum(1 / count for count in each) / len(apart))
    return float(apart.mean()), float(stats.t.ppf(_SURE, freedom)) * spread * scale


def _networks(table: pd.DataFrame, folds: Sequence) -> float:
    """Networks a fold."""
    return len(table[table[FOLD].isin(folds)]) / len(folds)
