"""Picture files of any kind, read as 8-bit arrays and made of them; damaged ones are refused.

Networks take and give images in [-1, 1]: `to_tensor` and `from_bytes` make them of 8 bits, and
`to_bytes` 8 bits of them.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from property_cnn.common.errors import InputError
from property_cnn.common.files import is_file, reading

if TYPE_CHECKING:
    from torch import Tensor

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
"""Ends of the names of files that are taken for pictures."""

MOST_PIXELS = 64_000_000
"""Most pixels of a picture, told by its header before they are decoded."""

_QUALITY = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}

_ORIENTATION = 0x0112  # tag of EXIF

_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""Brands of files of HEIC, as phones write them."""

_DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")  # modes with more than 8 bits a pixel
_WARNINGS = threading.Lock()  # filters of warnings are the process's


def read_image(path: str | os.PathLike) -> np.ndarray:
    """A picture (H, W, 3) uint8 RGB, turned upright as its EXIF data say.

    Grey becomes RGB; 16-bit grey is scaled to 8 bits; what is transparent is laid on white.

    Raises:
        InputError: there is no such file, or it is no whole picture.
    """
    with _opened(path) as picture:
        if picture.mode in _DEEP:
            return _shallow(picture, path)
        picture = _upright(picture, path)
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return np.asarray(picture.convert("RGB"))


def read_labels(path: str | os.PathLike) -> np.ndarray:
    """A label map (H, W) uint8: the values of a grey picture, or the indices of one with a palette.

    Raises:
        InputError: the file is missing or damaged, or has colours instead of labels.
    """
    with _opened(path) as picture:
        if picture.mode not in ("L", "P"):
            raise InputError(
                f"{path} is a {picture.mode} picture; label maps are 8-bit grey or have a palette"
            )
        return np.array(picture, dtype=np.uint8)


@contextmanager
def _opened(path: str | os.PathLike) -> Iterator[Image.Image]:
    """The picture, decoded; its file is closed afterwards, also where it holds more of them."""
    with _header(path) as picture:
        try:
            with _quiet():
                picture.getexif().get(_ORIENTATION)  # read now: it warns when it is read
            picture.load()
        except Exception as error:  # decoders have their own
            raise _damaged(path, error) from error
        yield picture


def _upright(picture: Image.Image, path: str | os.PathLike) -> Image.Image:
    try:
        with _quiet():
            return ImageOps.exif_transpose(picture)
    except Exception as error:  # whatever damaged EXIF data lead to, struct's own among it
        raise InputError(
            f"{path} has damaged EXIF data, so which side is up is not known; save it again"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Pillow's warnings, of damage that it makes nothing of or of sizes above its limit."""
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _header(path: str | os.PathLike) -> Image.Image:
    """The picture, not yet decoded, if it may be."""
    if not is_file(path):
        raise InputError(f"no file {path}; give the path of a picture")
    try:
        with _quiet():
            picture = Image.open(path)
    except Image.DecompressionBombError as error:
        raise InputError(
            f"{path} is larger than {MOST_PIXELS:,} pixels; make it smaller"
        ) from error
    except UnidentifiedImageError as error:
        if _is_heic(path):
            raise InputError(f"{path} is a HEIC; save it as JPEG or PNG") from error
        raise InputError(f"{path} is no picture that can be read") from error
    except Exception as error:  # decoders have their own
        raise _damaged(path, error) from error
    width, height = picture.size
    if width * height > MOST_PIXELS:
        picture.close()
        raise InputError(
            f"{path} has {width} x {height} pixels, at most {MOST_PIXELS:,} are read; "
            "make it smaller"
        )
    return picture


def _is_heic(path: str | os.PathLike) -> bool:
    with reading(path), open(path, "rb") as file:
        start = file.read(12)
    return start[4:8] == b"ftyp" and start[8:] in _HEIC


def _damaged(path: str | os.PathLike, error: Exception) -> InputError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else "damaged"
    return InputError(f"{path} is no whole picture ({reason}); make or copy it again")


def _shallow(picture: Image.Image, path: str | os.PathLike) -> np.ndarray:
    """8-bit RGB of a grey picture with 16 bits, or more when they hold 16-bit values."""
    values = np.asarray(picture).astype(np.float64)
    if picture.mode == "F" or values.min() < 0 or values.max() > 65_535:
        raise InputError(f"{path} has values outside 0 … 65535; save it with 8 or 16 bits")
    grey = np.rint(values / 257).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def encoded(
    pixels: np.ndarray,
    form: str = "PNG",
    palette: Sequence[Sequence[int]] = (),
    quick: bool = False,
) -> bytes:
    """Pixels as the bytes of a picture file.

    Args:
        pixels: uint8, (H, W, 3) RGB or (H, W) grey.
        form: "PNG", "JPEG" (of quality 95) or "WEBP" (lossless).
        palette: (r, g, b) of the values 0, 1, … of grey pixels, 0 … 255; for PNG.
        quick: pack a PNG in less time, to a little more bytes.
    """
    picture, buffer = Image.fromarray(pixels), BytesIO()
    if len(palette):
        picture.putpalette([part for colour in palette for part in colour])
    options = {"compress_level": 1} if quick else _QUALITY.get(form, {})
    picture.save(buffer, format=form, **options)
    return buffer.getvalue()


def to_tensor(pictures: np.ndarray) -> Tensor:
    """Pictures (N, H, W, 3) uint8 as images (N, 3, H, W) float32 in [-1, 1]."""
    import torch

    return from_bytes(torch.tensor(pictures).movedim(-1, 1))


def from_bytes(levels: Tensor) -> Tensor:
    """float32 images in [-1, 1] of uint8 ones."""
    return levels.float().div_(127.5).sub_(1)


def to_bytes(images: Tensor) -> Tensor:
    """uint8 images of images in [-1, 1], rounded to the nearest of 256 levels."""
    return images.add(1).mul(127.5).round().clamp(0, 255).byte()


def reduced(pixels: np.ndarray, longest: int) -> np.ndarray:
    """Pixels (H, W, 3) uint8 with a longer side of at most `longest`, each the mean of several."""
    factor = -(-max(pixels.shape[:2]) // longest)
    return pixels if factor == 1 else np.asarray(Image.fromarray(pixels).reduce(factor))
