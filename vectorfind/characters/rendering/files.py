"""Characters as files: a picture, an animation of a script, or its frames."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from property_cnn.common.checks import Number, check_names, choose
from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write
from property_cnn.common.folders import writable_folder
from property_cnn.common.progress import Progress, size_text
from property_cnn.common.prompt import extra_module
from property_cnn.pictures import encoded
from vectorfind.characters.character import DYE, load_character
from vectorfind.characters.pictures import SHEETS
from vectorfind.characters.rendering.animation import write_gif, write_mp4
from vectorfind.characters.rendering.scripts import read_script, script_frames
from vectorfind.characters.settings import BETWEEN, FASTEST, LINEAR, MOST_BYTES, RATE, SLOWEST
from vectorfind.models.protocols import Generator

GIF, MP4 = ".gif", ".mp4"

MOST_RATE = 240.0
"""Most frames a second of a film."""


def write_render(  # noqa: PLR0913 - public, its keywords are the interface
    character: str | os.PathLike,
    out: str | os.PathLike,
    values: Mapping[str, float] | None = None,
    script: str | os.PathLike | None = None,
    between: str = LINEAR,
    rate: float = RATE,
    generator: str | os.PathLike | Generator | None = None,
    size: int | None = None,
    device: str | None = None,
    quiet: bool = False,
) -> list[Path]:
    """Draws a character, or what it does in a script; returns the files.

    Args:
        character: its file.
        out: of a still a .png, .jpg, .jpeg or .webp; of a script a .gif, an .mp4, or a folder for
            one PNG a frame.
        values: sliders and parameters of the dye, as `Character.render` takes them; in a script
            those that it does not tell.
        script: a CSV, see `vectorfind.characters.rendering.scripts.read_script`.
        between: one of `vectorfind.characters.settings.BETWEEN`.
        rate: frames a second.
        generator, size, device: see `load_character`.
        quiet: show no progress.

    Raises:
        InputError: a value, the script or the file's name is not allowed.
        CheckpointError: the character or its generator is missing, damaged or foreign.
        MissingError: a film is wanted, and the extra `video` is not installed.
    """
    out, values = Path(out), dict(values or {})
    end = out.suffix.lower()
    _check_asked(out, script is not None, between, rate)
    drawn = load_character(character, generator, size, device)
    allowed = (*drawn.properties, *DYE)
    check_names("slider", tuple(values), allowed)
    if script is None:
        writable_folder(out.parent)
        atomic_write(out, encoded(drawn.render(**values), SHEETS[end]))
        return [out]
    rows = script_frames(read_script(script, allowed), rate, between)
    rows = [values | row for row in rows]
    writable_folder(out.parent if end in (GIF, MP4) else out)
    told = Progress("drawing", len(rows), "frames", quiet)

    def frames() -> Iterator[np.ndarray]:
        for frame in drawn.stream().frames(rows):
            yield frame
            told.advance(1)

    if end == MP4:
        write_mp4(frames(), out, rate)
        return [out]
    if end == GIF:
        write_gif(_held(frames(), len(rows)), out, rate)
        return [out]
    paths = []
    for number, frame in enumerate(frames()):
        paths.append(out / f"frame_{number:05d}.png")
        atomic_write(paths[-1], encoded(frame))
    return paths


def _check_asked(out: Path, moves: bool, between: str, rate: float) -> None:
    """Raises InputError for what can be told to be wrong before a network is loaded."""
    end = out.suffix.lower()
    choose("between", between, BETWEEN)
    if not moves and end not in SHEETS:
        raise InputError(f"{out}: a picture ends in {', '.join(SHEETS)}; name one that does")
    if moves and end in SHEETS:
        raise InputError(f"{out}: a script becomes a {GIF}, an {MP4} or a folder of frames")
    Number(SLOWEST, FASTEST if end == GIF else MOST_RATE).check("frames a second", rate)
    if moves and end == MP4:
        extra_module("imageio_ffmpeg", "video")


def _held(frames: Iterator[np.ndarray], count: int) -> np.ndarray:
    """All frames (T, H, W, 3) at once, as a GIF's palette needs them.

    Raises:
        InputError: they are too many.
    """
    kept = []
    for frame in frames:
        size = frame.nbytes * count
        if size > MOST_BYTES:
            raise InputError(
                f"{count:,} frames take {size_text(size)} of memory, at most "
                f"{size_text(MOST_BYTES)} fit in a GIF; write an {MP4}, or a lower rate"
            )
        kept.append(frame.copy())
    return np.stack(kept)
