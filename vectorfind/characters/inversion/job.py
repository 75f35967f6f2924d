"""The job that brings a photograph into a generator, in a folder that it goes on in."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from property_cnn.common.arrays import read_npz, write_npz
from property_cnn.common.checks import choose
from property_cnn.common.devices import choose_device
from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import atomic_write, bytes_digest
from property_cnn.common.folders import writable_folder
from property_cnn.common.progress import Progress
from property_cnn.common.tasks import training_threads
from property_cnn.fetching import fetched_path
from property_cnn.jobs.folder import Claim, Work, amend_folder, open_folder
from property_cnn.pictures import encoded, read_image
from reports.layout import CONFIG
from reports.plots.images import to_pixels
from stylegan_ft.formats.mobile.files import MOBILESTYLEGAN
from stylegan_ft.formats.options import split_name
from vectorfind.characters.character import Character
from vectorfind.characters.inversion.align import FaceSquare, cut_face
from vectorfind.characters.inversion.inversion import Inversion, load_inversion
from vectorfind.characters.inversion.measures import measured
from vectorfind.characters.inversion.optimise import (
    Objective,
    State,
    nearest_start,
    search,
    stages,
)
from vectorfind.characters.inversion.pictures import edited_images, inversion_png
from vectorfind.characters.inversion.readers import Reader, find_face, reader_for
from vectorfind.characters.inversion.settings import LAYERS, SEVERAL_SIZES, InvertSettings
from vectorfind.characters.inversion.usual import Usual, usual_latents
from vectorfind.directions.directions import Directions, load_directions
from vectorfind.models.pair import Models
from vectorfind.models.protocols import Generator, Scorer, device_of, digest_of, resolve_generator
from vectorfind.models.scorers import DEFAULT, LANDMARKS
from vectorfind.sampling.lessons import Unscored

FILE, PICTURE, PHOTO = "inversion.npz", "inversion.png", "photo.png"
CHARACTER = "character.safetensors"
"""The latents; photograph and images beside each other; the photograph as it was inverted; the
character, where directions were given."""

STATE = "state"
"""Folder of a search that is under way."""

_KIND = "inversion state"
_SHIFTED_BY = 16  # images that tell what a generator makes


@dataclass(frozen=True, eq=False)
class _Photo:
    """A picture as the generator's images are.

    Attributes:
        pixels: (R, R, 3) uint8.
        square: that was cut out, if one was.
        digest: names the picture.
    """

    pixels: np.ndarray
    square: FaceSquare | None
    digest: str

    def images(self, device: torch.device) -> torch.Tensor:
        """(1, 3, R, R) in [-1, 1]."""
        return torch.from_numpy(self.pixels / 127.5 - 1).float().movedim(2, 0)[None].to(device)


@training_threads()
def invert(  # noqa: PLR0913, its keywords are the interface
    photo: str | os.PathLike | np.ndarray,
    generator: str | os.PathLike | Generator = "mobilestylegan",
    out: str | os.PathLike | None = None,
    settings: InvertSettings | None = None,
    *,
    directions: str | os.PathLike | None = None,
    scorer: str | os.PathLike | Scorer = "default",
    overwrite: bool = False,
    quiet: bool = True,
) -> Inversion:
    """Finds the latents whose image comes nearest to a photograph.

        inversion = vectorfind.invert("me.jpg", generator="mobilestylegan", out="me")

    Goes on where it was stopped, if there is a folder. It then holds `inversion.npz`,
    `inversion.png` and `photo.png`, the photograph as it was inverted, and with directions
    `character.safetensors`, see `vectorfind.Character`.

    Args:
        photo: a picture's file, or (H, W, 3) uint8 RGB.
        generator: see `protocols.resolve_generator`; its `synthesize` must give gradients.
        out: the folder; None to write nothing.
        settings: how; the defaults if not given.
        directions: a file whose first directions are shown on what was found, and whose sliders
            its character gets.
        scorer: the one that those were found with.
        overwrite: replace what the folder holds.
        quiet: tell no progress.

    Raises:
        InputError: the picture cannot be read or has no such face, the generator gives no
            gradients or lacks the layer, or the folder is of something else.
        CheckpointError: a network's file is missing, damaged or foreign.
    """
    settings = settings or InvertSettings()
    pixels, name = _read(photo)
    choose_device(settings.device)
    if out is not None:
        writable_folder(out)
    models, base, plus = _models(generator, settings)
    given = None
    if directions is not None:
        given = load_directions(directions, models.generator, scorer)
        at = dict.fromkeys((base, *(["w+"] if plus else [])))
        choose("layer of directions for an inversion", given.layer, at)
    usual = usual_latents(models, base, settings.samples, settings.seed)
    kind = models.synthesize(usual.latents[:_SHIFTED_BY], base)
    reader = reader_for(kind)
    picture = _photo(pixels, name, settings, reader, kind.shape[-1])
    target = picture.images(kind.device)
    objective = Objective(models, reader, target, usual, settings.weights)
    if not reader.sees_face(objective.look):
        raise InputError(
            f"no face is found in {name}, taken as it is aligned; give another picture, or "
            "--align to have the face cut out"
        )
    found = _Search(objective, usual, settings, base, plus, picture)
    if out is None:
        return found.run(Progress("inversion", found.steps, "steps", quiet))
    places = (FILE, PICTURE, PHOTO, CHARACTER, f"{base}.png", "w+.png")
    with open_folder(out, Claim(CONFIG, found.config(), written=places), overwrite) as work:
        if not work.finished or work.faults:
            _write(work, found, quiet)
            work.finish()
    inversion = found.shown(load_inversion(Path(out) / FILE))
    if given is not None:
        edits = edited_images(inversion, given, models)
        with amend_folder(Path(out)):
            atomic_write(Path(out) / PICTURE, inversion_png(inversion, edits))
            _write_character(Path(out) / CHARACTER, inversion, given, generator, name)
    return inversion


def _write_character(
    path: Path,
    inversion: Inversion,
    directions: Directions,
    generator: str | os.PathLike | Generator,
    name: str,
) -> None:
    """The character of what was found; a warning where it answers no direction."""
    try:
        character = Character.from_latent(
            directions,
            vector=inversion.latents[0],
            layer=inversion.layer,
            label=inversion.label[0],
            generator=generator if isinstance(generator, str | os.PathLike) else "",
            name=Path(name).stem,
            made={"photo": inversion.made_from["photo"]},
        )
    except InputError as error:
        warnings.warn(f"no character is made: {error}", stacklevel=3)
        return
    character.save(path)


class _Search:
    """One photograph's search, all that it needs being there."""

    def __init__(
        self,
        objective: Objective,
        usual: Usual,
        settings: InvertSettings,
        base: str,
        plus: int,
        picture: _Photo,
    ):
        self.objective, self.usual, self.settings = objective, usual, settings
        self.base, self.plus, self.picture = base, plus, picture
        tried, in_w, in_plus = stages(settings.steps, plus > 0)
        self.steps, self._before = 2 * tried + in_w + in_plus, (0, 2 * tried, 2 * tried + in_w)

    def config(self) -> dict[str, Any]:
        """What decides about the result."""
        return {
            "settings": {k: v for k, v in asdict(self.settings).items() if k != "device"},
            "models": {"generator": digest_of(self.objective.models.generator),
                       "reader": self.objective.reader.scorer.digest},
            "photo": self.picture.digest,
        }  # fmt: skip

    def run(
        self,
        progress: Progress,
        keep: Callable[[Mapping[str, np.ndarray]], None] = lambda arrays: None,
        state: State | None = None,
    ) -> Inversion:
        """The inversion, from a state on; `keep` is given the states that it goes through."""
        if state is not None:
            progress.skip(self._before[state.stage] + state.step * len(state.now))
        settings, objective = self.settings, self.objective
        start = lambda: nearest_start(objective, self.usual, settings.starts, self.base)  # noqa: E731
        hooks = (progress.advance, keep)
        state = search(objective, start, (self.base, self.plus), settings, hooks, state)
        return self.inversion(state, finished=True)

    def shown(self, inversion: Inversion) -> Inversion:
        """An inversion from a file, with its images."""
        images = {"photograph": self.picture.images(torch.device("cpu")).numpy()}
        found = {inversion.layer_w: inversion.latents_w, inversion.layer: inversion.latents}
        for layer, latents in found.items():
            images[layer] = self.objective.models.synthesize(latents, layer).cpu().numpy()
        return replace(inversion, images=images)

    def inversion(self, state: State, finished: bool) -> Inversion:
        """What a search has found."""
        generator, photo = self.objective.models.generator, self.picture
        found = {self.base: state.w if state.w.size else state.best[[int(np.argmin(state.least))]]}
        if state.stage == 2:
            found["w+"] = state.best
        distances, images = {}, {"photograph": photo.images(torch.device("cpu")).numpy()}
        for layer, deviations in found.items() if finished else ():
            distances[layer], images[layer] = measured(
                self.objective, self.usual, deviations, layer, self.base
            )
        with torch.inference_mode():
            device = self.objective.mean.device
            latents = {
                layer: self.objective.vectors(torch.from_numpy(each).to(device)).cpu().numpy()
                for layer, each in found.items()
            }
        layer = list(found)[-1]
        names = ("psi", "trunc_layers", "size")
        square = photo.square and photo.square.corners.round(3).tolist()
        return Inversion(
            latents[layer], layer, latents[self.base], self.base,
            np.zeros((1, generator.label_dim), np.float32), digest_of(generator),
            {name: getattr(generator, name, None) for name in names}, distances,
            {"photo": photo.digest, "square": square, "reader": self.objective.reader.name,
             "settings": asdict(self.settings), "finished": finished}, images,
        )  # fmt: skip


