"""A store that is grown, killed, damaged, and strewn with files of others."""

from __future__ import annotations

import json
import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from property_cnn.common.errors import VectorfindError
from property_cnn.common.shards.lists import CHECKSUMS, MANIFEST
from property_cnn.common.shards.store import open_store
from property_cnn.jobs.verify import verify
from tests.hostile.machines import folders

SHARD = 4
ARRAYS = ("a", "b")
NAMES = (
    "mine.txt", "a", "b", "c", "a/00000.npy", "a/00002.npy", "a/00007.npy", "a/mine.txt", "deep/x",
    CHECKSUMS, f"{CHECKSUMS}/mine.txt", MANIFEST, "files.json",
)  # fmt: skip
"""Where others put files: beside ours, in our folders, and under names that we would write; but not
as a list of checksums, which would be taken for a damaged one of ours.
"""

kills = st.one_of(st.none(), st.none(), st.integers(0, 12))


def rows(seed: int, start: int, count: int, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Rows that follow from the seed, their number and the array's name."""
    numbers = np.arange(start, start + count, dtype=np.float32)
    return {name: np.stack([numbers, numbers * (seed + ord(name))], 1) for name in names}


@cache
def whole(seed: int) -> dict[str, bytes]:
    """The files of a store that was filled in peace, with more rows than any other."""
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder, "store"), seed, 24, ARRAYS)
        return folders.contents(Path(folder, "store"))


def fill(folder: Path, seed: int, n: int, names: tuple[str, ...], made: list | None = None) -> None:
    """Fills a store, notes which shards it makes, and checks the rows that it gives."""
    identity = {"format": "numbers for tests", "seed": seed, "parts": dict.fromkeys(names, 2)}

    def make(start: int, count: int, which: tuple[str, ...]) -> dict[str, np.ndarray]:
        if made is not None:
            made.extend((name, start // SHARD) for name in which)
        return rows(seed, start, count, which)

    with open_store(folder, identity, SHARD, grown="parts") as store:
        store.fill(n, names, make, whole=True)
        for name, expected in rows(seed, 0, n, names).items():
            assert np.array_equal(store.rows(name, n).whole(), expected), f"rows of {name} differ"


class StoreMachine(RuleBasedStateMachine):
    """Every step ends in a result or an error of ours, and loses nothing."""

    def __init__(self):
        super().__init__()
        self.place = Path(tempfile.mkdtemp(prefix="vectorfind-store-"))
        self.store = self.place / "store"
        self.foreign: dict[Path, bytes] = {}
        self.ours: set[Path] = set()  # all that was ever written or listed
        self.seed: int | None = None
        self.untold = True  # whether a refusal may have another reason than files and seeds
        self.steps = 0

    def teardown(self) -> None:
        shutil.rmtree(self.place)

    @rule(seed=st.integers(0, 1), n=st.integers(1, 20), both=st.booleans(), kill=kills,
          done=st.booleans())  # fmt: skip
    def grow(self, seed: int, n: int, both: bool, kill: int | None, done: bool) -> None:
        """A writer fills the store, or is killed at it."""
        names = ARRAYS if both else ARRAYS[:1]
        try:
            self._grow(seed, n, names, kill, done)
        finally:
            self.ours |= {path for path in self._files() if path not in self.foreign}
            for sums in self.store.glob(f"{CHECKSUMS}/*.json"):
                self.ours |= {self.store / name / f"{sums.stem}.npy" for name in ARRAYS}

    def _grow(
        self, seed: int, n: int, names: tuple[str, ...], kill: int | None, done: bool
    ) -> None:
        before = self._whole_shards(seed)
        made: list[tuple[str, int]] = []
        try:
            with folders.killed(kill, done):
                fill(self.store, seed, n, names, made)
        except folders.Killed:
            self.seed = seed if self.seed is None else self.seed
        except VectorfindError as error:
            if not self._may_refuse(seed) or (made and not self.foreign):
                raise AssertionError(f"refused without a cause, or late: {error}") from error
            return
        else:
            self.seed, self.untold = seed, False
        again = [part for part in made if part in before]
        assert not again, f"made again though whole: {again}"

    @rule(number=st.integers(0, 50), way=st.sampled_from(folders.HARMS), seed=st.integers(0, 10**6))
    def harm(self, number: int, way: str, seed: int) -> None:
        """A file of the store is damaged."""
        ours = [path for path in self._files() if path not in self.foreign]
        if ours:
            path = ours[number % len(ours)]
            folders.harm(path, way, seed)
            self.untold = self.untold or path.parent.name == CHECKSUMS or path.name == MANIFEST

    @rule(name=st.sampled_from(NAMES), kind=st.sampled_from(("file", "folder", "link")))
    def others(self, name: str, kind: str) -> None:
        """Others put a file, a folder or a link; at a place that is listed it is a damage."""
        new = folders.put(self.store / name, kind)
        self.foreign |= {path: data for path, data in new.items() if path not in self.ours}
        self.untold = self.untold or bool(new)

    @rule()
    def clear(self) -> None:
        """Others take theirs away again."""
        for path in self.foreign:
            path.unlink(missing_ok=True)
            while path.parent != self.place and path.parent.exists():
                if any(path.parent.iterdir()):
                    break
                path = path.parent
                path.rmdir()
        self.foreign = {}

    @rule()
    def verify(self) -> None:
        """The store is verified; files of others are told as such."""
        before = folders.contents(self.place)
        try:
            told = verify(self.store)
        except VectorfindError:
            return
        finally:
            assert folders.contents(self.place) == before, "verify changed a file"
        whole = {name for name, state in told.files.items() if state == "whole"}
        mine = {path.relative_to(self.store).as_posix() for path in self.foreign}
        assert not whole & mine, f"taken for ours: {whole & mine}"

    @invariant()
    def nothing_of_others_is_touched(self) -> None:
        """No file of others is changed or deleted."""
        self.steps += 1
        folders.check_foreign(self.foreign)

    def _files(self) -> list[Path]:
        files = folders.contents(self.store) if self.store.is_dir() else {}
        return [self.store / name for name in sorted(files)]

    def _whole_shards(self, seed: int) -> set[tuple[str, int]]:
        """The arrays of shards whose bytes are those of an undisturbed store, and are listed."""
        there, expected = folders.contents(self.store) if self.store.is_dir() else {}, whole(seed)
        found = set()
        for name in ARRAYS:
            for index in range(6):
                path, sums = f"{name}/{index:05d}.npy", f"{CHECKSUMS}/{index:05d}.json"
                listed = self._listed(there.get(sums, b""), name)
                if there.get(path) == expected[path] and listed == self._listed(
                    expected[sums], name
                ):
                    found.add((name, index))
        return found if self.seed in (None, seed) else set()

    @staticmethod
    def _listed(text: bytes, name: str) -> object:
        try:
            values = json.loads(text)
            return values["made_from"], values["arrays"].get(name)
        except (ValueError, TypeError, KeyError, AttributeError):
            return None

    def _may_refuse(self, seed: int) -> bool:
        return bool(self.foreign) or self.untold or seed != self.seed
