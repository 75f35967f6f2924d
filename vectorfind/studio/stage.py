"""What the studio draws with: networks, directions and faces, shared by all who use it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import RLock
from typing import Any

import numpy as np
import torch

from property_cnn.common.checks import refused
from property_cnn.common.errors import InputError
from property_cnn.common.files import file_digest
from property_cnn.common.streams import CASES
from property_cnn.common.tasks import one_torch_thread
from property_cnn.pictures import reduced
from vectorfind.characters.character import THUMBNAIL, Character, load_character, pixels_of
from vectorfind.characters.picking.cases import Cases
from vectorfind.characters.settings import CharacterSettings
from vectorfind.directions.directions import Directions
from vectorfind.models.pair import Models
from vectorfind.models.protocols import Generator, Scorer, digest_of
from vectorfind.sampling.latents import mapped_latents
from vectorfind.studio.session import Choice, View

SHOWN = 12
"""Faces of the gallery at a time."""

_CHARACTERS, _FILES, _IMAGES, _PAGES = 64, 64, 32, 16  # kept of each kind
_MEASURED = CharacterSettings(checks=0)
_MEAN = 2048  # latents whose w make the mean


@dataclass(frozen=True)
class Reading:
    """What a slider asks for, and what the scorer sees; see `Stage.readings`.

    Attributes:
        name: of the property.
        slider: in [-1, 1]; where it rests if it was not moved.
        seen: slider of the measured score, also outside [-1, 1]; None where nothing reads it.
        intended, measured: the scores, in the scorer's units.
    """

    name: str
    slider: float
    seen: float | None
    intended: float
    measured: float | None


@dataclass(frozen=True, eq=False)
class Tile:
    """A face of the gallery.

    Attributes:
        choice: what a click takes.
        caption: its name.
        passed: whether it passed the run's test; None of a seed.
        pixels: (h, w, 3) uint8, unedited, at most `THUMBNAIL` a side.
    """

    choice: Choice
    caption: str
    passed: bool | None
    pixels: np.ndarray


class Stage:
    """Faces, and how they look; one drawing at a time, whoever asks.

    Args:
        source: name or path of the generator, for the files of characters.
        directions: of the properties that get sliders; None where there is only a character.
        cases: of a run; None for seeds.
        opened: the character that is shown first.
        scorer: what reads faces where there are no directions.
    """

    def __init__(
        self,
        source: str = "default",
        directions: Directions | None = None,
        cases: Cases | None = None,
        opened: Character | None = None,
        scorer: Scorer | None = None,
    ):
        if directions is None and opened is None:
            raise InputError(
                "the studio has nothing to show; give a run, directions or a character"
            )
        self.source, self.directions, self.cases = source, directions, cases
        self.opened, self._scorer = opened, scorer
        self._lock = RLock()
        self._kept: dict[str, OrderedDict[Hashable, Any]] = {}
        self.first = self._first()

    @property
    def models(self) -> Models | None:
        """Generator and scorer; None of a character alone whose scorer is not known."""
        if self.directions is not None:
            return self.directions.models
        if self._scorer is None:
            return None
        return Models(self.opened.generator, self._scorer)

    @property
    def generator(self) -> Generator:
        """The generator."""
        return (
            self.opened.generator if self.directions is None else self.directions.models.generator
        )

    @property
    def properties(self) -> tuple[str, ...]:
        """What has a slider, of faces that are picked."""
        return () if self.directions is None else self.directions.properties

    @property
    def truncates(self) -> bool:
        """Whether faces can be truncated, and layers chosen: directions are in w."""
        return self.directions is not None and self.directions.layer == "w"

    @property
    def synthesis_layers(self) -> int:
        """Layers of w+A-B; 0 where none can be chosen."""
        ranges = self.truncates and "w+A-B" in getattr(self.generator, "available_layers", ())
        return int(getattr(self.generator, "synthesis_layers", 0)) if ranges else 0

    @property
    def psi(self) -> float:
        """The generator's own truncation."""
        return float(getattr(self.generator, "psi", 1.0))

    def _first(self) -> View:
        if self.opened is not None:
            key = f"opened {self.opened.name}"
            dye = {name: self.opened.dye[name] for name in self.opened.dye}
            return View(Choice("file", file=key), (), tuple(dye.items()))
        return View(Choice("seed" if self.cases is None else "case", self._numbers(0)[0]))

    def _numbers(self, page: int) -> list[int]:
        """Seeds or cases of a page of the gallery; passed cases stand first."""
        start = page * SHOWN
        if self.cases is None:
            return list(range(start, start + SHOWN))
        order = np.argsort(~self._passed, kind="stable")
        return [int(number) for number in order[start : start + SHOWN]]

    @cached_property
    def _passed(self) -> np.ndarray:
        from reports import columns as c

        return (self.cases.table[c.PASSED] == c.PASS_MARK).to_numpy()

    def pages(self) -> int:
        """Pages of the gallery: of seeds there is no end."""
        return 10**6 if self.cases is None else -(-len(self.cases) // SHOWN)

    @one_torch_thread()
    def gallery(self, page: int = 0) -> list[Tile]:
        """Faces to pick from, unedited; none where there is only a character."""
        if self.directions is None:
            return []
        with self._lock:
            return self._keep("gallery", page, lambda: self._tiles(page % self.pages()), _PAGES)

    def _tiles(self, page: int) -> list[Tile]:
        kind = "seed" if self.cases is None else "case"
        choices = [Choice(kind, number) for number in self._numbers(page)]
        latents = [self._latents(choice) for choice in choices]
        models = self.directions.models
        z, label = (np.stack(each) for each in zip(*latents, strict=True))
        last = models.last_layer
        pixels = pixels_of(models.synthesize(models.map(z, label)[last], last)).numpy()
        passed = [None if self.cases is None else bool(self._passed[c.number]) for c in choices]
        return [
            Tile(choice, f"{kind} {choice.number}", mark, reduced(each, THUMBNAIL))
            for choice, mark, each in zip(choices, passed, pixels, strict=True)
        ]

    def _latents(self, choice: Choice) -> tuple[np.ndarray, np.ndarray]:
        """z and label of a seed's or a case's face.

        Raises:
            InputError: there is no such case, or no face by number.
        """
        if choice.kind == "case":
            if self.cases is None:
                raise InputError("the studio was started without a run; pick a seed")
            if not 0 <= choice.number < len(self.cases):
                raise refused("case", choice.number, f"0 to {len(self.cases) - 1}")
            return self.cases.z[choice.number], self.cases.label[choice.number]
        models = self.directions.models
        z, label, _ = mapped_latents(models, choice.number, CASES, 1, layers=())
        return z[0], label[0]

    def character(self, choice: Choice) -> Character:
        """The character of a choice; measured when it is first asked for.

        Raises:
            InputError: there is no such face, or it cannot be driven.
        """
        with self._lock:
            if self.opened is not None and choice == self.first.choice:
                return self.opened
            if choice.kind == "file":
                return self._keep("file", choice.file, _gone, _FILES)
            if self.directions is None:
                raise InputError("the studio shows one character; start it with a run to pick")
            return self._keep("character", choice, lambda: self._made(choice), _CHARACTERS)

    def _made(self, choice: Choice) -> Character:
        directions = self.directions
        if choice.keep:
            others = {n: [o for o in self.properties if o != n] for n in self.properties}
            directions = directions.conditioned({n: o for n, o in others.items() if o})
        z, label = self._latents(choice)
        about = {
            "name": f"{choice.kind} {choice.number}",
            "generator": self.source,
            "settings": _MEASURED,
            "made": {choice.kind: choice.number},
        }
        psi = self.psi if choice.psi is None else choice.psi
        if psi == self.psi and not choice.layers:
            return Character.from_latent(directions, z, label, **about)
        if not self.truncates:
            raise InputError(
                f"these directions are at {directions.layer}; truncation and layers need ones in w"
            )
        models = directions.models
        w = models.map(z[None], label[None])["w"][0].cpu().numpy()
        if psi != self.psi:
            if not self.psi or getattr(self.generator, "trunc_layers", None) is not None:
                raise InputError(
                    "this generator truncates some layers alone, or wholly; its psi stays as it is"
                )
            mean = self._keep("mean", "w", self._mean, 1)
            w = mean + np.float32(psi / self.psi) * (w - mean)  # synthesis does its own part
        layer = f"w+{choice.layers}" if choice.layers else "w"
        models = models.with_layer(layer)
        times = models.generator.layers[layer] // len(w)
        about["made"] |= {"psi": psi}
        vector = np.tile(w, times)
        return Character.from_latent(directions, label=label, vector=vector, layer=layer, **about)

    def _mean(self) -> np.ndarray:
        """(w_dim,) the mean w, that truncation pulls towards."""
        _, _, latents = mapped_latents(self.directions.models, 0, CASES, _MEAN, layers=("w",))
        return latents["w"].mean(axis=0)

    def loaded(self, path: str) -> tuple[Choice, Character]:
        """A character from a file, on the studio's generator.

        Raises:
            CheckpointError: it is damaged, no character, or one of another generator.
        """
        character = load_character(path).attached(self.generator)
        key = f"{character.name} {file_digest(path)}"
        with self._lock:
            self._keep("file", key, lambda: character, _FILES)
        return Choice("file", file=key), character

    def sliders(self, view: View) -> dict[str, float]:
        """property -> slider, of all that the face has."""
        return {**self.character(view.choice).rest, **dict(view.sliders)}

    def name(self, view: View) -> str:
        """What the face is called."""
        return self.character(view.choice).name or "a face without a name"

    def image(self, view: View) -> torch.Tensor:
        """(3, H, W) in [-1, 1]."""
        with self._lock:
            return self._keep("image", view, lambda: self._images(view)[0], _IMAGES)

    def pixels(self, view: View) -> np.ndarray:
        """(H, W, 3) uint8, as `Character.render` gives them."""
        return pixels_of(self.image(view)[None]).numpy()[0]

    def images(self, view: View, **sliders: Sequence[float]) -> torch.Tensor:
        """(N, 3, H, W), with some sliders replaced by (N,) numbers."""
        with self._lock:
            return self._images(view, **sliders)

    def _images(self, view: View, **sliders: Sequence[float]) -> torch.Tensor:
        character = self.character(view.choice)
        dye: dict[str, Any] = {name.replace("-", "_"): value for name, value in view.dye}
        dye = dye or {"ombre_color": None}
        moved = dict(view.sliders) | {name: np.asarray(each) for name, each in sliders.items()}
        return character.images(**moved, **dye)

    @one_torch_thread()
    def readings(self, view: View) -> list[Reading]:
        """Each slider's intended and measured score; measured on the undyed face."""
        with self._lock:
            character = self.character(view.choice)
            models = self._reading_models(character)
            scores: dict[str, float] = {}
            if models is not None:
                image = self.image(View(view.choice, view.sliders))[None]
                scores = dict(zip(models.scored, models.score(image)[0].tolist(), strict=True))
        found = []
        for name, slider in self.sliders(view).items():
            response = character.face.responses[name]
            measured = scores.get(name)
            if measured is None or not np.isfinite(measured):
                seen = measured = None
            else:
                seen = 2 * (measured - response.low) / (response.high - response.low) - 1
            found.append(Reading(name, slider, seen, float(response.score(slider)), measured))
        return found

    def _reading_models(self, character: Character) -> Models | None:
        """The networks, if their scorer is that of the character's curves."""
        models, own = self.models, character.made.get("scorer")
        return models if models is not None and own in (None, digest_of(models.scorer)) else None

    def checked(self, character: Character) -> Character:
        """The same with the correlations of its sliders, as a file shall tell them."""
        from dataclasses import replace

        from vectorfind.characters.measuring import slider_correlations

        models = self._reading_models(character)
        if models is None or "correlations" in character.made:
            return character
        with self._lock:
            found = slider_correlations(character.face, models)
        rounded = {name: round(value, 6) for name, value in found.items()}
        return replace(character, made={**character.made, "correlations": rounded})

    def _keep(self, kind: str, key: Hashable, make: Callable[[], Any], most: int) -> Any:
        """What was made under the key, or made now; the ones used last are kept."""
        with self._lock:
            kept = self._kept.setdefault(kind, OrderedDict())
            if key not in kept:
                kept[key] = make()
            kept.move_to_end(key)
            while len(kept) > most:
                kept.popitem(last=False)
            return kept[key]


def _gone() -> Character:
    raise InputError("the character is no longer held; load its file again")
