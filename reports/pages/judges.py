"""What judges say of a test, on its page: their figures beside the scorer's, and who disagrees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports import columns as c
from reports.folders import Results
from reports.pages.html import Section, Table, table_of
from reports.statistics import Interval
from reports.text import capital, counted, listed, percent, plain, signed, span

NOTE = (
    "Another scorer that reads the same images and had no part in finding the directions. A "
    "direction may deceive the network that it was found with; it need not deceive another one. "
    "Judges err too: where two disagree, look at the images."
)
"""Of the term "judge"."""


@dataclass(frozen=True)
class _Reading:
    """What one judge, or the scorer, says of one property.

    Attributes:
        judge, name: who, and the property.
        corr, random, slope: means with their intervals; of random directions NaN without a control.
    """

    judge: str
    name: str
    corr: Interval
    random: Interval
    slope: Interval

    @property
    def clear(self) -> bool:
        """Whether the property follows its number by more than chance."""
        return self.corr[1] > (self.random[2] if np.isfinite(self.random[2]) else 0.0)


def judge_section(results: Results) -> Section | None:
    """The part of the page; None where no judge was asked."""
    if results.judges is None:
        return None
    names = listed(_judges(results.judges))
    texts = [
        f"The same images, read by {names} too, which had no part in finding the directions.",
        *judge_texts(results),
        "Slopes of a judge, and leaks, are in standard deviations of its own scores over the "
        f"{_cases(results.judges)} unedited cases, those of the scorer over the samples.",
    ]
    tables = [_table(results.judges)]
    if results.identity is not None:
        texts += _identity_texts(results.identity)
        tables.append(_identity_table(results.identity))
    if results.judge_slopes is not None:
        caption = "Slopes and leaks by each judge."
        tables.append(table_of(results.judge_slopes, caption, folded=True))
    return Section("What judges say", texts, (), tables)


def judge_texts(results: Results) -> list[str]:
    """Sentences: where each judge agrees with the scorer, where not, and what it did not read."""
    readings = list(_readings(results.judges))
    scorer = {each.name: each for each in readings if each.judge == c.SCORER}
    texts = []
    for judge in _judges(results.judges):
        own = [each for each in readings if each.judge == judge]
        texts += _agreement([each for each in own if np.isfinite(each.corr[0])], scorer, judge)
        texts += _left_out(results.judges, judge)
    return texts


def disagreement(results: Results) -> str:
    """One sentence on the properties that follow by the scorer and not by a judge; "" for none."""
    if results.judges is None:
        return ""
    readings = list(_readings(results.judges))
    clear = {each.name for each in readings if each.judge == c.SCORER and each.clear}
    parts = []
    for judge in _judges(results.judges):
        bad = [
            each.name
            for each in readings
            if each.judge == judge and each.name in clear and _refuted(each)
        ]
        parts += [f"{listed(bad)} by {judge}"] if bad else []
    return f"Not clear of chance: {'; '.join(parts)}." if parts else ""


def judge_lines(results: Results) -> list[str]:
    """What judges say in lines to be printed."""
    if results.judges is None:
        return []
    lines = []
    for judge, rows in results.judges.groupby(c.JUDGE, sort=False):
        if judge == c.SCORER:
            continue
        read = [each for each in _readings(rows) if np.isfinite(each.corr[0])]
        texts = [f"{each.name} {_bracketed(each.corr)}" for each in read]
        first = rows.iloc[0]
        passed = f"{first[c.PASSED]:.0f} of {first[c.CASES]:.0f} cases passed"
        lines.append(f"judged by {judge}: {', '.join([*texts, passed])}")
    if results.identity is not None:
        for row in _all_edits(results.identity):
            mean = _bracketed((row[c.MEAN], row[c.LOW], row[c.HIGH]))
            which = "" if row[c.DIRECTIONS] == c.FOUND else f" by {row[c.DIRECTIONS]} directions"
            lines.append(f"identity by {row[c.JUDGE]}: cosine {mean}{which}")
    doubt = disagreement(results)
    return [*lines, *([f"note: {doubt[0].lower()}{doubt[1:-1]}"] if doubt else [])]


def _agreement(own: list[_Reading], scorer: dict[str, _Reading], judge: str) -> list[str]:
    """Sentences on the properties that a judge reads, sorted by how it takes them."""
    texts = []
    good = [each.name for each in own if each.clear]
    if good:
        verb = "follow their numbers" if len(good) > 1 else "follows its number"
        texts.append(f"By {judge}, {listed(good)} {verb}, clear of chance.")
    for each in own:
        beside = scorer.get(each.name)
        if beside is None or not beside.clear:
            continue
        figures = f"{signed(each.corr[0])} ({span(*each.corr[1:])})"
        name = plain(each.name)
        if each.corr[2] < 0:
            texts.append(
                f"By {judge}, {name} moves the other way: {figures}, where the scorer says "
                f"{signed(beside.corr[0])}. One of the two reads it wrongly; look at the images."
            )
        elif not each.clear:
            texts.append(
                f"By {judge}, {name} is not clear of chance: {figures}, where the scorer says "
                f"{signed(beside.corr[0])}. The direction may change only what the scorer looks "
                f"at, or {judge} reads {name} badly here: look at the images."
            )
        elif each.corr[2] < beside.corr[1]:
            texts.append(
                f"By {judge}, {name} follows less closely: {figures}, where the scorer says "
                f"{signed(beside.corr[0])}. The difference is the scorer's own, or {judge}'s noise."
            )
    return texts


def _left_out(table: pd.DataFrame, judge: str) -> list[str]:
    """What a judge does not read, and how many images it could not."""
    rows = table[table[c.JUDGE] == judge]
    unread = [row[c.PROPERTY] for row in rows.to_dict("records") if not row[c.SCORE]]
    texts = [f"{capital(judge)} does not read {listed(unread)}."] if unread else []
    unreadable = rows[c.UNREADABLE].max()
    if unreadable > 0:
        texts.append(
            f"{capital(judge)} could not read {counted(int(unreadable), 'edited image')}; they are "
            "left out of its figures."
        )
    return texts


def _table(table: pd.DataFrame) -> Table:
    """A row a property and judge, the scorer's first."""
    rows = []
    readings = {(each.judge, each.name): each for each in _readings(table)}
    marks = table.set_index([c.JUDGE, c.PROPERTY])
    for name in dict.fromkeys(table[c.PROPERTY]):
        for judge in (c.SCORER, *_judges(table)):
            each = readings.get((judge, name))
            if each is None or (judge != c.SCORER and not np.isfinite(each.corr[0])):
                continue
            mark = marks.loc[[(judge, name)]].iloc[0]
            leak = f"{plain(mark[c.LEAK_SCORE])} {signed(mark[c.LEAK])}"
            passed = f"{mark[c.PASSED]:.0f} of {mark[c.CASES]:.0f}"
            figures = [_spanned(value) for value in (each.corr, each.random, each.slope)]
            leak = leak if np.isfinite(mark[c.LEAK]) else "–"
            rows.append([plain(name), judge, *figures, leak, passed])
    columns = ["property", "by", "corr-coef", "random directions", "slope", "worst leak"]
    caption = (
        "Mean corr-coefs and slopes over cases by the scorer and by each judge, with 95 % "
        "intervals. Cases pass where all that this judge reads reaches its threshold."
    )
    return Table(caption, [*columns, "passed"], rows)


