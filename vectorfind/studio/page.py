"""The studio's page: Gradio's components, each of whose events is one action on the session."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from property_cnn.common.errors import InputError, VectorfindError
from vectorfind.characters.settings import OMBRE_DEFAULTS
from vectorfind.studio import actions, markup
from vectorfind.studio.keeping import Shelf, TakenError
from vectorfind.studio.session import DYE, STEP, Choice, Session
from vectorfind.studio.stage import Stage

HERE = Path(__file__).parent
SLOTS = 8
"""Sliders of a page at least; a face with fewer properties shows fewer."""

_LIVE = {
    "queue": False,
    "trigger_mode": "always_last",
    "show_progress": "hidden",
    "api_visibility": "private",
}
"""Of an event while a slider moves: one is under way, and of those that come meanwhile the last
is next."""

_ONCE = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": 4}

_PICK = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-number]');
  if (button) trigger('select', {number: Number(button.dataset.number)});
});
"""
_DOWNLOAD = """() => {
  const image = document.querySelector('#picture .shown img');
  if (!image) return;
  const link = document.createElement('a');
  link.href = image.src; link.download = image.dataset.name; link.click();
}"""
_TAKE = "() => setTimeout(() => document.querySelector('#outcome a[download]')?.click(), 60)"
_STATUS = '<div role="status" aria-live="polite">${value}</div>'
_KEYS = "<p>Keys: b before and after, z undo, y redo, 0 reset</p>"
_DYE_LABELS = ("Colour", "Height", "Gradient")


