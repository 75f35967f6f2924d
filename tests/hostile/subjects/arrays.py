"""Whatever reads .npz and .npy files, and states of trainings."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import torch

from property_cnn.common.arrays import npy_bytes, write_npz
from property_cnn.common.training_state import load_state, save_state
from tests.hostile.judging import OUT, Wrong
from tests.hostile.strategies.damage import damaged, hostile_archive, hostile_header, hostile_npy
from tests.hostile.subjects.networks import directions_file, models
from tests.hostile.subjects.subject import Make, Subject
from vectorfind.characters.pictures import Look, write_edits
from vectorfind.directions.directions import load_directions
from vectorfind.directions.interchange import read_foreign
from vectorfind.runs.describe import describe


def _file(name: str) -> Callable[[bytes, Path], object]:
    return lambda data, folder: (folder / name).write_bytes(data)


def of_directions(at: Path) -> Subject:
    """Directions that are loaded and edit an image."""
    whole = directions_file(at).read_bytes()
    z, label = np.ones((2, 6), np.float32), np.zeros((2, 2), np.float32)

    def use(data: bytes, folder: Path) -> None:
        both = models().generator, models().scorer
        loaded = load_directions(folder / "d.npz", *both)
        images = loaded.edit(z, label, **{loaded.properties[0]: 1.0})
        if not torch.isfinite(images).all():
            raise Wrong("taken: images that are not finite")

    return Subject(damaged(whole, hostile_archive), use, _file("d.npz"), whole, short=15)


def described(at: Path) -> Subject:
    """An .npz of directions, shown."""
    whole = directions_file(at).read_bytes()

    def use(data: bytes, folder: Path) -> None:
        describe(folder / "d.npz")

    return Subject(damaged(whole, hostile_archive), use, _file("d.npz"), whole, short=15)


def latents(at: Path) -> Subject:
    """Latents that an edit is given as a file."""
    path = directions_file(at)
    arrays = {"z": np.ones((3, 6), np.float32), "label": np.zeros((3, 2), np.float32)}
    write_npz(at / "latents.npz", "vectorfind latents", arrays, {})
    whole = (at / "latents.npz").read_bytes()

    def use(data: bytes, folder: Path) -> None:
        look, networks = Look({"eyes": 1.0}, {}), (models().generator, models().scorer)
        given = {"generator": networks[0], "scorer": networks[1], "latents": folder / "l.npz"}
        write_edits(path, folder / OUT / "sheet.png", look, count=2, **given)

    return Subject(damaged(whole, hostile_archive), use, _file("l.npz"), whole, short=15)


def boundary(at: Path) -> Subject:
    """A boundary of InterFaceGAN's."""
    whole = npy_bytes(np.full((1, 14), 0.5, np.float32))

    def use(data: bytes, folder: Path) -> None:
        found = read_foreign([f"eyes={folder / 'b.npy'}"], "w")
        describe(folder / "b.npy")
        if not np.isfinite(found.vectors).all():
            raise Wrong("taken: a direction that is not finite")

    return Subject(damaged(whole, hostile_npy), use, _file("b.npy"), whole, short=25)


def components(at: Path) -> Subject:
    """GANSpace's components."""
    buffer = BytesIO()
    np.savez(buffer, lat_comp=np.ones((3, 1, 14), np.float32), act_comp=np.ones((3, 1, 9)))
    whole = buffer.getvalue()

    def use(data: bytes, folder: Path) -> None:
        found = read_foreign([str(folder / "c.npz")], "w")
        if not np.isfinite(found.vectors).all():
            raise Wrong("taken: a direction that is not finite")

    return Subject(damaged(whole, hostile_archive), use, _file("c.npz"), whole, short=25)


def state(at: Path) -> Subject:
    """A training's state: what is not whole is never gone on from."""
    held = {"step": 5, "net": {"weight": torch.arange(12.0).view(3, 4)}, "best": [0.5, None]}
    at.mkdir(parents=True, exist_ok=True)
    save_state(at / "state", "a training", "marks", held)
    whole = (at / "state").read_bytes()

    def use(data: bytes, folder: Path) -> None:
        loaded = load_state(folder / "state", "a training", "marks", held)
        if loaded is None or not torch.equal(loaded["net"]["weight"], held["net"]["weight"]):
            raise Wrong("taken: another state")
        if (loaded["step"], loaded["best"]) != (5, [0.5, None]):
            raise Wrong(f"taken: another state, {loaded!r:.200}")

    return Subject(damaged(whole, hostile_header), use, _file("state"), whole, short=25)


SUBJECTS: dict[str, Make] = {
    "arrays: directions": of_directions,
    "arrays: directions described": described,
    "arrays: latents": latents,
    "arrays: boundary": boundary,
    "arrays: components": components,
    "arrays: state of a training": state,
}
