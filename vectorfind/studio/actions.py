"""What the page's events do: what a user gave, to their session and to what is shown of it.

Updates are dictionaries as Gradio takes them, so that all of this runs, and is tested, without it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import RLock
from typing import Any, Self

from property_cnn.common.errors import InputError
from property_cnn.pictures import encoded
from vectorfind.characters.character import Character
from vectorfind.characters.settings import OMBRE_DEFAULTS
from vectorfind.studio import markup, sheets
from vectorfind.studio import session as acts
from vectorfind.studio.session import DYE, Choice, Session
from vectorfind.studio.stage import Stage


def update(**changes: Any) -> dict[str, Any]:
    """Changes of a component."""
    return {"__type__": "update", **changes}


class Seat:
    """Where a user's session is held: events that overlap change it one after another.

    Attributes:
        session: the present one.
        revision: of the sliders as the page was last given them; those of an older one, sent while
            another face was on its way, are not for this face.
    """

    def __init__(self, session: Session):
        self.session, self.revision, self.lock = session, 0, RLock()

    def __deepcopy__(self, _: object) -> Self:
        return type(self)(self.session)  # Gradio copies the first for each user


class Desk:
    """The actions of a page with so many sliders.

    Args:
        stage: the faces.
        slots: the page's sliders; a face uses the first.
    """

    def __init__(self, stage: Stage, slots: int):
        self.stage, self.slots = stage, slots

    def change(self, seat: Seat, action: Callable[[Session], Session], note: str = "") -> tuple:
        """An action on the session, and all that then is shown; nothing is done if that fails."""
        with seat.lock:
            session = action(seat.session)
            shown = self.shown(session, seat.revision + 1, note)
            seat.session, seat.revision = session, seat.revision + 1
        return shown

    def shown(self, session: Session, revision: int = 0, note: str = "") -> tuple:
        """All that shows a session: revision, picture, note, sliders, readings, dye, making, tools.

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
            revision,
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

    def moved(self, place: int, seat: Seat, revision: int, *values: float) -> tuple:
        """A slider was moved: picture, note, and undo and redo."""
        with seat.lock:
            if revision != seat.revision:
                return (update(),) * 4
            seat.session = session = self._posed(seat.session, values, place)
        return self.pictures(session), "", *self._steps(session)

    def read(self, seat: Seat, revision: int, *values: float) -> list[Any]:
        """The readings of where the sliders are."""
        try:
            if revision == seat.revision:
                return self._readings(self._posed(seat.session, values))
        except InputError:  # the picture's event says it
            pass
        return [update()] * self.slots

    def dyed(self, seat: Seat, wears: bool, *dye: float) -> tuple:
        """The dye was changed: picture, note, undo and redo, and the colour."""
        given = dict(zip(DYE, dye, strict=True)) if wears else {}
        with seat.lock:
            seat.session = session = acts.dyed(seat.session, given)
        return self.pictures(session), "", *self._steps(session), markup.swatch(session.view)

    def settled(self, seat: Seat) -> None:
        """The slider was let go."""
        with seat.lock:
            seat.session = acts.settled(seat.session)

    def act(self, name: str, seat: Seat) -> tuple:
        """An action of `vectorfind.studio.session` by name, and all that it shows."""
        return self.change(seat, getattr(acts, name))

    def picked(self, seat: Seat, choice: Choice) -> tuple:
        """Another face."""
        return self.change(seat, lambda session: acts.picked(session, choice))

    def remade(self, seat: Seat, keep: bool, psi: float, low: float, high: float) -> tuple:
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
        return self.change(seat, lambda session: acts.remade(session, **changes))

    def loaded(self, seat: Seat, path: str) -> tuple:
        """A character from a file."""
        choice, character = self.stage.loaded(path)
        note = f"loaded: {character.name or path}"
        return self.change(seat, lambda now: acts.picked(now, choice, character.dye), note)

    def character(self, seat: Seat, name: str) -> Character:
        """The character to be saved: the face under its name, with its dye and correlations."""
        session = seat.session
        character = self.stage.checked(self.stage.character(session.view.choice))
        return replace(
            character.dyed(**dict(session.view.dye)), name=(name or character.name).strip()
        )

    def strip(self, seat: Seat, across: str, down: str) -> tuple[str, str]:
        """A strip over one property, and no note."""
        pixels = sheets.strip(self.stage, seat.session.view, across)
        return self._sheet(seat.session, pixels, f"{across} from −1 to 1", "strip"), ""

    def grid(self, seat: Seat, across: str, down: str) -> tuple[str, str]:
        """A grid over two properties."""
        pixels = sheets.grid(self.stage, seat.session.view, across, down)
        told = f"{across} from −1 to 1 to the right, {down} downwards"
        return self._sheet(seat.session, pixels, told, "grid"), ""

    def animation(self, seat: Seat, across: str, down: str) -> tuple[str, str]:
        """An animation to the view and back, or of one property."""
        content = sheets.animation(self.stage, seat.session.view, across)
        told = "there and back" if seat.session.view.sliders else f"{across} from −1 to 1 and back"
        name = f"{markup.stem(self.stage.name(seat.session.view))}.gif"
        return markup.sheet(content, "image/gif", told, name), ""

    def table(self, seat: Seat) -> tuple[str, str]:
        """The scores of all sliders."""
        readings = self.stage.readings(seat.session.view)
        name = f"{markup.stem(self.stage.name(seat.session.view))}.csv"
        return markup.table(readings, sheets.table(readings), name), ""

    def _sheet(self, session: Session, pixels: Any, told: str, kind: str) -> str:
        name = f"{markup.stem(self.stage.name(session.view))}_{kind}.png"
        return markup.sheet(encoded(pixels, quick=True), "image/png", told, name)

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
