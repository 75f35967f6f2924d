"""How names and numbers are written in pages, plots and lines of text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

GAP = "\u00a0"
"""Between a number and its per cent: no line ends there."""

ENDS = {
    "eyes": ("closed", "open"),
    "mouth": ("closed", "open"),
    "pose": ("left", "right"),
    "hair_color": ("dark", "bright"),
    "hair_length": ("short", "long"),
    "background_mean": ("dark", "bright"),
    "background_std": ("even", "varied"),
    "hairstyle": ("straight", "curly"),
    "left_eye": ("closed", "open"),
    "right_eye": ("closed", "open"),
    "smile": ("narrow", "broad"),
    "yaw": ("left", "right"),
    "pitch": ("down", "up"),
    "brows": ("low", "raised"),
}
"""What little and much of a property look like; ("less", "more") for any other."""


def plain(name: str) -> str:
    """A name as words: hair_length is "hair length"."""
    return name.replace("_", " ")


def listed(names: Sequence[str]) -> str:
    """Names as words in a row: "eyes, mouth and hair length"."""
    words = [plain(name) for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def capital(text: str) -> str:
    """The text with its first letter large, and the others as they are."""
    return text[:1].upper() + text[1:]


def ends_of(name: str) -> tuple[str, str]:
    """Words for little and for much of a property."""
    return ENDS.get(name, ("less", "more"))


def signed(value: float, decimals: int = 2, plus: bool = False) -> str:
    """A number with a true minus, and a plus if asked for; a dash where it is undefined."""
    if not np.isfinite(value):
        return "–"
    return f"{value:{'+' if plus else ''}.{decimals}f}".replace("-", "−")


def span(low: float, high: float, decimals: int = 2) -> str:
    """Both ends of an interval: "−0.10 to 0.25"."""
    return f"{signed(low, decimals)} to {signed(high, decimals)}"


def percent(share: float, gap: str = GAP) -> str:
    """A share as per cent: 0.125 is "12.5 %"."""
    return f"{100 * share:.1f}{gap}%" if np.isfinite(share) else "–"


def counted(count: int, word: str) -> str:
    """A number of things: "1 run", "3 runs"."""
    return f"{count:,} {word}{'s' * (count != 1)}"
