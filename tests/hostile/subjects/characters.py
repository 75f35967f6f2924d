"""Files of characters, and scripts of what they do."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from property_cnn.common.files import save_tensors
from tests.hostile.judging import Wrong
from tests.hostile.strategies import tables as texts
from tests.hostile.strategies.damage import damaged, malice
from tests.hostile.subjects.networks import models
from tests.hostile.subjects.subject import Make, Subject
from vectorfind.characters.character import load_character
from vectorfind.characters.face import Face, Way
from vectorfind.characters.rendering.scripts import read_script, script_frames
from vectorfind.characters.responses import Response
from vectorfind.characters.storing import packed

FILE, SCRIPT = "anna.safetensors", "script.csv"

ROWS = "time,eyes,mouth\n0,-1,0\n0.5,,1\n1,0.5,-1\n"


def character(at: Path) -> Subject:
    """A character that is loaded and drawn."""
    at.mkdir(parents=True, exist_ok=True)
    size, ends = models().generator.layers["w"], np.array([-1.0, 1.0], np.float32)
    way = Way(ends, np.outer(ends, np.ones(size)).astype(np.float32))
    response = Response(ends.astype(np.float64), ends.astype(np.float64), -2.0, 3.0, 0.0)
    face = Face("w", np.zeros(size, np.float32), np.zeros(2, np.float32), {"eyes": way},
                {"eyes": response})  # fmt: skip
    source = {"name": "", "digest": models().generator.digest, "psi": 1.0, "trunc_layers": None,
              "size": None}  # fmt: skip
    about = {"source": source, "dye": {}, "name": "Anna", "note": "", "made": {}}
    save_tensors(at / FILE, *packed(face, np.zeros((4, 4, 3), np.uint8), about))
    whole = (at / FILE).read_bytes()

    def lay(data: bytes, folder: Path) -> None:
        (folder / FILE).write_bytes(data)

    def use(data: bytes, folder: Path) -> None:
        loaded = load_character(folder / FILE, models().generator)
        pixels = loaded.render(**dict.fromkeys(loaded.properties, 0.5))
        if pixels.dtype != np.uint8 or pixels.ndim != 3:
            raise Wrong(f"taken: {pixels.dtype} {pixels.shape}")
        repr(loaded)

    return Subject(damaged(whole, malice), use, lay, whole, short=12)


def script(at: Path) -> Subject:
    """A script whose frames are counted."""

    def lay(data: bytes, folder: Path) -> None:
        (folder / SCRIPT).write_bytes(data)

    def use(data: bytes, folder: Path) -> None:
        frames = script_frames(read_script(folder / SCRIPT, ("eyes", "mouth")), 10)
        if not np.isfinite([list(frame.values()) for frame in frames]).all():
            raise Wrong(f"taken: {frames[:3]}")

    return Subject(texts.spoiled(ROWS), use, lay, ROWS.encode(), short=25)


SUBJECTS: dict[str, Make] = {"character": character, "script": script}
