"""One self-contained HTML page of a run: it needs no network and no other file.

The page's content comes in as plain values and pictures; `template.html` gives it its looks.
All text is escaped, and what stands between backticks is set as code. The same content gives the
same bytes: the page bears no date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from reports.pages.pictures import Picture, data_url
from reports.plots.style import COLOURS
from reports.statistics import Interval
from reports.text import plain, signed, span

_NOT_SETTINGS = ("kind", "versions", "command", "words", "tested", "skipped")
"""Entries of `config.json` that a page shows elsewhere."""

_ONE = r"[-−+]?[\d,]+(\.\d+)?(e[-+]?\d+)?(\s?[%×])?"
_NUMBER = re.compile(rf"–|{_ONE}( (to|of|or more) {_ONE})?( \({_ONE}( to {_ONE})?\))?")
"""A cell that is a number, an interval, or a number with its interval or share."""

_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Measure:
    """A headline figure: a property's mean corr-coef against what chance gives.

    Attributes:
        name: the property.
        value: mean and interval, within [-1, 1].
        control: the same of random directions, if there is a control.
        threshold: where a case passes, marked on the scale.
        verdict: a few words on the comparison.
        good: whether they are good news.
    """

    name: str
    value: Interval
    control: Interval | None
    threshold: float | None
    verdict: str
    good: bool


@dataclass(frozen=True)
class Table:
    """A table of text cells; `folded` shows its caption only until the reader opens it."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    folded: bool = False


@dataclass(frozen=True)
class Section:
    """A part of the page: paragraphs, then pictures, then tables.

    `beside` sets captions beside their pictures where the screen is wide enough.
    """

    title: str
    text: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    beside: bool = False


@dataclass(frozen=True)
class Page:
    """All that the page shows, in its order.

    Attributes:
        kind: what the page is, in a few words, above the verdict.
        verdict: the headline, a full sentence.
        summary: what was done, in a sentence or two.
        measures: the headline figures.
        facts: further figures beside them, name -> value.
        sections: the body.
        notes: how to read it, term -> explanation.
        settings, versions: name -> value.
        command: the command line that repeats the run.
    """

    kind: str
    verdict: str
    summary: str
    measures: Sequence[Measure] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    sections: Sequence[Section] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""


def table_of(
    frame: pd.DataFrame, caption: str, decimals: int = 3, limit: int = 200, folded: bool = False
) -> Table:
    """A data frame as a table of at most `limit` rows; the caption says when rows are left out."""
    if len(frame) > limit:
        caption = f"{caption} The first {limit} of {len(frame):,} rows; the file holds them all."
    rows = [
        [_cell(value, decimals) for value in row]
        for row in frame.head(limit).itertuples(index=False, name=None)
    ]
    return Table(caption, list(frame.columns), rows, folded)


def settings_shown(config: Mapping[str, Any]) -> dict[str, str]:
    """Settings of a folder's `config.json` as the page shows them, nested ones under one name."""
    own = {name: value for name, value in config.items() if name not in _NOT_SETTINGS}
    shown = {}
    for name, value in _flat(own).items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        shown[plain(name)] = "–" if value in (None, []) else text
    return shown


def versions_shown(config: Mapping[str, Any]) -> dict[str, str]:
    """Versions of what made a folder, as its `config.json` names them."""
    return {name: str(text) for name, text in dict(config.get("versions") or {}).items()}


def build_page(page: Page) -> str:
    """The whole page as HTML text."""
    return filled("template.html", page=page, colours=COLOURS)


def filled(template: str, **values: Any) -> str:
    """One of this folder's templates with its values, as HTML text; all text is escaped."""
    environment = Environment(
        loader=FunctionLoader(
            lambda name: files("reports.pages").joinpath(name).read_text("utf-8")
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "data": data_url,
        "marked": _marked,
        "soft": _soft,
        "signed": signed,
        "span": lambda interval: span(*interval[1:]),
        "x": lambda value: f"{100 + 94 * float(np.clip(value, -1, 1)):.1f}",
        "finite": lambda interval: bool(np.isfinite(interval).all()),
        "flush_right": _flush_right,
    }
    return environment.get_template(template).render(**values)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values under one level of names: {"a": {"b": 1}} is {"a: b": 1}."""
    level = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            level |= _flat(value, f"{prefix}{name}: ")
        else:
            level[prefix + name] = value
    return level


def _cell(value: object, decimals: int) -> str:
    if isinstance(value, float | np.floating):
        return signed(value, decimals)
    return str(value)


def _flush_right(table: Table) -> list[bool]:
    """Of each column, whether it is set flush right: nothing but numbers stands in it."""
    columns = zip(*table.rows, strict=True) if table.rows else [()] * len(table.columns)
    return [any(cells) and all(map(_NUMBER.fullmatch, filter(None, cells))) for cells in columns]


def _marked(text: str) -> Markup:
    """The text, escaped, with what stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))


def _soft(text: str) -> Markup:
    """The text, escaped; on paper it may be parted after an underscore."""
    return Markup(str(escape(text)).replace("_", "_<wbr>"))
