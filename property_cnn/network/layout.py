"""What a property CNN looks at: its branches with their crops, and the properties of its heads.

The layout for rendered faces is that of the reference system (docs/properties.md), as fractions of
the image's side. `layout_of` makes one from boxes of where properties are seen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, NamedTuple, Self

from torch import Tensor

from property_cnn.common.checks import Settings, Share, Whole, check_names
from property_cnn.common.errors import InputError


class Crop(NamedTuple):
    """A part of the picture, in fractions of its side."""

    top: float
    bottom: float
    left: float
    right: float

    def of(self, images: Tensor) -> Tensor:
        """The part of (N, C, H, W) images, its borders rounded to whole pixels."""
        height, width = images.shape[-2:]
        rows = slice(round(self.top * height), round(self.bottom * height))
        return images[..., rows, round(self.left * width) : round(self.right * width)]


WHOLE = Crop(0, 1, 0, 1)

GRID, FINE_GRID = 32, 64
"""Borders of the crops of `layout_of` are multiples of one side by the second where it divides the
resolution, else by the first: so they fall between pixels."""

SMALL = 1 / 12
"""Share of the image that a crop of a small feature takes at most, which is seen finely."""

FINE_PIXELS, MOST_PIXELS, ALONE_PIXELS = 4608, 1536, 16_384
"""Of what a branch of `layout_of` sees of a small feature, of more, or alone, which its first
convolution halves; larger crops are halved before, as often as needed."""

CROPS = {
    "eyes": Crop(3 / 8, 9 / 16, 1 / 4, 3 / 4),
    "hair_color": WHOLE,
    "hair_length": Crop(1 / 2, 1, 0, 1),
    "mouth": Crop(5 / 8, 13 / 16, 3 / 8, 5 / 8),
    "pose": Crop(7 / 16, 5 / 8, 11 / 32, 21 / 32),
    "background": Crop(0, 1 / 2, 0, 1),
    "hairstyle_left": Crop(1 / 2, 1, 0, 3 / 8),
    "hairstyle_right": Crop(1 / 2, 1, 5 / 8, 1),
}
"""What each branch for rendered faces sees; the two of hairstyle share a head."""

COARSE = ("hair_color", "hair_length", "background")
"""Branches that look at large areas, and halve them in their first convolution."""

HEADS = {
    "eyes": ("eyes",),
    "hair_color": ("hair_color",),
    "hair_length": ("hair_length",),
    "mouth": ("mouth",),
    "pose": ("pose",),
    "background": ("background_mean", "background_std"),
    "hairstyle": ("hairstyle",),
}
"""The properties that each head gives, in the order of `PROPERTIES`."""


@dataclass(frozen=True)
class BranchSettings(Settings):
    """A branch of a property CNN.

    Attributes:
        name: of its weights.
        crop: what it sees: top, bottom, left, right in fractions of the image's side.
        side: of the images that it is laid out for, in pixels; None for the network's resolution.
        stride: of its first convolution, 2 for large areas.
    """

    name: str
    crop: tuple[Share, ...]
    side: Annotated[int, Whole(1, 4096)] | None = None
    stride: Annotated[int, Whole(1, 2)] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_name("branch", self.name)
        if len(self.crop) != 4 or self.crop[0] >= self.crop[1] or self.crop[2] >= self.crop[3]:
            raise InputError(f"crop {self.crop} of {self.name}; give top < bottom, left < right")

    def pixels(self, resolution: int) -> tuple[int, int]:
        """Height and width of its crop of an image of its side.

        Raises:
            InputError: there is no pixel in it.
        """
        side, crop = self.side or resolution, Crop(*self.crop)
        height, width = (
            round((crop.bottom - crop.top) * side),
            round((crop.right - crop.left) * side),
        )
        if not (height and width):
            raise InputError(f"the crop of {self.name} has no pixel at {side} × {side}")
        return height, width


@dataclass(frozen=True)
class HeadSettings(Settings):
    """A head of a property CNN.

    Attributes:
        name: of its weights.
        properties: that it gives.
        branches: names of those that it reads.
    """

    name: str
    properties: tuple[str, ...]
    branches: tuple[str, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_name("head", self.name)
        if not (self.properties and self.branches):
            raise InputError(f"the head {self.name} needs a property and a branch at least")


def _check_name(what: str, name: str) -> None:
    if not name or "." in name:
        raise InputError(f"a {what} is called {name!r}; its weights are named after it: no dots")


RENDERED_BRANCHES = tuple(
    BranchSettings(name, crop, stride=2 if name in COARSE else 1) for name, crop in CROPS.items()
)
RENDERED_HEADS = tuple(
    HeadSettings(
        head, given, tuple(name for name in CROPS if head in (name, name.rpartition("_")[0]))
    )
    for head, given in HEADS.items()
)


@dataclass(frozen=True)
class NetworkSettings(Settings):
    """Size and layout of a property CNN.

    Attributes:
        resolution: side of the images that the branches are laid out for, a multiple of 32;
            crops of other images are resized to the crops of this side.
        width: channels of a branch's first convolution; later ones have up to four times as many.
        features: size of each head's last hidden layer.
        branches, heads: the layout; that for rendered faces if not given.
    """

    resolution: Annotated[int, Whole(32, 4096)] = 64
    width: Annotated[int, Whole(1, 65_536)] = 16
    features: Annotated[int, Whole(1, 65_536)] = 32
    branches: tuple[BranchSettings, ...] = RENDERED_BRANCHES
    heads: tuple[HeadSettings, ...] = RENDERED_HEADS

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.resolution % GRID:
            raise InputError(f"resolution {self.resolution}; need a multiple of {GRID}")
        if not self.heads:
            raise InputError("a network without heads reads nothing; give one at least")
        names = [branch.name for branch in self.branches]
        check_names("branch", names, names)
        heads = [head.name for head in self.heads]
        check_names("head", heads, heads)
        check_names("property", self.properties, self.properties)
        for head in self.heads:
            check_names(f"branch of the head {head.name}", head.branches, names)
        for branch in self.branches:
            branch.pixels(self.resolution)

    @property
    def properties(self) -> tuple[str, ...]:
        """What the network reads, in the order of its heads."""
        return tuple(name for head in self.heads for name in head.properties)

    def plain(self) -> dict[str, Any]:
        """As JSON holds them, for a checkpoint's metadata; without the layout for rendered faces,
        which older checkpoints do not name.
        """
        values = asdict(self)
        if (self.branches, self.heads) == (RENDERED_BRANCHES, RENDERED_HEADS):
            del values["branches"], values["heads"]
        return values

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """The settings of `plain`.

        Raises:
            InputError, KeyError, TypeError: they are not such.
        """
        values = dict(plain)
        for name, kind in (("branches", BranchSettings), ("heads", HeadSettings)):
            if name in values:
                values[name] = tuple(kind(**each) for each in values[name])
        return cls(**values)


def layout_of(
    properties: Sequence[str],
    boxes: Mapping[str, Crop],
    resolution: int,
    made_of: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[tuple[BranchSettings, ...], tuple[HeadSettings, ...]]:
    """A branch for each box, and one for the whole image that every head reads too.

    Args:
        properties: what the network shall read.
        boxes: property -> where it is seen; the heads of the others read all branches.
        resolution: of the network.
        made_of: property -> those whose branches its head reads, instead of one of its own.
    """
    made_of = made_of or {}
    boxes = {name: box for name, box in boxes.items() if name not in made_of}
    whole = _branch("image", WHOLE, resolution, MOST_PIXELS if boxes else ALONE_PIXELS)
    grid = FINE_GRID if resolution % FINE_GRID == 0 else GRID
    crops = {name: _on_grid(box, grid) for name, box in boxes.items()}
    own = [_branch(name, box, resolution, _most(box)) for name, box in crops.items()]
    seen = {**{name: (name,) for name in boxes}, **made_of}
    heads = [
        HeadSettings(name, (name,), (*seen[name], whole.name))
        for name in properties
        if name in seen
    ]
    rest = tuple(name for name in properties if name not in seen)
    if rest:
        heads.append(HeadSettings("rest", rest, tuple(branch.name for branch in (*own, whole))))
    return (*own, whole), tuple(heads)


def _area(box: Crop) -> float:
    return (box.bottom - box.top) * (box.right - box.left)


def _most(box: Crop) -> int:
    return FINE_PIXELS if _area(box) <= SMALL else MOST_PIXELS


def _on_grid(box: Crop, grid: int) -> Crop:
    """The box, its borders moved outwards to the grid."""
    first = [max(0, math.floor(value * grid)) for value in (box.top, box.left)]
    last = [min(grid, math.ceil(value * grid)) for value in (box.bottom, box.right)]
    (top, left), (bottom, right) = first, last
    return Crop(top / grid, bottom / grid, left / grid, right / grid)


def _branch(name: str, box: Crop, resolution: int, most: int) -> BranchSettings:
    """Of a box at the largest of the resolution, its half … at which it has few enough pixels."""
    side = resolution
    while _area(box) * side**2 > most and side % (2 * GRID) == 0:
        side //= 2
    return BranchSettings(name, box, side, stride=2)
