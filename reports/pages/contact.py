"""The contact sheet of a test's cases: a page that a person chooses characters from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.pages.html import filled
from reports.text import listed


@dataclass(frozen=True)
class Card:
    """A case as it is shown.

    Attributes:
        case: its number.
        png: the face unedited and at the ends of its properties.
        score: its suitability, in words.
        words: what that is made of.
        kept: whether it is a character already.
    """

    case: int
    png: bytes
    score: str
    words: str
    kept: bool


def contact_page(
    cards: Sequence[Card], properties: Sequence[str], verdict: str, summary: str, command: str
) -> str:
    """One self-contained HTML page; what is chosen becomes the command that keeps it.

    Args:
        cards: the most suitable first.
        properties: what is moved in the pictures.
        verdict, summary: the headline, and what is seen.
        command: to which `--keep` is added.
    """
    return filled(
        "contact.html",
        title="vectorfind · contact sheet",
        cards=cards,
        properties=listed(properties),
        verdict=verdict,
        summary=summary,
        command=command,
    )
