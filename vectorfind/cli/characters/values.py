"""Options that several commands of this folder share: numbers by name, and the dye."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click

from property_cnn.common.errors import InputError
from vectorfind.cli.options import stacked

DYE = {
    "ombre-color": "Hue of dyed hair: 0 red, 0.5 sky blue, 0.9 pink.",
    "ombre-height": "Share of the hair that is dyed, from below.",
    "ombre-grad-height": "Share of that over which the dye sets in.",
}


def number_options(helps: Mapping[str, str]) -> Callable:
    """An option --NAME that takes a number, for each name and its help."""
    options = (click.option(f"--{name}", type=float, help=helps[name]) for name in helps)
    return stacked(*options)


dye_options = number_options(DYE)


def assignment(text: str) -> tuple[str, float]:
    """Name and number of NAME=NUMBER.

    Raises:
        InputError: it is written otherwise.
    """
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError as error:
        raise InputError(f"--set {text!r} is not NAME=NUMBER, as in hairstyle=0.5") from error
