"""Animations: frames at a chosen rate as GIF or MP4, and the sweeps of values that they show."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from itertools import chain

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from property_cnn.common.checks import Number
from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_path, atomic_write
from property_cnn.common.prompt import extra_module
from reports.plots.images import tile
from vectorfind.characters.settings import FASTEST, SLOWEST

_COLOURS = 256


def sweep_values(first: float, last: float, frames: int, back: bool = True) -> list[float]:
    """Evenly spaced values from the first to the last, then back again for a seamless loop.

    Args:
        first, last: ends; both are among the values.
        frames: values on the way there, at least 2.
        back: append the way back, without repeating an end.

    Raises:
        InputError: too few frames, or an end that is no number.
    """
    if frames < 2 or not np.isfinite([first, last]).all():
        raise InputError(f"{frames} frames from {first} to {last}; need at least 2 and finite ends")
    values = np.linspace(first, last, frames).tolist()
    return values + values[-2:0:-1] if back else values


def sweep_of(text: str, frames: int) -> tuple[str, list[float]]:
    """Name and values of a sweep that is written as NAME=FROM:TO, e.g. mouth=-1.8:1.8.

    Raises:
        InputError: the text is written otherwise.
    """
    name, _, span = text.partition("=")
    first, _, last = span.partition(":")
    try:
        ends = float(first), float(last)
    except ValueError as error:
        raise InputError(f"sweep {text!r} is not NAME=FROM:TO, as in mouth=-1.8:1.8") from error
    return name.strip(), sweep_values(*ends, frames)


def sweep_frames(render: Callable[[float], Tensor], values: Sequence[float]) -> np.ndarray:
    """Frames (T, height, width, 3) uint8, each a sheet of what `render` gives for a value.

    Args:
        render: value -> images (N, 3, H, W) in [-1, 1], shown side by side.
        values: one a frame; of equal ones the picture is made once.
    """
    sheets: dict[float, np.ndarray] = {}
    for value in values:
        if value not in sheets:
            images = torch.as_tensor(render(value)).detach().float().cpu().numpy()
            sheets[value] = tile(images[None])
    return np.stack([sheets[value] for value in values])


def write_gif(frames: np.ndarray, path: str | os.PathLike, rate: float = 12.0) -> None:
    """Writes an endless animation, atomically; the same frames give the same bytes.

    All frames share one palette of 256 colours, so that what does not move does not flicker.

    Args:
        frames: (T, H, W, 3) uint8.
        path: a file that ends in .gif.
        rate: frames a second, from 0.1 to 50; kept on average, as GIF counts in
            hundredths of a second.

    Raises:
        InputError: the frames have another shape, or the rate is out of range.
    """
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not len(frames):
        raise InputError(f"frames are (T, H, W, 3) uint8, not {frames.dtype} {frames.shape}")
    check_animation(path)
    Number(SLOWEST, FASTEST).check("frames a second", rate)
    some = frames[:: max(1, len(frames) // 8)]
    palette = Image.fromarray(np.concatenate(some)).quantize(_COLOURS, Image.Quantize.MEDIANCUT)
    pictures = [
        Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
        for frame in frames
    ]
    ends = np.rint(np.arange(1, len(frames) + 1) * 100 / rate).astype(int)
    delays = np.diff(ends, prepend=0) * 10  # milliseconds
    buffer = BytesIO()
    pictures[0].save(
        buffer,
        format="GIF",
        save_all=True,
        append_images=pictures[1:],
        duration=delays.tolist(),
        loop=0,
        optimize=False,
        disposal=1,
    )
    atomic_write(path, buffer.getvalue())


def write_mp4(frames: Iterable[np.ndarray], path: str | os.PathLike, rate: float = 25.0) -> None:
    """Writes a film (H.264), atomically, frame by frame as they come.

    Args:
        frames: each (H, W, 3) uint8, all of one size; odd sides lose their last row or column.
        path: a file that ends in .mp4.
        rate: frames a second.

    Raises:
        MissingError: the extra `video` is not installed.
        InputError: there are no frames.
    """
    ffmpeg = extra_module("imageio_ffmpeg", "video")
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise InputError("no frames to make a film of")
    height, width = (side - side % 2 for side in first.shape[:2])
    with atomic_path(path) as temporary:
        film = ffmpeg.write_frames(
            f"{temporary}",
            (width, height),
            fps=rate,
            macro_block_size=2,
            quality=8,
            output_params=["-f", "mp4", "-movflags", "+faststart"],
            ffmpeg_log_level="error",
        )
        film.send(None)
        try:
            for frame in chain([first], frames):
                film.send(np.ascontiguousarray(frame[:height, :width]))
        finally:
            film.close()


def check_animation(path: str | os.PathLike) -> None:
    """Raises InputError if the file's name does not end in .gif."""
    if not os.fspath(path).lower().endswith(".gif"):
        raise InputError(f"animation {path} does not end in .gif; name one that does")
