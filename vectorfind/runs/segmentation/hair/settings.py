"""What students of the hair teacher learn from; loads without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from property_cnn.common.checks import Settings, Whole
from property_cnn.common.errors import InputError
from property_cnn.hair.settings import FaceCounts
from property_cnn.segmentation.settings import IGNORED


@dataclass(frozen=True)
class OwnPictures(Settings):
    """Pictures with label maps.

    Attributes:
        images: folder of them.
        maps: folder of the maps, .png of the same names.
        classes: of the maps.
        hair_class: the class to learn alone, as hair; None for all.
    """

    images: Path
    maps: Path
    classes: Annotated[int, Whole(2, IGNORED)]
    hair_class: Annotated[int, Whole(0, IGNORED - 1)] | None = None

    def __post_init__(self) -> None:
        if any(value is None for value in (self.images, self.maps, self.classes)):
            raise InputError("own pictures need all three of --images, --maps and --classes")
        super().__post_init__()


@dataclass(frozen=True)
class Lessons(Settings):
    """Rendered and generated faces with the teacher's masks, or own pictures.

    Attributes:
        teacher: "default", a file, a folder or hub:NAME.
        data: folder of the faces, which are made where they are missing; None for `data` in the
            student's folder.
        faces: how many there are.
        generator: of the generated ones.
        pictures: to learn from instead; the teacher is then asked by distillation terms alone.
    """

    teacher: str = "default"
    data: Path | None = None
    faces: FaceCounts = field(default_factory=FaceCounts)
    generator: str = "default"
    pictures: OwnPictures | None = None