def _write(work: Work, found: _Search, quiet: bool) -> None:
    """The search, and its files."""
    kept = work.on_the_way(STATE) / "state.npz"
    photograph = found.picture.images(torch.device("cpu"))
    atomic_write(work.folder / PHOTO, encoded(to_pixels(photograph[0])))
    if work.finished and work.whole(FILE):  # a picture alone is missing
        inversion = found.shown(load_inversion(work.folder / FILE))
    else:
        progress = Progress("inversion", found.steps, "steps", quiet)
        with _best_on_a_stop(work, found, kept):
            keep = partial(write_npz, kept, _KIND, metadata={})
            inversion = found.run(progress, keep, _kept(kept))
        inversion.save(work.folder / FILE)
    atomic_write(work.folder / PICTURE, inversion_png(inversion, {}))
    for layer in inversion.distances:
        atomic_write(work.folder / f"{layer}.png", encoded(to_pixels(inversion.images[layer][0])))
    kept.unlink(missing_ok=True)


@contextmanager
def _best_on_a_stop(work: Work, found: _Search, kept: Path):
    """Where the work is stopped, the best latents so far are written, without distances."""
    try:
        yield
    except BaseException:
        state = _kept(kept)
        if state is not None:
            found.inversion(state, finished=False).save(work.folder / FILE)
        raise


