"""Edited images as files: a sheet, one file an image, an animation; with dyed hair if asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from property_cnn.common.arrays import read_arrays
from property_cnn.common.checks import MOST_STRENGTH, check_names, check_within, named_once
from property_cnn.common.devices import choose_device
from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write
from property_cnn.common.folders import writable_folder
from property_cnn.common.progress import size_text
from property_cnn.common.streams import CASES
from property_cnn.common.tasks import one_thread
from property_cnn.hair.ombre import ombre
from property_cnn.hair.segmenter import HairSegmenter
from property_cnn.pictures import SUFFIXES, encoded
from reports.plots.images import tile, to_pixels
from vectorfind.characters.rendering.animation import (
    check_animation,
    sweep_frames,
    sweep_of,
    write_gif,
)
from vectorfind.characters.settings import (
    MOST_BYTES,
    OMBRE,
    OMBRE_DEFAULTS,
    EditSettings,
)
from vectorfind.directions.directed import DirectedFaces
from vectorfind.directions.directions import Directions, load_directions
from vectorfind.models.segmenters import segmenter_for
from vectorfind.sampling.latents import mapped_latents

SHEETS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
"""Ends of a sheet's name, and its format."""


@dataclass(frozen=True)
class Look:
    """What is done to the faces.

    Attributes:
        strengths: property -> strength.
        ombre: parameters of the dye, see `OMBRE`; {} for none. Those left out are the defaults.
        by, to: targets in the scorer's units, see `Directions.edit`.
    """

    strengths: Mapping[str, float]
    ombre: Mapping[str, float]
    by: Mapping[str, float] = field(default_factory=dict)
    to: Mapping[str, float] = field(default_factory=dict)

    @property
    def moved(self) -> dict[str, float]:
        """What is changed of the face: property -> strength, change or end."""
        return {**self.strengths, **self.by, **self.to}

    def at(self, values: Mapping[str, float]) -> Look:
        """The same with some values replaced, named as on the command line."""
        dye = {name: value for name, value in values.items() if name in OMBRE}
        moved = {name: value for name, value in values.items() if name not in OMBRE}
        return replace(self, strengths={**self.strengths, **moved}, ombre={**self.ombre, **dye})


@one_thread()
def write_edits(  # noqa: PLR0913 - a public function whose keywords are the interface
    directions_path: str | os.PathLike,
    out: str | os.PathLike | None,
    look: Look,
    animation: str | os.PathLike | None = None,
    sweeps: Sequence[str] = (),
    frames: int = EditSettings.frames,
    rate: float = EditSettings.rate,
    latents: str | os.PathLike | None = None,
    seed: int = EditSettings.seed,
    count: int = EditSettings.count,
    generator: str | os.PathLike = "default",
    scorer: str | os.PathLike = "default",
    device: str | None = None,
    size: int | None = None,
    conditions: Mapping[str, Sequence[str]] | None = None,
    steps: int | None = EditSettings.steps,
    target: bool = EditSettings.target,
) -> list[Path]:
    """Edits images and writes them as PNG, or as an animated GIF, or both; returns the files.

    Args:
        directions_path: the .npz of directions.
        out: a path that ends in .png, .jpg, .jpeg or .webp takes one sheet of that format,
            unedited images above edited ones; any other is a folder for one PNG an edited image,
            in the generator's own size. None for none of these.
        look: what is done to the faces.
        animation: path of a .gif that goes there and back.
        sweeps: what changes in it, each as NAME=FROM:TO, of properties or of the dye's parameters
            as in `OMBRE`; if none is given, all that `look` sets rises from 0 to there.
        frames: of the way there.
        rate: frames a second.
        latents: .npz with z (N, z_dim) and label (N, label_dim), e.g. a run's latents.npz; its
            first `count` rows are taken. None to draw them.
        seed: of drawn latents; they are those of the test's cases under the same seed.
        count: how many images.
        generator, scorer, device: the networks that the directions were found on.
        size: side of the images in pixels, of a generator that makes several.
        conditions: property -> others that its direction shall leave alone, see
            `Directions.conditioned`.
        steps, target: of each edit, see `Directions.edit`.

    Raises:
        InputError: unknown property, a dye parameter outside [0, 1], or latents of another size.
        CheckpointError: a file is missing, damaged or foreign.
    """
    settings = EditSettings(count, seed, frames, rate, size, steps, target)
    if animation is not None and not sweeps:
        given = {**look.strengths, **look.ombre}
        sweeps = [f"{name}=0:{value}" for name, value in given.items()]
    swept = named_once("sweep", [sweep_of(text, settings.frames) for text in sweeps])
    _check_asked(out, look, animation, swept)
    choose_device(device)
    files = [Path(path) for path in (out, animation) if path is not None]
    for path in files:
        writable_folder(path.parent if path.suffix.lower() in (*SHEETS, ".gif") else path)
    directions = load_directions(directions_path, generator, scorer, device, size=size)
    directions = directions.conditioned(conditions or {})
    names = [*look.moved, *(name for name in swept if name not in OMBRE)]
    check_names("property to edit", tuple(dict.fromkeys(names)), directions.properties)
    dyed = bool(look.ombre) or any(name in OMBRE for name in swept)
    segmenter = segmenter_for(directions.models.generator) if dyed else None
    z, label = _latents(directions, latents, settings)
    _check_memory(directions, z, label, 2 * settings.frames - 2 if animation is not None else 1)
    faces = DyedFaces(directions.at(z, label), segmenter, steps, target)
    written = []
    if out is not None:
        written += _write_pictures(Path(out), faces, look)
    if animation is not None:
        values = [dict(zip(swept, row, strict=True)) for row in zip(*swept.values(), strict=True)]
        first = [values.index(each) for each in values]  # the way back shows the same frames
        pictures = sweep_frames(lambda number: faces.images(look.at(values[number])), first)
        write_gif(pictures, animation, settings.rate)
        written.append(Path(animation))
    return written


