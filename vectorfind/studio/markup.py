"""Pieces of the studio's page as HTML; every text that is not ours is escaped."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape

from property_cnn.pictures import encoded
from vectorfind.studio.session import DYE, View
from vectorfind.studio.stage import Reading, Stage, Tile


def data_url(content: bytes, kind: str) -> str:
    """Content in place of an address, so that no file lies on the server."""
    return f"data:{kind};base64,{b64encode(content).decode()}"


def stem(name: str) -> str:
    """What a face's files are called."""
    return "".join(c if c.isalnum() else "_" for c in name)


def picture(stage: Stage, view: View, edited: bool, which: str = "shown") -> str:
    """A face with its caption.

    Args:
        stage: draws it.
        view: the face.
        edited: it is shown after its edits, not before.
        which: "shown", or "beside" the one that is driven.
    """
    name = stage.name(view)
    state = "after" if edited else "before"
    moved = ", ".join(f"{each} {value:+.2f}" for each, value in view.sliders)
    told = f"{moved or 'unedited'}{', dyed' if view.dye else ''}" if edited else "unedited"
    source = data_url(encoded(stage.pixels(view), quick=True), "image/png")
    return (
        f'<figure class="face {which} {state}">'
        f'<img src="{source}" alt="{escape(name)}: {escape(told)}" data-name="'
        f'{escape(stem(name))}.png">'
        f"<figcaption><b>{escape(name)}</b> <span>{escape(told)}</span></figcaption></figure>"
    )


def reading(one: Reading) -> str:
    """What a slider asks for beside what the scorer sees, as two marks and two numbers."""
    if one.seen is None:
        return f'<p class="reading">intended {one.slider:+.2f}, not read</p>'
    mark = min(max(one.seen, -1.0), 1.0)
    return (
        f'<p class="reading" data-property="{escape(one.name)}" data-seen="{one.seen:.4f}">'
        f'<span class="seen" style="left:{50 + 50 * mark:.1f}%" aria-hidden="true"></span>'
        f"intended <b>{one.slider:+.2f}</b> · measured <b>{one.seen:+.2f}</b></p>"
    )


def tiles(faces: Sequence[Tile], picked: View) -> str:
    """The gallery: a button a face."""
    if not faces:
        return '<p class="empty">Only this character; start with a run to pick others.</p>'
    parts = []
    for face in faces:
        chosen = (face.choice.kind, face.choice.number) == (
            picked.choice.kind,
            picked.choice.number,
        )
        mark = {None: "", True: ", passed", False: ", not passed"}[face.passed]
        badge = '<i aria-hidden="true">✓</i>' if face.passed else ""
        source = data_url(encoded(face.pixels, quick=True), "image/png")
        parts.append(
            f'<button type="button" data-number="{face.choice.number}" '
            f'aria-pressed="{str(chosen).lower()}" aria-label="{face.caption}{mark}">'
            f'<img src="{source}" alt="">{badge}<span>{face.choice.number}</span></button>'
        )
    return f'<div class="tiles" role="group" aria-label="Faces">{"".join(parts)}</div>'


def swatch(view: View) -> str:
    """The dye's colour, shown."""
    dye = dict(view.dye)
    if not dye:
        return '<p class="swatch none"><i></i> The hair keeps its own colour.</p>'
    hue = 360 * dye[DYE[0]]
    return (
        f'<p class="swatch"><i style="background:hsl({hue:.0f} 75% 55%)"></i> '
        f"The lower {dye[DYE[1]]:.0%} of the hair</p>"
    )


def sheet(content: bytes, kind: str, caption: str, name: str) -> str:
    """A picture that was made, and how it is taken away."""
    source = data_url(content, kind)
    return (
        f'<figure class="sheet"><img src="{source}" alt="{escape(caption)}"><figcaption>'
        f'<span>{escape(caption)}</span> <a download="{escape(name)}" href="{source}">Download '
        f"{escape(name)}</a></figcaption></figure>"
    )


def table(readings: Sequence[Reading], csv: str, name: str) -> str:
    """The scores as a table, and as a CSV to take away."""
    rows = "".join(
        f"<tr><th scope='row'>{escape(one.name)}</th>"
        + "".join(
            f"<td>{_number(value)}</td>"
            for value in (one.slider, one.seen, one.intended, one.measured)
        )
        + "</tr>"
        for one in readings
    )
    source = data_url(csv.encode(), "text/csv")
    return (
        '<figure class="sheet"><table><thead><tr><th>slider</th><th>asked</th><th>seen</th>'
        f"<th>score intended</th><th>measured</th></tr></thead><tbody>{rows}</tbody></table>"
        f'<figcaption><a download="{escape(name)}" href="{source}">Download {escape(name)}</a>'
        "</figcaption></figure>"
    )


def message(text: str, kind: str = "note") -> str:
    """One line for the user."""
    return f'<p class="{kind}">{escape(" ".join(text.split()))}</p>' if text else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:+.3f}"
