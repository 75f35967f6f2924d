"""What the page's events do: a session and what the user gave, to a session and what is shown.

Updates are dictionaries as Gradio takes them, so that all of this runs, and is tested, without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from property_cnn.common.errors import InputError
from vectorfind.characters.character import Character
from vectorfind.characters.settings import OMBRE_DEFAULTS
from vectorfind.studio import markup, session as acts, sheets
from vectorfind.studio.session import DYE, Choice, Session
from vectorfind.studio.stage import Stage


def update(**changes: Any) -> dict[str, Any]:
    """Changes of a component."""
    return {"__type__": "update", **changes}


class Desk:
    """The actions of a page with so many sliders.

    Args:
        stage: the faces.
        slots: the page's sliders; a face uses the first.
    """

    def __init__(self, stage: Stage, slots: int):
        self.stage, self.slots = stage, slots

    def shown(self, session: Session, note: str = "") -> tuple:
        """The session and all that shows it: picture, note, sliders, readings, dye, making, tools.

        Raises:
            InputError: the face cannot be driven, or has more sliders than the page.
        """
        view, stage = session.view, self.stage
        sliders = stage.sliders(view)
        if len(sliders) > self.slots:
            raise InputError(
                f"this face has {len(sliders)} sliders, the page {self.slots}; open the studio "
                "with its file"
            )
        names = list(sliders)
        moving = [
            update(label=name, value=round(value, 2), visible=True)
            for name, value in sliders.items()
        ]
        rest = self.slots - len(moving)
        dye = {**OMBRE_DEFAULTS, **dict(view.dye)}
        choice, made = view.choice, view.choice.kind != "file"
        low, high = _ends(choice.layers, stage.synthesis_layers)
        psi = stage.psi if choice.psi is None else choice.psi
        return (
            session,
            self.pictures(session),
            markup.message(note),
            *moving,
            *[update(visible=False)] * rest,
            *self._readings(session),
            bool(view.dye),
            markup.swatch(view),
            *[dye[name] for name in DYE],
            update(value=choice.keep, interactive=made),
            update(value=psi, interactive=made),
            update(value=low, interactive=made),
            update(value=high, interactive=made),
            *self._steps(session),
            update(visible=session.beside is not None),
            update(value="Put beside" if session.beside is None else "One face"),
            update(choices=names, value=_among(session.recent, names, 0)),
            update(choices=names, value=_among(session.recent, names, 1)),
            update(placeholder=stage.name(view)),
        )

    def pictures(self, session: Session) -> str:
        """The face, and the one beside it."""
        shown = markup.picture(self.stage, session.shown, not session.before)
        if session.beside is None:
            return shown
        return shown + markup.picture(self.stage, session.beside, True, "beside")

    def moved(self, place: int, session: Session, *values: float) -> tuple:
        """A slider was moved: session, picture, note, and undo and redo."""
        session = self._posed(session, values, place)
        return session, self.pictures(session), "", *self._steps(session)

    def read(self, session: Session, *values: float) -> list[Any]:
        """The readings of where the sliders are."""
        try:
            return self._readings(self._posed(session, values))
        except InputError:  # the picture's event says it
            return [update()] * self.slots

    def dyed(self, session: Session, wears: bool, *dye: float) -> tuple:
        """The dye was changed: session, picture, note, undo and redo, and the colour."""
        given = dict(zip(DYE, dye, strict=True)) if wears else {}
        session = acts.dyed(session, given)
        return (
            session, self.pictures(session), "", *self._steps(session), markup.swatch(session.view)
        )  # fmt: skip

    def settled(self, session: Session) -> Session:
        """The slider was let go."""
        return acts.settled(session)

    def act(self, name: str, session: Session) -> tuple:
        """An action of `vectorfind.studio.session` by name, and all that it shows."""
        return self.shown(getattr(acts, name)(session))

    def picked(self, session: Session, choice: Choice) -> tuple:
        """Another face."""
        return self.shown(acts.picked(session, choice))

    def remade(
        self, session: Session, keep: bool, psi: float, low: float, high: float
    ) -> tuple:
        """The same face with others kept, or not, another psi and other layers."""
        count = self.stage.synthesis_layers
        if high < low:
            raise InputError(f"layers {low:g} to {high:g}; the first must not be above the last")
        whole = not count or (low <= 0 and high >= count - 1)
        changes: dict[str, Any] = {
            "keep": bool(keep),
            "psi": None if psi == self.stage.psi else psi,
            "layers": "" if whole else f"{low:g}-{high:g}",
        }
        return self.shown(acts.remade(session, **changes))

    def loaded(self, session: Session, path: str) -> tuple:
        """A character from a file."""
        choice, character = self.stage.loaded(path)
        session = acts.picked(session, choice, character.dye)
        return self.shown(session, f"loaded: {character.name or path}")

    def character(self, session: Session, name: str) -> Character:
        """The character to be saved: the face under its name, with its dye and correlations."""
        character = self.stage.checked(self.stage.character(session.view.choice))
        dye = {key: value for key, value in session.view.dye}
        return replace(character.dyed(**_keywords(dye)), name=(name or character.name).strip())

    def strip(self, session: Session, across: str, down: str) -> tuple[str, str]:
        """A strip over one property, and no note."""
        pixels = sheets.strip(self.stage, session.view, across)
        return self._sheet(session, pixels, f"{across} from −1 to 1", "strip"), ""

    def grid(self, session: Session, across: str, down: str) -> tuple[str, str]:
        """A grid over two properties."""
        pixels = sheets.grid(self.stage, session.view, across, down)
        told = f"{across} from −1 to 1 to the right, {down} downwards"
        return self._sheet(session, pixels, told, "grid"), ""

    def animation(self, session: Session, across: str, down: str) -> tuple[str, str]:
        """An animation to the view and back, or of one property."""
        content = sheets.animation(self.stage, session.view, across)
        told = "there and back" if session.view.sliders else f"{across} from −1 to 1 and back"
        name = f"{_stem(self.stage.name(session.view))}.gif"
        return markup.sheet(content, "image/gif", told, name), ""

    def table(self, session: Session) -> tuple[str, str]:
        """The scores of all sliders."""
        readings = self.stage.readings(session.view)
        name = f"{_stem(self.stage.name(session.view))}.csv"
        return markup.table(readings, sheets.table(readings), name), ""

    def _sheet(self, session: Session, pixels: Any, told: str, kind: str) -> str:
        name = f"{_stem(self.stage.name(session.view))}_{kind}.png"
        return markup.sheet(sheets.png(pixels), "image/png", told, name)

    def _posed(self, session: Session, values: Sequence[float], place: int = -1) -> Session:
        rest = self.stage.character(session.view.choice).rest
        names = list(rest)
        touched = names[place] if 0 <= place < len(names) else ""
        given = dict(zip(names, values[: len(names)], strict=True))
        return acts.posed(session, given, rest, touched)

    def _readings(self, session: Session) -> list[Any]:
        found = [
            update(value=markup.reading(one), visible=True)
            for one in self.stage.readings(session.view)
        ]
        return found + [update(visible=False)] * (self.slots - len(found))

    def _steps(self, session: Session) -> tuple[dict, dict]:
        """Undo and redo, where there is something to undo or redo."""
        return update(interactive=bool(session.past)), update(interactive=bool(session.future))


def _ends(layers: str, count: int) -> tuple[int, int]:
    """First and last layer of a range; all of them of ""."""
    if not layers:
        return 0, max(count - 1, 1)
    low, _, high = layers.partition("-")
    return int(low), int(high or low)


def _among(recent: Sequence[str], names: Sequence[str], place: int) -> str:
    """The property moved last, or the one before it; else the first ones of the face."""
    order = [name for name in recent if name in names]
    order += [name for name in names if name not in order]
    return order[min(place, len(order) - 1)]


def _keywords(dye: dict[str, float]) -> dict[str, float]:
    return {name.replace("-", "_"): value for name, value in dye.items()}


def _stem(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)
