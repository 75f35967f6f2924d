"""What one user of the studio has before them, as a value; every action gives a new one.

Nothing here draws or knows a network: `vectorfind.studio.stage` shows what a view says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from property_cnn.common.checks import Seed, check_within, checked
from property_cnn.common.errors import InputError
from vectorfind.characters.settings import OMBRE_DEFAULTS

STEP = 0.01
"""Of the page's sliders."""

KEPT = 100
"""Most steps that can be undone."""

DYE = tuple(OMBRE_DEFAULTS)
"""Parameters of the dye."""

Kind = Literal["seed", "case", "file"]


@dataclass(frozen=True)
class Choice:
    """Which face, and how it is made.

    Attributes:
        kind: "seed" of a drawn face, "case" of a run, or "file" of a character.
        number: the seed or the case.
        file: what the studio keeps a loaded character under.
        psi: truncation of the face; None for the generator's own.
        layers: of synthesis that are driven, as "4-7"; "" for all.
        keep: each property leaves the others alone, see `Directions.conditioned`.
    """

    kind: Kind = "seed"
    number: int = 0
    file: str = ""
    psi: float | None = None
    layers: str = ""
    keep: bool = False


@dataclass(frozen=True)
class View:
    """A face as it is shown.

    Attributes:
        choice: which one.
        sliders: (property, slider in [-1, 1]) of those that were moved; the others rest.
        dye: (parameter of `DYE`, number in [0, 1]); () for none.
    """

    choice: Choice = Choice()
    sliders: tuple[tuple[str, float], ...] = ()
    dye: tuple[tuple[str, float], ...] = ()

    @property
    def unedited(self) -> View:
        """The face before all edits."""
        return View(self.choice)


@dataclass(frozen=True)
class Session:
    """One user's session.

    Attributes:
        view: what is shown.
        past, future: what undo and redo bring, the nearest last.
        touched: what the last step moved; moving it on is the same step.
        before: the unedited face is shown for a moment.
        beside: a second face, next to the first.
        recent: properties in the order of their last moves, the latest first.
    """

    view: View = View()
    past: tuple[View, ...] = ()
    future: tuple[View, ...] = ()
    touched: str = ""
    before: bool = False
    beside: View | None = None
    recent: tuple[str, ...] = ()

    @property
    def shown(self) -> View:
        """The view, or the unedited face where that is asked for."""
        return self.view.unedited if self.before else self.view


def picked(session: Session, choice: Choice, dye: Mapping[str, float] | None = None) -> Session:
    """Another face, unedited; its psi, layers and others to keep are those that were set.

    Args:
        session: the present one.
        choice: the face; one of a file keeps its own psi and layers.
        dye: that it wears.
    """
    checked("the face's number", choice.number, Seed)
    if choice.kind != "file":
        now = session.view.choice
        choice = replace(choice, psi=now.psi, layers=now.layers, keep=now.keep)
    return _stepped(session, View(choice, (), _dye(dye or {})), "")


def remade(session: Session, **changes: float | str | bool | None) -> Session:
    """The same face with another psi, other layers, or with or without others to keep.

    Raises:
        InputError: psi outside [0, 1], or the face is a file's, which is as it was made.
    """
    if session.view.choice.kind == "file":
        raise InputError("a loaded character is driven as it was made; pick a face to change that")
    if changes.get("psi") is not None:
        check_within("psi", changes["psi"])
    now = session.view.choice
    choice = replace(now, **changes)
    changed = [name for name, value in changes.items() if getattr(now, name) != value]
    return _stepped(session, replace(session.view, choice=choice), ",".join(changed))


def posed(
    session: Session, sliders: Mapping[str, float], rest: Mapping[str, float], touched: str = ""
) -> Session:
    """The face with all its sliders where the page has them.

    Args:
        session: the present one.
        sliders: property -> slider; all of them, so that no quick move is lost on the way.
        rest: property -> where the unedited face is; a slider within a step of it rests there.
        touched: the property that is moved.

    Raises:
        InputError: unknown property, or a slider outside [-1, 1].
    """
    for name, value in sliders.items():
        if name not in rest:
            raise InputError(f"this face has no slider {name}; it has {', '.join(rest)}")
        check_within(f"slider of {name}", value, -1, 1)
    moved = {n: float(v) for n, v in sliders.items() if abs(v - rest[n]) > STEP / 2 + 1e-9}
    recent = session.recent
    if touched:
        recent = (touched, *(name for name in recent if name != touched))
    view = replace(session.view, sliders=tuple(sorted(moved.items())))
    return replace(_stepped(session, view, touched), recent=recent)


def dyed(session: Session, dye: Mapping[str, float], touched: str = "dye") -> Session:
    """The face with dyed hair; {} for its own colour.

    Raises:
        InputError: another parameter, or a number outside [0, 1].
    """
    return _stepped(session, replace(session.view, dye=_dye(dye)), touched)


def settled(session: Session) -> Session:
    """The last move is done: moving the same slider again is a step of its own."""
    return replace(session, touched="")


def undone(session: Session) -> Session:
    """One step back; the same where there is none."""
    if not session.past:
        return session
    *past, view = session.past
    future = (*session.future, session.view)
    return replace(session, view=view, past=tuple(past), future=future, touched="", before=False)


def redone(session: Session) -> Session:
    """One step forward again; the same where there is none."""
    if not session.future:
        return session
    *future, view = session.future
    past = (*session.past, session.view)
    return replace(session, view=view, past=past, future=tuple(future), touched="", before=False)


def reset(session: Session) -> Session:
    """The face unedited, which can be undone."""
    return _stepped(session, session.view.unedited, "")


def turned(session: Session) -> Session:
    """Before in place of after, or after in place of before."""
    return replace(session, before=not session.before)


def put_beside(session: Session) -> Session:
    """The present view stays beside what is done next; given again, it goes."""
    return replace(session, beside=session.view if session.beside is None else None)


def swapped(session: Session) -> Session:
    """The two faces change places.

    Raises:
        InputError: there is only one.
    """
    if session.beside is None:
        raise InputError("there is one face; put it beside first")
    return replace(_stepped(session, session.beside, ""), beside=session.view)


def _stepped(session: Session, view: View, touched: str) -> Session:
    """A new view; moving on what was touched last is no step of its own."""
    if view == session.view:
        return replace(session, before=False)
    same = touched and touched == session.touched
    past = session.past if same else (*session.past, session.view)[-KEPT:]
    return replace(session, view=view, past=past, future=(), touched=touched, before=False)


def _dye(given: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    for name, value in given.items():
        if name not in DYE:
            raise InputError(f"the dye has no {name}; it has {', '.join(DYE)}")
        check_within(name, value)
    return tuple((name, float(given[name])) for name in DYE if name in given)