def _kept(path: Path) -> State | None:
    """The state in a file; None where there is none that is whole."""
    try:
        return State.of(read_npz(path, _KIND)[0])
    except (CheckpointError, KeyError, TypeError, ValueError):
        return None


def _models(
    generator: str | os.PathLike | Generator, settings: InvertSettings
) -> tuple[Models, str, int]:
    """The generator, the layer where w enters, and how many layers w+ has; 0 for w alone."""
    size = settings.size
    if (
        size is None
        and isinstance(generator, str)
        and split_name(generator)[0] == (MOBILESTYLEGAN.name)
    ):
        size = SEVERAL_SIZES
    how = {"psi": settings.psi, "trunc_layers": settings.trunc_layers, "size": size}
    how = {name: value for name, value in how.items() if value is not None}
    models = Models(resolve_generator(generator, settings.device, **how), Unscored())
    base = models.last_layer
    wanted = settings.layer or ("w+" if _has_plus(models.generator) else base)
    if wanted not in LAYERS or wanted == base:
        return models, base, 0
    models = models.with_layer(wanted)
    count = models.generator.layers[wanted] // models.generator.layers[base]
    return models, base, count if wanted == "w+" and count > 1 else 0


def _has_plus(generator: Generator) -> bool:
    return "w+" in (*generator.layers, *getattr(generator, "available_layers", ()))


def _read(photo: str | os.PathLike | np.ndarray) -> tuple[np.ndarray, str]:
    """Pixels (H, W, 3) uint8, and what errors call them."""
    if isinstance(photo, str | os.PathLike):
        return read_image(photo), os.fspath(photo)
    pixels = np.asarray(photo)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise InputError(
            f"the picture is {pixels.dtype} of shape {pixels.shape}; give (H, W, 3) uint8, or a "
            "file's path"
        )
    return pixels, "the picture"


def _photo(
    pixels: np.ndarray, name: str, settings: InvertSettings, reader: Reader, size: int
) -> _Photo:
    """The picture as the generator's images are, its face cut out if that is wanted."""
    digest, align = bytes_digest(str(pixels.shape).encode() + pixels.tobytes()), settings.align
    if align is None:
        align = reader.name != DEFAULT and fetched_path(LANDMARKS).is_file()
    if align:
        square = find_face(pixels, settings.face, name, device_of(reader.scorer))
        return _Photo(cut_face(pixels, square, size), square, digest)
    height, width = pixels.shape[:2]
    if height != width:
        raise InputError(
            f"{name} has {width} x {height} pixels; give a square picture, whose face is where "
            "the generator's are, or --align"
        )
    whole = Image.fromarray(pixels)
    if width != size:
        whole = whole.resize((size, size), Image.Resampling.LANCZOS)
    return _Photo(np.asarray(whole), None, digest)
