"""The reference system's seven findings on the n-curves, each tried on another curve table.

Pure: a table as from `reports.reading.read_curve` in, verdicts with their numbers out. Two rules
carry all of them.

*Which method is higher*: at each n and layer where both were measured, the difference counts only
if it is clear: beyond the interval of the difference where the table has intervals (the two taken
as independent), else beyond 0.01.

*Which way a line goes with n*: the change of the least-squares line of mean corr-coef on log n,
from the smallest n to the largest. It rises or falls if the change is clear: beyond its interval
where the table has intervals, else beyond 0.01.

A finding holds where at least three quarters of what was compared bear it out, does not hold where
at most one quarter does, and holds partly between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Literal

import numpy as np
import pandas as pd

from reports import columns as c
from reports.text import signed

Verdict = Literal["holds", "partly", "does not hold", "not measured"]

MARGIN = 0.01
"""Least difference of two means that counts where there are no intervals."""

STILL = 0.02
"""Largest change over the whole curve that counts as hardly moving."""

SLIGHT = 0.2
"""Largest fall over the whole curve that counts as slight."""

LITTLE = 0.05
"""Largest distance between layers at one n that counts as mattering little."""

MOST, FEW = 0.75, 0.25

SVM, GRADIENT = c.SVM, c.GRADIENT
_WORDS = {SVM: "SVM", GRADIENT: "gradient"}
_change = partial(signed, decimals=3, plus=True)
EYES, MOUTH, POSE, YAW = "eyes", "mouth", "pose", "yaw"


@dataclass(frozen=True)
class Finding:
    """A finding, and what a table says of it.

    Attributes:
        title: the finding, a sentence without its full stop.
        holds: the verdict.
        summary: what was compared and how much of it bears the finding out.
        details: the numbers behind it: what, and its numbers.
        properties, methods: what it speaks of.
        layers: where; () for all.
    """

    title: str
    holds: Verdict
    summary: str
    details: tuple[tuple[str, str], ...]
    properties: tuple[str, ...]
    methods: tuple[str, ...]
    layers: tuple[str, ...] = ()

    @property
    def evidence(self) -> str:
        """Summary and details in one text."""
        numbers = "; ".join(f"{what} {text}" for what, text in self.details)
        return f"{self.summary}: {numbers}" if numbers else self.summary


@dataclass(frozen=True)
class Change:
    """What a line does from the smallest n to the largest.

    Attributes:
        first, last: the means at both ends.
        fitted: change of the least-squares line on log n.
        margin: how large it must be to be clear.
        interval: whether the margin comes from the means' intervals.
    """

    first: float
    last: float
    fitted: float
    margin: float
    interval: bool

    @property
    def rises(self) -> bool:
        return self.fitted > self.margin

    @property
    def falls(self) -> bool:
        return self.fitted < -self.margin


def seven_findings(table: pd.DataFrame) -> list[Finding]:
    """All seven, in the reference's order; "not measured" for what the table cannot tell."""
    both, turn = (SVM, GRADIENT), _turn(table)
    return [
        _higher(table, GRADIENT, SVM, (EYES,), "Eyes are best by gradient"),
        _higher(table, SVM, GRADIENT, (MOUTH, turn), f"Mouth and {turn} are best by SVM"),
        _moves(
            table,
            SVM,
            (EYES, MOUTH),
            lambda change: change.rises,
            "SVM's eyes and mouth rise with n",
        ),
        _moves(
            table,
            SVM,
            (turn,),
            lambda change: abs(change.fitted) <= STILL,
            f"SVM's {turn} hardly moves with n",
        ),
        _moves(
            table,
            GRADIENT,
            (MOUTH,),
            lambda change: change.falls and change.fitted >= -SLIGHT,
            "Gradient's mouth falls slightly with n",
        ),
        _moves(
            table,
            GRADIENT,
            (turn,),
            lambda change: change.falls,
            f"Gradient's {turn} on mapping_split2 falls with n",
            ("mapping_split2",),
        ),
        _layers(table, both, (EYES, MOUTH, turn), "The layer matters little"),
    ]


def _turn(table: pd.DataFrame) -> str:
    """What the table calls the turn of the head: pose, as the reference, or yaw."""
    names = [name for name in (POSE, YAW) if c.mean_corr_column(name) in table]
    return (names or [POSE])[0]


def findings_table(findings: Sequence[Finding]) -> pd.DataFrame:
    """One row a finding: its sentence, the verdict, the evidence."""
    rows = [(finding.title, finding.holds, finding.evidence) for finding in findings]
    return pd.DataFrame(rows, columns=[c.FINDING, c.HOLDS, c.EVIDENCE])


def change_of(rows: pd.DataFrame, name: str) -> Change | None:
    """The change of one line with n; None for a line of fewer than two n.

    Args:
        rows: one method's and layer's, in any order.
        name: the property.
    """
    column = c.mean_corr_column(name)
    rows = rows.dropna(subset=[column]).sort_values(c.N)
    if rows[c.N].nunique() < 2:
        return None
    x, y = np.log2(rows[c.N].to_numpy(float)), rows[column].to_numpy(float)
    x = x - x.mean()
    weights = x / (x @ x) * (x[-1] - x[0])  # the fitted change is linear in the means
    half = _half_widths(rows, name)
    margin = MARGIN if half is None else float(np.sqrt(np.sum((weights * half) ** 2)))
    return Change(float(y[0]), float(y[-1]), float(weights @ y), margin, half is not None)