class Page:
    """The components of one page, and what its events do.

    Args:
        stage: the faces, shared by all sessions.
        shelf: where characters are saved.
    """

    def __init__(self, stage: Stage, shelf: Shelf):
        self.stage, self.shelf = stage, shelf
        names = len(stage.character(stage.first.choice).properties)
        self.slots = max(SLOTS, len(stage.properties), names)
        self.desk = actions.Desk(stage, self.slots)

    def blocks(self) -> gr.Blocks:
        """The page."""
        with gr.Blocks(
            title="vectorfind studio", analytics_enabled=False, delete_cache=(3600, 3600)
        ) as blocks:
            self.seat = gr.State(actions.Seat(Session(self.stage.first)))
            self.revision = gr.Number(0, visible=False)
            self.leaf = gr.State(0)
            gr.HTML("<h1>vectorfind <span>studio</span></h1>", elem_id="head")
            with gr.Row(elem_id="room"):
                self._faces()
                self._picture()
                self._controls()
                self._work()
            self._wire()
            blocks.load(
                self._opened,
                [self.seat],
                [*self._whole(), self.gallery, self.saved],
                **_ONCE,
            )
        return blocks

    def _faces(self) -> None:
        kind = "Seed" if self.stage.cases is None else "Case"
        pickable = self.stage.directions is not None
        with gr.Column(elem_id="faces"):
            gr.HTML("<h2>Faces</h2>")
            self.gallery = gr.HTML("", elem_id="gallery", js_on_load=_PICK)
            with gr.Row(elem_classes="line", visible=pickable):
                self.earlier = gr.Button("Previous", elem_id="earlier")
                self.later = gr.Button("More", elem_id="later")
            with gr.Row(elem_classes="line", visible=pickable):
                self.number = gr.Number(
                    0, label=kind, precision=0, minimum=0, elem_id="number", min_width=60
                )
                self.chance = gr.Button("Random", elem_id="random")

    def _picture(self) -> None:
        with gr.Column(elem_id="stage"):
            self.picture = gr.HTML("", elem_id="picture")
            with gr.Row(elem_id="tools"):
                self.turn = gr.Button("Before / after", elem_id="turn")
                self.undo = gr.Button("Undo", elem_id="undo")
                self.redo = gr.Button("Redo", elem_id="redo")
                self.reset = gr.Button("Reset", elem_id="reset")
                self.beside = gr.Button("Put beside", elem_id="beside")
                self.swap = gr.Button("Swap", elem_id="swap", visible=False)
            self.note = gr.HTML("", elem_id="note", html_template=_STATUS)
            gr.HTML(_KEYS, elem_id="keys")

    def _controls(self) -> None:
        with gr.Column(elem_id="controls"):
            gr.HTML("<h2>Expression</h2>")
            self.sliders, self.readings = [], []
            for place in range(self.slots):
                self.sliders.append(
                    gr.Slider(
                        -1, 1, 0, step=STEP, label=f"slider {place + 1}", visible=False,
                        elem_id=f"slider-{place}", buttons=[],
                    )
                )  # fmt: skip
                self.readings.append(gr.HTML("", visible=False, elem_classes="read"))
            self.keep = gr.Checkbox(
                False, label="Each slider leaves the others alone", elem_id="keep",
                visible=len(self.stage.properties) > 1, container=False,
            )  # fmt: skip
            with gr.Accordion("Hair dye", open=False, elem_id="dye"):
                self.wears = gr.Checkbox(False, label="Dyed", elem_id="wears", container=False)
                self.swatch = gr.HTML("", elem_id="swatch")
                self.dyes = [
                    gr.Slider(
                        0, 1, OMBRE_DEFAULTS[name], step=STEP, label=label, elem_id=name,
                        buttons=[],
                    )
                    for name, label in zip(DYE, _DYE_LABELS, strict=True)
                ]  # fmt: skip
            with gr.Accordion(
                "Truncation and layers", open=False, elem_id="making", visible=self.stage.truncates
            ):
                self.psi = gr.Slider(
                    0, 1, self.stage.psi, step=0.05, label="Truncation psi", elem_id="psi",
                    buttons=[],
                )  # fmt: skip
                last = max(self.stage.synthesis_layers - 1, 0)
                ranged = last > 0
                with gr.Row(elem_classes="line", visible=ranged):
                    self.low = gr.Slider(
                        0, max(last, 1), 0, step=1, label="First layer driven", elem_id="low",
                        buttons=[],
                    )  # fmt: skip
                    self.high = gr.Slider(
                        0, max(last, 1), last, step=1, label="Last layer driven", elem_id="high",
                        buttons=[],
                    )  # fmt: skip

    def _work(self) -> None:
        names = list(self.stage.character(self.stage.first.choice).properties)
        with gr.Column(elem_id="work"):
            gr.HTML("<h2>Take away</h2>")
            with gr.Row(elem_classes="line"):
                self.take = gr.Button("Picture", elem_id="take")
                self.strip = gr.Button("Strip", elem_id="strip")
                self.grid = gr.Button("Grid", elem_id="grid")
                self.move = gr.Button("Animation", elem_id="animation")
                self.csv = gr.Button("Scores (CSV)", elem_id="csv")
            with gr.Row(elem_classes="line"):
                self.across = gr.Dropdown(names, value=names[0], label="Slider", elem_id="across")
                self.down = gr.Dropdown(
                    names, value=names[-1], label="Second slider, of the grid", elem_id="down"
                )
            self.outcome = gr.HTML("", elem_id="outcome")
            gr.HTML("<h2>Characters</h2>")
            with gr.Row(elem_classes="line"):
                self.name = gr.Textbox("", label="Name", max_lines=1, elem_id="name")
                self.save = gr.Button("Save", elem_id="save")
            with gr.Row(elem_classes="line", visible=False, elem_id="taken") as self.taken:
                self.really = gr.Button("Replace it", elem_id="replace")
                self.rather_not = gr.Button("Keep both apart", elem_id="keep-old")
            with gr.Row(elem_classes="line"):
                self.saved = gr.Dropdown([], label="Saved", elem_id="saved")
                self.load = gr.Button("Load", elem_id="load")
            self.upload = gr.UploadButton(
                "Open a character's file", file_types=[".safetensors"], elem_id="upload"
            )

    def _whole(self) -> list[Any]:
        """All that shows a session, in the order of `Desk.shown`."""
        return [
            self.revision, self.picture, self.note, *self.sliders, *self.readings, self.wears,
            self.swatch, *self.dyes, self.keep, self.psi, self.low, self.high, self.undo,
            self.redo, self.swap, self.beside, self.across, self.down, self.name,
        ]  # fmt: skip

    def _wire(self) -> None:
        self._wire_sliders()
        pose = [self.seat]
        whole = self._whole()
        for button, action in (
            (self.turn, "turned"),
            (self.undo, "undone"),
            (self.redo, "redone"),
            (self.reset, "reset"),
            (self.beside, "put_beside"),
            (self.swap, "swapped"),
        ):
            button.click(self._told(partial(self.desk.act, action), whole), pose, whole, **_ONCE)
        gallery = [*whole, self.gallery]
        numbered = self._told(self._numbered, gallery)

        def clicked(seat: actions.Seat, leaf: int, event: gr.EventData) -> Any:
            return numbered(seat, leaf, event.number)

        self.gallery.select(clicked, [self.seat, self.leaf], gallery, **_ONCE)
        self.number.submit(numbered, [self.seat, self.leaf, self.number], gallery, **_ONCE)
        self.chance.click(
            self._told(self._random, [*gallery, self.number]),
            [self.seat, self.leaf],
            [*gallery, self.number],
            **_ONCE,
        )
        for button, step in ((self.earlier, -1), (self.later, 1)):
            button.click(
                partial(self._leafed, step), [self.seat, self.leaf], [self.leaf, self.gallery],
                **_ONCE,
            )  # fmt: skip
        for control in (self.psi, self.low, self.high):
            control.release(
                self._told(self.desk.remade, whole),
                [self.seat, self.keep, self.psi, self.low, self.high],
                whole,
                **_ONCE,
            )
        self.keep.input(
            self._told(self.desk.remade, whole),
            [self.seat, self.keep, self.psi, self.low, self.high],
            whole,
            **_ONCE,
        )
        self._wire_work()

    def _wire_sliders(self) -> None:
        pose = [self.seat, self.revision, *self.sliders]
        live = [self.picture, self.note, self.undo, self.redo]
        for place, slider in enumerate(self.sliders):
            move = self._told(partial(self.desk.moved, place), live)
            drawn = slider.input(move, pose, live, **_LIVE)
            drawn.then(self.desk.read, pose, self.readings, **_LIVE)  # the picture goes first
            slider.release(self.desk.settled, [self.seat], None, **_LIVE)
        shown = [self.picture, self.note, self.undo, self.redo, self.swatch]
        dye = [self.seat, self.wears, *self.dyes]
        self.wears.input(self._told(self.desk.dyed, shown), dye, shown, **_LIVE)
        shown = [*shown, self.wears]
        for slider in self.dyes:
            slider.input(
                self._told(lambda seat, _, *dye: (*self.desk.dyed(seat, True, *dye), True),
                           shown),
                dye, shown, **_LIVE,
            )  # fmt: skip
            slider.release(self.desk.settled, [self.seat], None, **_LIVE)

    def _wire_work(self) -> None:
        self.take.click(None, js=_DOWNLOAD)
        made = [self.outcome, self.note]
        for button, function in (
            (self.strip, self.desk.strip),
            (self.grid, self.desk.grid),
            (self.move, self.desk.animation),
        ):
            button.click(
                self._told(function, made), [self.seat, self.across, self.down], made,
                api_visibility="private", show_progress="minimal", show_progress_on=self.outcome,
            )  # fmt: skip
        self.csv.click(self._told(self.desk.table, made), [self.seat], made, **_ONCE).success(
            None, js=_TAKE
        )
        kept = [self.note, self.taken, self.saved]
        self.save.click(
            self._told(partial(self._save, False), kept), [self.seat, self.name], kept, **_ONCE
        )
        self.really.click(
            self._told(partial(self._save, True), kept), [self.seat, self.name], kept, **_ONCE
        )
        self.rather_not.click(
            lambda: (markup.message("Nothing was replaced."), gr.Row(visible=False)),
            None,
            [self.note, self.taken],
            **_ONCE,
        )
        whole = self._whole()
        self.load.click(self._told(self._load, whole), [self.seat, self.saved], whole, **_ONCE)
        self.upload.upload(
            self._told(self.desk.loaded, whole), [self.seat, self.upload], whole, **_ONCE
        )

    def _told(self, action: Callable[..., Any], outputs: Sequence[Any]) -> Callable[..., Any]:
        """The action; where it is refused, its one line stands on the page and all else stays."""

        def answer(*given: Any) -> Any:
            try:
                return action(*given)
            except (VectorfindError, OSError) as error:
                text = markup.message(str(error), "error")
                return tuple(text if each is self.note else gr.skip() for each in outputs)

        return answer

    def _opened(self, seat: actions.Seat) -> tuple:
        shown = self.desk.change(seat, lambda session: session)
        gallery = markup.tiles(self.stage.gallery(0), seat.session.view)
        return (*shown, gallery, gr.Dropdown(choices=self.shelf.names()))

    def _numbered(self, seat: actions.Seat, leaf: int, number: Any) -> tuple:
        if number is None or number != int(number):
            raise InputError(f"{number} is no face's number; give a whole one, 0 or more")
        kind = "seed" if self.stage.cases is None else "case"
        shown = self.desk.picked(seat, Choice(kind, int(number)))
        return (*shown, markup.tiles(self.stage.gallery(leaf), seat.session.view))

    def _random(self, seat: actions.Seat, leaf: int) -> tuple:
        most = 10**6 if self.stage.cases is None else len(self.stage.cases)
        number = secrets.randbelow(most)
        return (*self._numbered(seat, leaf, number), number)

    def _leafed(self, step: int, seat: actions.Seat, leaf: int) -> tuple:
        leaf = (leaf + step) % self.stage.pages()
        return leaf, markup.tiles(self.stage.gallery(leaf), seat.session.view)

    def _save(self, replace: bool, seat: actions.Seat, name: str) -> tuple:
        try:
            path = self.shelf.save(self.desk.character(seat, name), name, replace)
        except TakenError as error:
            return markup.message(str(error), "error"), gr.Row(visible=True), gr.skip()
        names = gr.Dropdown(choices=self.shelf.names(), value=path.stem)
        return markup.message(f"saved: {path}"), gr.Row(visible=False), names

    def _load(self, seat: actions.Seat, name: str | None) -> tuple:
        if not name:
            raise InputError("nothing is chosen; choose a saved character")
        return self.desk.loaded(seat, str(self.shelf.path(name)))


def theme() -> gr.themes.Base:
    """Quiet colours and the system's own fonts: nothing is fetched."""
    return gr.themes.Base(
        primary_hue="indigo",
        neutral_hue="stone",
        font=("system-ui", "-apple-system", "Segoe UI", "sans-serif"),
        font_mono=("ui-monospace", "Menlo", "monospace"),
    )
