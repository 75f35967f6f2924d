"""Whatever reads JSON: settings of runs, a store's manifest and checksums."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

from property_cnn.common.shards.lists import CHECKSUMS, MANIFEST
from property_cnn.common.shards.store import open_store
from tests.hostile.judging import OUT, Wrong
from tests.hostile.strategies.damage import damaged, hostile_npy
from tests.hostile.strategies.documents import altered
from tests.hostile.subjects.subject import Make, Subject
from tests.sketches import sketched
from tests.vectorfind.run_files import planted_corrs, write_run
from vectorfind.runs.comparison import compare_runs
from vectorfind.runs.describe import describe
from vectorfind.runs.report import write_report

CONFIG = "config.json"
IDENTITY = {"format": "numbers for tests", "seed": 7, "parts": {"a": 1}}
NAMES = ("a", "b")
N, SHARD = 10, 4


def _run(at: Path) -> tuple[Path, dict]:
    run = write_run(at / "run", planted_corrs(cases=6))
    config = json.loads((run / CONFIG).read_text())
    config["evaluate"]["thresholds"] = {"eyes": 0.9}
    config["tested"] = {"strengths": {"eyes": [-1, 0, 1]}, "edits": 6, "unreadable_samples": 0}
    config["find"] |= {"quantiles": 2, "properties": ["eyes", "mouth", "pose"], "seed": 3}
    (run / CONFIG).write_text(json.dumps(config))
    with sketched():
        write_report(run)  # its figures are then there
    return run, config


def page(at: Path) -> Subject:
    """The page of a run whose settings are altered."""
    run, config = _run(at)

    def lay(data: bytes, folder: Path) -> None:
        shutil.copytree(run, folder / "run", dirs_exist_ok=True)
        (folder / "run" / CONFIG).write_bytes(data)

    def use(data: bytes, folder: Path) -> None:
        with sketched():
            write_report(folder / "run", folder / OUT)

    return Subject(altered(config), use, lay, json.dumps(config).encode(), short=4)


def described(at: Path) -> Subject:
    """What a run's folder tells of itself, and its comparison with a whole one."""
    run, config = _run(at)

    def lay(data: bytes, folder: Path) -> None:
        for name in ("run", "whole"):
            shutil.copytree(run, folder / name, dirs_exist_ok=True)
        (folder / "run" / CONFIG).write_bytes(data)

    def use(data: bytes, folder: Path) -> None:
        describe(folder / "run")
        compare_runs(folder / "run", folder / "whole")

    return Subject(altered(config), use, lay, json.dumps(config).encode(), short=12)


def numbers(start: int, count: int, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """A shard: each row follows from its number."""
    rows = np.arange(start, start + count, dtype=np.float32)
    return {name: np.stack([rows, rows * ord(name)], 1) for name in names}


def fill(folder: Path) -> None:
    """Fills a store of ten rows; Wrong where they are not the ones that they must be."""
    with open_store(folder, IDENTITY, SHARD, grown="parts") as store:
        store.fill(N, NAMES, numbers)
        for name, expected in numbers(0, N, NAMES).items():
            if not np.array_equal(store.rows(name, N).whole(), expected):
                raise Wrong(f"rows of {name} are others")


def of_store(name: str, at: Path) -> Subject:
    """A store with one of its files altered: what is damaged is never used."""
    whole = at / "store"
    if not whole.exists():
        fill(whole)
    content = (whole / name).read_bytes()
    inputs = damaged(content, hostile_npy) if name.endswith("npy") else altered(json.loads(content))

    def lay(data: bytes, folder: Path) -> None:
        shutil.copytree(whole, folder / OUT / "store")
        (folder / OUT / "store" / name).write_bytes(data)

    def use(data: bytes, folder: Path) -> None:
        fill(folder / OUT / "store")

    return Subject(inputs, use, lay, content, short=20)


SUBJECTS: dict[str, Make] = {
    "document: page of a run": page,
    "document: settings of a run": described,
    "document: manifest of a store": lambda at: of_store(MANIFEST, at),
    "document: checksums of a store": lambda at: of_store(f"{CHECKSUMS}/00001.json", at),
    "document: shard of a store": lambda at: of_store("a/00001.npy", at),
}