class DyedFaces:
    """Faces whose images are wanted in many looks; what stays the same is made once.

    Args:
        faces: whose directions are found once.
        segmenter: finds the hair that is dyed; None where no look has a dye.
        steps, target: of each edit, see `Directions.edit`.
    """

    def __init__(
        self,
        faces: DirectedFaces,
        segmenter: HairSegmenter | None,
        steps: int | None = EditSettings.steps,
        target: bool = EditSettings.target,
    ):
        self._how = {"steps": steps, "target": target}
        self._faces, self._segmenter = faces, segmenter
        self._last: tuple[Look, torch.Tensor, torch.Tensor | None] | None = None

    @one_thread()
    def images(self, look: Look) -> torch.Tensor:
        """(N, 3, H, W) in [-1, 1]."""
        undyed = replace(look, ombre={})
        if self._last is None or self._last[0] != undyed:
            images = self._faces.edit(by=look.by, to=look.to, **self._how, **look.strengths)
            masks = None if self._segmenter is None else self._segmenter(images)
            self._last = undyed, images, masks
        _, images, masks = self._last
        if not look.ombre:
            return images
        dye = OMBRE_DEFAULTS | dict(look.ombre)
        return ombre(images, masks, **{OMBRE[name]: value for name, value in dye.items()})


def _write_pictures(out: Path, faces: DyedFaces, look: Look) -> list[Path]:
    edited = faces.images(look).cpu().numpy()
    if out.suffix.lower() in SHEETS:
        unedited = faces.images(Look({}, {})).cpu().numpy()
        sheet = tile(np.stack([unedited, edited]))
        atomic_write(out, encoded(sheet, SHEETS[out.suffix.lower()]))
        return [out]
    paths = [out / f"edited_{index:04d}.png" for index in range(len(edited))]
    for path, pixels in zip(paths, to_pixels(edited), strict=True):
        atomic_write(path, encoded(pixels))
    return paths


def _check_asked(
    out: str | os.PathLike | None,
    look: Look,
    animation: str | os.PathLike | None,
    sweeps: Mapping[str, Sequence[float]],
) -> None:
    """Raises InputError for what can be told to be wrong before any network is loaded."""
    if out is None and animation is None:
        raise InputError("nowhere to write; give --out, --animate or both")
    _check_format(out)
    if animation is not None:
        check_animation(animation)
        if not sweeps:
            raise InputError("nothing to animate; give strengths, or --sweep mouth=-1.8:1.8")
    elif sweeps:
        raise InputError(f"a sweep of {', '.join(sweeps)} needs --animate FILE.gif")
    elif not look.moved and not look.ombre:
        raise InputError("nothing to edit; give strengths or parameters of the ombre dye")
    check_names("ombre parameter", tuple(look.ombre), tuple(OMBRE))
    values = {name: (value,) for name, value in look.ombre.items()}
    values |= {name: tuple(sweep) for name, sweep in sweeps.items() if name in OMBRE}
    for name, each in values.items():
        for value in each:
            check_within(name, value)
    moved = {name: (value,) for name, value in look.moved.items()}
    moved |= {name: tuple(sweep) for name, sweep in sweeps.items() if name not in OMBRE}
    for name, each in moved.items():
        for value in each:
            check_within(f"strength of {name}", value, -MOST_STRENGTH, MOST_STRENGTH)


def _check_memory(directions: Directions, z: np.ndarray, label: np.ndarray, frames: int) -> None:
    """Raises InputError where all images, or an animation's frames of them, are too large."""
    pixels = directions.edit(z[:1], label[:1]).numel() * len(z)
    size = pixels * max(4, frames)  # 4 bytes a value of an image, one of a frame's
    if size > MOST_BYTES:
        raise InputError(
            f"{len(z):,} images take {size_text(size)} of memory, at most "
            f"{size_text(MOST_BYTES)} are made at once; give a smaller count, or fewer frames"
        )


def _check_format(out: str | os.PathLike | None) -> None:
    suffix = "" if out is None else Path(out).suffix.lower()
    if suffix in (*SUFFIXES, ".gif", ".avif") and suffix not in SHEETS:
        raise InputError(f"{out}: a sheet ends in {', '.join(SHEETS)}; name one that does")


def _latents(
    directions: Directions, path: str | os.PathLike | None, settings: EditSettings
) -> tuple[np.ndarray, np.ndarray]:
    models, count = directions.models, settings.count
    if path is None:
        z, label, _ = mapped_latents(models, settings.seed, CASES, count, layers=())
        return z, label
    arrays = read_arrays(path, ("z", "label"))
    z, label = arrays["z"][:count], arrays["label"][:count]
    needed = (models.generator.z_dim, models.generator.label_dim)
    if z.ndim != 2 or label.ndim != 2 or (z.shape[1], label.shape[1]) != needed:
        raise InputError(
            f"{path} holds z {z.shape} and label {label.shape}; this generator needs "
            f"(N, {needed[0]}) and (N, {needed[1]})"
        )
    return z, label
