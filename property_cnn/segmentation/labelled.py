"""Images with label maps of any classes: read from folders, and parted into folds."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from PIL import Image

from property_cnn.common.checks import Number, Whole, check_count, checked, choose
from property_cnn.common.errors import InputError
from property_cnn.common.streams import FOLDS, random_stream
from property_cnn.pictures import SUFFIXES, read_image, read_labels
from property_cnn.segmentation.settings import FOLD_BY, IGNORED

_TOLD = 3  # files that an error names


@dataclass(frozen=True)
class Classes:
    """What pixels are told apart as.

    Attributes:
        names: of the classes 0, 1, ….
        palette: (r, g, b) of each, 0 … 255.
        ignore: the label of pixels that do not count.

    Raises:
        InputError: fewer than 2 or more than 255 classes, a name twice, a palette of another
            length or of what is no colour, or an `ignore` that is a class or beyond 255.
    """

    names: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...] = ()
    ignore: int = IGNORED

    def __post_init__(self) -> None:
        names = tuple(name.strip() for name in checked("names", self.names, tuple[str, ...]))
        object.__setattr__(self, "names", names)
        if not 2 <= len(names) <= IGNORED or "" in names or len(set(names)) < len(names):
            raise InputError(f"{len(names)} classes; give 2 to {IGNORED} different names")
        object.__setattr__(self, "ignore", Whole(0, IGNORED).check("ignore", self.ignore))
        if self.ignore < len(names):
            raise InputError(f"ignore {self.ignore} is the class {names[self.ignore]}")
        palette = tuple(map(_colour, self.palette)) or colours(len(names))
        if len(palette) != len(names):
            raise InputError(f"{len(palette)} colours for {len(names)} classes; give one each")
        object.__setattr__(self, "palette", palette)

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def numbered(cls, count: int) -> Classes:
        """Classes without names of their own: "class 0", "class 1", …."""
        return cls(tuple(f"class {number}" for number in range(count)))


def _colour(given: Sequence[int]) -> tuple[int, ...]:
    colour = checked("a colour", given, tuple[Annotated[int, Whole(0, 255)], ...])
    if len(colour) != 3:
        raise InputError(f"the colour {colour} has {len(colour)} parts; give red, green and blue")
    return colour


def colours(count: int) -> tuple[tuple[int, int, int], ...]:
    """Colours (r, g, b) that can be told apart: hues by the golden ratio, in three brightnesses."""
    import colorsys

    hues = [(0.6 + 0.618034 * index) % 1 for index in range(count)]
    made = [
        colorsys.hsv_to_rgb(hue, 0.75, (0.95, 0.7, 0.5)[index % 3])
        for index, hue in enumerate(hues)
    ]
    return tuple(tuple(round(255 * part) for part in colour) for colour in made)


class LabelledImages:
    """Images of one folder and label maps of the same names, but for the suffix, in another.

    Label maps are 8-bit pictures whose values (or palette indices) are class numbers. Everything
    is read when it is needed.

    Args:
        images: folder of pictures.
        labels: folder of label maps, as .png.
        classes: what the labels mean.
        resize: longer side that images and maps are made smaller to; None to leave them.

    Attributes:
        names: of the images, without suffix, sorted.
        files: paths of all pictures and of all label maps, in the order of the names.
        digest: text that names the files by their names and sizes, and how they are read.

    Raises:
        InputError: a folder is missing, an image has no label map or a map no image, a name
            stands twice, or there are no images.
    """

    def __init__(
        self,
        images: str | Path,
        labels: str | Path,
        classes: Classes,
        resize: int | None = None,
    ):
        if resize is not None:
            check_count("resize", resize)
        images, labels = Path(images), Path(labels)
        for folder in (images, labels):
            if not folder.is_dir():
                raise InputError(f"no folder {folder}; give one with pictures")
        pictures = sorted(p for p in images.iterdir() if p.suffix.lower() in SUFFIXES)
        answers = sorted(p for p in labels.iterdir() if p.suffix.lower() == ".png")
        _check_names(images, "pictures", pictures)
        _check_names(labels, "label maps", answers)
        maps = {path.stem: path for path in answers}
        self.names = tuple(path.stem for path in pictures)
        if not pictures:
            raise InputError(f"no pictures in {images}; they end in {', '.join(SUFFIXES)}")
        for lacking, where in (
            ([name for name in self.names if name not in maps], labels),
            (sorted(maps.keys() - set(self.names)), images),
        ):
            if lacking:
                raise InputError(
                    f"no {_listed(lacking)} in {where}; every image needs a label map of its name "
                    "as .png, and every map an image"
                )
        self.classes, self.resize = classes, resize
        self._pictures, self._maps = pictures, [maps[name] for name in self.names]
        self.files = (*self._pictures, *self._maps)
        self.digest = f"labelled {files_digest(self.files, classes.names, classes.ignore, resize)}"

    def __len__(self) -> int:
        return len(self.names)

    def read(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """An image (H, W, 3) uint8, and its labels (H, W) uint8, 255 where none counts.

        Raises:
            InputError: a file is damaged, the sizes differ, or a label is no class.
        """
        picture, labels = read_image(self._pictures[row]), read_labels(self._maps[row])
        if picture.shape[:2] != labels.shape:
            raise InputError(
                f"{self._maps[row]} is {labels.shape[1]} × {labels.shape[0]}, its image "
                f"{picture.shape[1]} × {picture.shape[0]}; make them one size"
            )
        ignored = labels == self.classes.ignore
        beyond = np.unique(labels[(labels >= len(self.classes)) & ~ignored])
        if len(beyond):
            raise InputError(
                f"{self._maps[row]} has the label {beyond[0]}; give classes 0 … "
                f"{len(self.classes) - 1}, or {self.classes.ignore} for pixels that do not count"
            )
        labels[ignored] = IGNORED
        return self._resized(picture, labels)

    def pixels(self) -> np.ndarray:
        """(n, C) pixels of each class in each image; reads and so checks every file once."""
        counts = np.zeros((len(self), len(self.classes)), np.int64)
        for row in range(len(self)):
            labels = self.read(row)[1]
            counts[row] = np.bincount(labels.ravel(), minlength=256)[: len(self.classes)]
        return counts

    def _resized(self, picture: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        longer = max(labels.shape)
        if self.resize is None or longer <= self.resize:
            return picture, labels
        size = tuple(max(1, round(side * self.resize / longer)) for side in labels.shape[::-1])
        return resized(picture, labels, size)


class Fold(NamedTuple):
    """Row numbers of one fold's parts.

    Attributes:
        train: to train on.
        held: left out of training to weigh the teacher by, see `trust`.
        test: to measure on.
    """

    train: np.ndarray
    held: np.ndarray
    test: np.ndarray


def resized(
    picture: np.ndarray, labels: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """An image and its labels at another (width, height): smoothly, and of the nearest pixels."""
    smooth = Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR)
    near = Image.fromarray(labels).resize(size, Image.Resampling.NEAREST)
    return np.asarray(smooth), np.asarray(near)


def files_digest(files: Sequence[Path], *read: object) -> str:
    """16 hexadecimal digits that name files by their names and sizes, and how they are read."""
    stamp = hashlib.sha256(repr(read).encode())
    for path in files:
        stamp.update(f"{path.name} {path.stat().st_size}\n".encode())
    return stamp.hexdigest()[:16]


def spread(rows: np.ndarray, count: int) -> np.ndarray:
    """At most `count` of the rows, evenly spread, the first and the last among them."""
    places = np.linspace(0, len(rows) - 1, min(count, len(rows)))
    return rows[np.unique(places.round().astype(int))]


def make_folds(
    names: Sequence[str],
    count: int,
    by: str = "frame",
    sequences: Mapping[str, str] | None = None,
    held: float = 0.1,
    seed: int = 0,
) -> list[Fold]:
    """Parts images into folds; each is tested on once, by networks trained on all others.

    Args:
        names: of the images.
        count: of the folds, at least 2.
        by: "frame" deals single images out; "sequence" whole sequences, the largest first, each
            to the smallest fold, so that no neighbour of a test image is trained on.
        sequences: name -> sequence, of every image; for "sequence".
        held: share of the other folds' images that is left out of training, at least 0, below 1.
        seed: fixes the dealing of frames, and what is left out.

    Raises:
        InputError: a fold would be empty, or an image has no sequence.
    """
    check_count("folds", count, 2)
    choose("folds by", by, FOLD_BY)
    if by == "frame":
        order = random_stream(seed, FOLDS, "frames").permutation(len(names))
        numbers = np.empty(len(names), np.int64)
        numbers[order] = np.arange(len(names)) % count
    else:
        numbers = _dealt(names, count, sequences or {})
    return [_fold(numbers, fold, held, seed) for fold in range(count)]


def split_by_list(
    names: Sequence[str], parts: Mapping[str, str], held: float = 0.1, seed: int = 0
) -> Fold:
    """One split by a list: name -> "train" or "test"; names of another part are left out.

    Raises:
        InputError: a part would be empty, or the list names an image that is not there.
    """
    unknown = sorted(parts.keys() - set(names))
    if unknown:
        raise InputError(f"the list names {_listed(unknown)}, which is no image; correct it")
    numbers = np.array([{"test": 0, "train": 1}.get(parts.get(name), -1) for name in names])
    return _fold(numbers, 0, held, seed)


def _dealt(names: Sequence[str], count: int, sequences: Mapping[str, str]) -> np.ndarray:
    lacking = [name for name in names if name not in sequences]
    if lacking:
        raise InputError(f"no sequence is told of {_listed(lacking)}; name one of every image")
    sizes: dict[str, int] = {}
    for name in names:
        sizes[sequences[name]] = sizes.get(sequences[name], 0) + 1
    filled = [0] * count
    fold_of = {}
    for sequence in sorted(sizes, key=lambda each: (-sizes[each], each)):
        fold_of[sequence] = filled.index(min(filled))
        filled[fold_of[sequence]] += sizes[sequence]
    return np.array([fold_of[sequences[name]] for name in names])


def _fold(numbers: np.ndarray, fold: int, held: float, seed: int) -> Fold:
    test = np.flatnonzero(numbers == fold)
    others = np.flatnonzero((numbers != fold) & (numbers >= 0))
    if not len(test) or len(others) < 2:
        raise InputError(
            f"fold {fold + 1} has {len(test)} images to test on and {len(others)} others; need "
            "some of both: give more images or sequences, or fewer folds"
        )
    held = Number(0, 1, below=True).check("held", held)
    share = min(len(others) - 1, max(round(held * len(others)), 1 if held else 0))
    chosen = random_stream(seed, FOLDS, "held", fold).permutation(len(others))[:share]
    out = np.zeros(len(others), bool)
    out[chosen] = True
    return Fold(others[~out], others[out], test)


def _check_names(folder: Path, what: str, paths: Sequence[Path]) -> None:
    counts = Counter(path.stem for path in paths)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise InputError(f"{folder} has several {what} named {_listed(twice)}; keep one each")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return ", ".join(names[:_TOLD]) + more
