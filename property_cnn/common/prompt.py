"""What a prompt or notebook meets: names that load on first use, values shown in a few lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from html import escape
from importlib import import_module
from numbers import Real
from types import ModuleType
from typing import NamedTuple

from property_cnn.common.errors import MissingError

_LONGEST = 96
"""Most characters of one line of a fact."""

_MOST_LINES = 12

_CARD = "max-width:880px;overflow-x:auto;line-height:1.45;text-align:left"
_NAME = (
    "text-align:left;vertical-align:top;font-weight:normal;opacity:.7;"
    "padding:1px 16px 1px 0;white-space:nowrap;border:0"
)
_VALUE = "text-align:left;padding:1px 0;white-space:pre-line;overflow-wrap:anywhere;border:0"
"""Colours are the notebook's own, so that all can be read in light and dark ones."""


def lazy_names(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The `__getattr__` and the `__dir__` of a package (PEP 562).

    Args:
        package: its name.
        homes: public name -> module that defines it.
    """

    def find(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    def names() -> list[str]:
        there = vars(sys.modules[package])
        inner = [name for name, value in there.items() if _inside(package, name, value)]
        return sorted({*homes, *there.get("__all__", ()), *inner})

    return find, names


def _inside(package: str, name: str, value: object) -> bool:
    """Whether an entry of a package is Python's own or a module of it, not what it imports."""
    module = isinstance(value, ModuleType) and value.__name__ == f"{package}.{name}"
    return module or (name.startswith("__") and name.endswith("__"))


class Thumbnail(NamedTuple):
    """A small picture of a notebook.

    Attributes:
        url: of itself, as data.
        caption: words below it.
    """

    url: str
    caption: str


class Shown:
    """Shows itself in a few lines at the prompt, and as a small table in a notebook.

    A dataclass that inherits it says `repr=False`, or its own repr counts.
    """

    def facts(self) -> Mapping[str, str]:
        """What there is to see: name -> a few words, in lines; of a dataclass, its fields."""
        return {each.name: brief(getattr(self, each.name)) for each in fields(self)}

    def __repr__(self) -> str:
        facts = _bounded(self.facts())
        wide = max(map(len, facts), default=0)
        indented = {name: text.replace("\n", f"\n{'':{wide + 4}}") for name, text in facts.items()}
        lines = [f"  {name:{wide}}  {text}" for name, text in indented.items()]
        return "\n".join([type(self).__name__, *lines])

    def _repr_html_(self) -> str:
        return table_html(type(self).__name__, self.facts())


def brief(value: object) -> str:
    """A value in a few words: of arrays the shape, of tables the columns, of mappings the names."""
    shape, columns = getattr(value, "shape", None), getattr(value, "columns", None)
    if columns is not None and shape is not None:
        rows = f"{shape[0]:,} row{'s' * (shape[0] != 1)}"
        return f"{rows} of {', '.join(map(str, columns))}"
    if isinstance(shape, tuple) and shape:
        kind = str(getattr(value, "dtype", "")).removeprefix("torch.")
        return f"{' × '.join(f'{size:,}' for size in shape)} {kind}".rstrip()
    if isinstance(value, Mapping):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, tuple) and value and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    if value is None or (isinstance(value, tuple) and not value):
        return "none"
    if is_dataclass(value):
        return type(value).__name__
    text = str(value) if isinstance(value, str | Real) else repr(value)
    return text.partition("\n")[0]


def table_html(title: str, facts: Mapping[str, str], pictures: Sequence[Thumbnail] = ()) -> str:
    """A small table, and a strip of pictures below it, as a notebook shows them.

    Args:
        title: above them.
        facts: name -> text; both are escaped.
        pictures: wrapped where the strip is wider than the notebook.
    """
    rows = "".join(
        f'<tr style="background:none"><th scope="row" style="{_NAME}">{escape(name)}</th>'
        f'<td style="{_VALUE}">{escape(text)}</td></tr>'
        for name, text in _bounded(facts).items()
    )
    strip = "".join(
        f'<figure style="margin:0;width:104px;text-align:center"><img src="{escape(picture.url)}" '
        f'alt="{escape(picture.caption)}" style="width:104px;height:auto;display:block;margin:0">'
        f'<figcaption style="font-size:85%;opacity:.8">{escape(picture.caption)}</figcaption>'
        "</figure>"
        for picture in pictures
    )
    shown = f'<div style="display:flex;flex-wrap:wrap;gap:8px;margin-top:6px">{strip}</div>'
    return (
        f'<div style="{_CARD}"><div style="font-weight:600">{escape(title)}</div>'
        f'<table style="border-collapse:collapse;border:0;margin:4px 0;font-size:inherit">{rows}'
        f"</table>{shown if pictures else ''}</div>"
    )


def _bounded(facts: Mapping[str, str]) -> dict[str, str]:
    """The facts, with long lines and many lines cut."""
    bounded = {}
    for name, text in facts.items():
        lines = [
            line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
            for line in str(text).splitlines()
        ]
        bounded[str(name)] = "\n".join(
            lines if len(lines) <= _MOST_LINES else [*lines[: _MOST_LINES - 1], "…"]
        )
    return bounded


def extra_module(name: str, extra: str) -> ModuleType:
    """A module that an extra of vectorfind installs.

    Raises:
        MissingError: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise MissingError(
            f"this needs {package}, which is not installed: pip install 'vectorfind[{extra}]'"
        ) from error