def _identity_texts(identity: pd.DataFrame) -> list[str]:
    texts = []
    rows = _all_edits(identity)
    for row in rows:
        if row[c.DIRECTIONS] != c.FOUND:
            continue
        beside = [
            each for each in rows
            if each[c.JUDGE] == row[c.JUDGE] and each[c.DIRECTIONS] == c.RANDOM
        ]  # fmt: skip
        chance = f", {signed(beside[0][c.MEAN])} by random directions" if beside else ""
        text = (
            f"Is it still the same person? The cosine of {row[c.JUDGE]}'s embeddings of edited and "
            f"unedited faces is {_spanned((row[c.MEAN], row[c.LOW], row[c.HIGH]))} on average"
            f"{chance}."
        )
        if np.isfinite(row[c.SAME_PERSON]):
            text += (
                f" {percent(row[c.SAME_PERSON])} of the edits lie within a Euclidean distance of "
                f"{row[c.LIMIT]:g}, which stands for one person."
            )
        texts.append(text)
    return texts


def _identity_table(identity: pd.DataFrame) -> Table:
    """A row a judge and length of the edits, with both sorts of directions beside each other."""
    rows = []
    for (judge, length), some in identity.groupby([c.JUDGE, c.LENGTH], sort=False, dropna=False):
        cells = [judge, f"{length:.1f}" if np.isfinite(length) else "all edits"]
        for which in (c.FOUND, c.RANDOM):
            row = next(iter(some[some[c.DIRECTIONS] == which].to_dict("records")), None)
            if row is None:
                cells += ["–", "–"]
                continue
            cells += [_spanned((row[c.MEAN], row[c.LOW], row[c.HIGH])), percent(row[c.SAME_PERSON])]
        rows.append(cells)
    columns = ["judge", "length of the edit", "cosine", "same person", "cosine, random"]
    caption = "Identity by the length of the edits' strengths, all properties together."
    return Table(caption, [*columns, "same person, random"], rows, folded=True)


def _all_edits(identity: pd.DataFrame) -> list[dict]:
    return identity[identity[c.LENGTH].isna()].to_dict("records")


def _readings(table: pd.DataFrame) -> Iterator[_Reading]:
    ends = (c.mean_column, c.low_column, c.high_column)
    for row in table.to_dict("records"):
        corr, random, slope = (
            tuple(row[end(column)] for end in ends)
            for column in (c.CORR, c.random_column(c.CORR), c.SLOPE)
        )
        yield _Reading(row[c.JUDGE], row[c.PROPERTY], corr, random, slope)


def _refuted(reading: _Reading) -> bool:
    return bool(np.isfinite(reading.corr[0])) and not reading.clear


def _judges(table: pd.DataFrame) -> list[str]:
    return [name for name in dict.fromkeys(table[c.JUDGE]) if name != c.SCORER]


def _cases(table: pd.DataFrame) -> str:
    return f"{table[c.CASES].max():,.0f}"


def _spanned(value: Interval) -> str:
    return f"{signed(value[0])} ({span(*value[1:])})" if np.isfinite(value[0]) else "–"


def _bracketed(value: Interval) -> str:
    return f"{value[0]:.3f} [{value[1]:.3f}, {value[2]:.3f}]"
