"""Checkpoints of every layout, described and loaded; networks that a damage left whole may load."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from property_cnn.network.scorer import load_scorer
from stylegan_ft.formats.describe import describe_file
from stylegan_ft.formats.load import read_checkpoint
from stylegan_ft.generator import generator_of
from tests.hostile.judging import MEMORY
from tests.hostile.strategies.checkpoints import FORMATS
from tests.hostile.strategies.damage import damaged, malice
from tests.hostile.subjects.subject import Make, Subject

FILE = "file"


def load(path: Path) -> None:
    """Describes and loads a file, as a user would."""
    describe_file(path)
    checkpoint = read_checkpoint(path)
    if checkpoint.architecture not in ("property_cnn", "other"):
        generator_of(checkpoint, str(path))


def subject(name: str, at: Path) -> Subject:
    """A small checkpoint of a layout, damaged."""
    at.mkdir(parents=True, exist_ok=True)
    path = at / FILE
    FORMATS[name](path)
    whole = path.read_bytes()

    def lay(data: bytes, folder: Path) -> None:
        (folder / FILE).write_bytes(data)

    def use(data: bytes, folder: Path) -> None:
        load(folder / FILE)
        if name == "safetensors, property CNN":
            load_scorer(folder / FILE, "cpu")

    memory = 2 * len(whole) + MEMORY
    return Subject(damaged(whole, malice), use, lay, whole, memory, short=8)


SUBJECTS: dict[str, Make] = {f"checkpoint: {name}": partial(subject, name) for name in FORMATS}