def _higher(
    table: pd.DataFrame, better: str, other: str, names: tuple[str, ...], title: str
) -> Finding:
    """Whether one method's means are clearly above another's at the same layer and n."""
    clear = reverse = total = 0
    details = []
    for name in names:
        column, gaps = c.mean_corr_column(name), []
        for a, b in _pairs(table, better, other, column):
            gaps.append(float(a[column] - b[column]))
            margin = _gap_margin(a, b, name)
            clear, reverse = clear + (gaps[-1] > margin), reverse + (gaps[-1] < -margin)
        if gaps:
            ends = f"{_change(min(gaps))} to {_change(max(gaps))}"
            details.append((name, f"mean {_change(np.mean(gaps))} ({ends})"))
        total += len(gaps)
    words, than = _WORDS[better], _WORDS[other]
    summary = f"no layer and n with both {words} and {than}"
    if total:
        summary = (
            f"{words} is clearly higher than {than} in {clear} of {total} comparisons at the same "
            f"layer and n, clearly lower in {reverse}"
        )
    return Finding(title, _verdict(clear, total), summary, (*details,), names, (better, other))


def _moves(
    table: pd.DataFrame,
    method: str,
    names: tuple[str, ...],
    bears_out: Callable[[Change], bool],
    title: str,
    layers: tuple[str, ...] = (),
) -> Finding:
    """Whether the lines of a method go the way they should, with n."""
    total = good = 0
    details = []
    for name, (layer, rows) in product(names, _lines(table, method, layers)):
        change = change_of(rows, name) if c.mean_corr_column(name) in rows else None
        if change is None:
            continue
        total, good = total + 1, good + bool(bears_out(change))
        sure = f" ± {change.margin:.3f}" if change.interval else ""
        text = f"change {_change(change.fitted)}{sure} ({change.first:.3f} to {change.last:.3f})"
        details.append((f"{name} / {layer}", text))
    summary = f"no line of {_WORDS[method]} with two n or more"
    if total:
        summary = f"{good} of {total} line{'s' * (total > 1)}, by the fitted change over n"
    return Finding(title, _verdict(good, total), summary, (*details,), names, (method,), layers)


def _layers(
    table: pd.DataFrame, methods: tuple[str, ...], names: tuple[str, ...], title: str
) -> Finding:
    """Whether the layers of a method lie close together at each n.

    Close is within `LITTLE`, or within the interval of the difference of the two that lie farthest
    apart.
    """
    details, total, good = [], 0, 0
    for method, name in product(methods, names):
        column = c.mean_corr_column(name)
        spreads = []
        own = table[table[c.METHOD] == method]
        for _, rows in own.dropna(subset=[column]).groupby(c.N) if column in table else ():
            if len(rows) < 2:
                continue
            top, bottom = rows.loc[rows[column].idxmax()], rows.loc[rows[column].idxmin()]
            spreads.append(float(top[column] - bottom[column]))
            good += spreads[-1] <= max(LITTLE, _gap_margin(top, bottom, name))
        if spreads:
            text = f"mean {np.mean(spreads):.3f} (at most {max(spreads):.3f})"
            details.append((f"{_WORDS[method]}, {name}", text))
        total += len(spreads)
    summary = "no method and n with two layers or more"
    if total:
        summary = (
            f"the layers lie close together in {good} of {total} comparisons at the same method, "
            "property and n; distance of the farthest two"
        )
    return Finding(title, _verdict(good, total), summary, (*details,), names, methods)


def _pairs(
    table: pd.DataFrame, better: str, other: str, column: str
) -> Iterator[tuple[pd.Series, pd.Series]]:
    """Rows of two methods at the same layer and n."""
    if column not in table.columns:
        return
    known = table.dropna(subset=[column])
    for _, rows in known.groupby([c.LAYER, c.N], sort=True):
        a, b = rows[rows[c.METHOD] == better], rows[rows[c.METHOD] == other]
        if len(a) and len(b):
            yield a.iloc[0], b.iloc[0]


def _lines(
    table: pd.DataFrame, method: str, layers: tuple[str, ...]
) -> list[tuple[str, pd.DataFrame]]:
    own = table[table[c.METHOD] == method]
    return [(layer, rows) for layer, rows in own.groupby(c.LAYER) if not layers or layer in layers]


def _half_widths(rows: pd.DataFrame, name: str) -> np.ndarray | None:
    """Half of each interval's width; None where the table has none for all rows."""
    column = c.mean_corr_column(name)
    low, high = c.low_column(column), c.high_column(column)
    if not {low, high} <= {*rows.columns} or rows[[low, high]].isna().any(axis=None):
        return None
    return ((rows[high] - rows[low]) / 2).to_numpy(float)


def _gap_margin(a: pd.Series, b: pd.Series, name: str) -> float:
    """How far apart two means must lie to differ clearly."""
    half = _half_widths(pd.DataFrame([a, b]), name)
    return MARGIN if half is None else float(np.sqrt(np.sum(half**2)))


def _verdict(good: int, total: int) -> Verdict:
    if not total:
        return "not measured"
    share = good / total
    return "holds" if share >= MOST else "does not hold" if share <= FEW else "partly"
