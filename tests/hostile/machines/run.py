"""Runs in two folders and a store that they may share: killed, damaged, replaced, verified."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from unittest import mock

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from property_cnn.common.errors import VectorfindError
from property_cnn.jobs.folder import REPLACEMENT
from property_cnn.jobs.listing import FILES
from property_cnn.jobs.verify import verify
from reports.layout import CONFIG, SAMPLES, TIMINGS
from tests.hostile.machines import folders
from tests.hostile.subjects.networks import FIND, TEST, models
from tests.sketches import undrawn
from vectorfind.runs.test import run_test

NAMES = (
    "mine.txt", "report.html", CONFIG, FILES, "directions.npz", "test_result.csv", "latents.npz",
    "cases", "cases/mine.txt", "training/mine.txt", "samples", "samples/mine.txt", "samples/w",
    "samples/w/mine.txt", "samples/manifest.json", "figures/mine.png", "figures/slopes.png",
    "figures", "deep/mine.txt", f"{REPLACEMENT}/mine.txt", REPLACEMENT, TIMINGS,
)  # fmt: skip
"""Where others put files: beside ours, in our folders, and under names that we would write."""

kills = st.one_of(st.none(), st.none(), st.integers(0, 60))


@dataclass(frozen=True)
class Order:
    """A command.

    Attributes:
        seed: of all that it does.
        shared: whether its samples are in a store beside the folder.
    """

    seed: int
    shared: bool


orders = st.builds(Order, st.integers(0, 1), st.booleans())


def obey(order: Order, out: Path, store: Path, overwrite: bool = False) -> None:
    """Runs a small test; seconds are none, so that its bytes are always the same."""
    find = replace(FIND, n=120, group_by=(), seed=order.seed)
    test = replace(TEST, cases=3, seed=order.seed)
    networks = models().generator, models().scorer
    clock = mock.Mock(monotonic=lambda: 0.0)
    with undrawn(), mock.patch("vectorfind.runs.test.time", clock):
        run_test(find, test, out, *networks, store if order.shared else None, overwrite, True)


def comparable(there: dict[str, bytes]) -> dict[str, bytes]:
    """A run's files but for its seconds, which have fewer stages where it was gone on with, and
    but for samples, which may be those of an earlier run.
    """
    apart = (TIMINGS, f"{SAMPLES}/")
    kept = {name: data for name, data in there.items() if not name.startswith(apart)}
    values = json.loads(kept[FILES])
    values["files"].pop(TIMINGS, None)
    values.pop("checksum")
    return kept | {FILES: json.dumps(values).encode()}


@cache
def whole(order: Order) -> dict[str, bytes]:
    """The files of a run in peace."""
    with tempfile.TemporaryDirectory() as folder:
        obey(order, Path(folder, "out"), Path(folder, "store"))
        return comparable(folders.contents(Path(folder, "out")))


class RunMachine(RuleBasedStateMachine):
    """Every step ends in a result or an error of ours, and loses nothing."""

    def __init__(self):
        super().__init__()
        self.place = Path(tempfile.mkdtemp(prefix="vectorfind-run-"))
        self.store = self.place / "store"
        self.foreign: dict[Path, bytes] = {}
        self.ours: set[Path] = set()  # all that was ever written
        self.held: dict[Path, Order] = {}  # whose run a folder holds, where that is known
        self.done: dict[Path, dict[str, bytes]] = {}  # files of finished runs that are undamaged
        self.untold: set[Path] = set()  # folders whose lists and settings were damaged or strewn
        self.steps = 0

    def teardown(self) -> None:
        shutil.rmtree(self.place)

    @rule(name=st.sampled_from("AB"), order=orders, overwrite=st.booleans(), kill=kills,
          done=st.booleans())  # fmt: skip
    def command(
        self, name: str, order: Order, overwrite: bool, kill: int | None, done: bool
    ) -> None:
        """A run is made, gone on with or replaced; or killed at it."""
        out = self.place / name
        try:
            with folders.killed(kill, done):
                obey(order, out, self.store, overwrite)
        except folders.Killed:
            self._was_killed(out, order, overwrite)
        except VectorfindError as error:
            self._check_kept(out)
            if not self._may_refuse(out, order, overwrite):
                raise AssertionError(f"refused without a cause: {error}") from error
        else:
            self._was_made(out, order, overwrite)
        finally:
            self.ours |= {path for path in self._files() if path not in self.foreign}

    @rule(number=st.integers(0, 200), way=st.sampled_from(folders.HARMS), seed=st.integers(0, 999))
    def harm(self, number: int, way: str, seed: int) -> None:
        """A file of ours is damaged."""
        files = [path for path in self._files() if path not in self.foreign and path.is_file()]
        if not files:
            return
        path = files[number % len(files)]
        folders.harm(path, way, seed)
        for out, kept in self.done.items():
            if path.is_relative_to(out):
                kept.pop(path.relative_to(out).as_posix(), None)
        if path.name in (FILES, CONFIG, "manifest.json") or path.parent.name == "checksums":
            self.untold.add(self.place / path.relative_to(self.place).parts[0])

    @rule(where=st.sampled_from(("A", "B", "store")), name=st.sampled_from(NAMES),
          kind=st.sampled_from(("file", "folder", "link")))  # fmt: skip
    def others(self, where: str, name: str, kind: str) -> None:
        """Others put a file, a folder or a link; at a place that is ours it is a damage."""
        new = folders.put(self.place / where / name, kind)
        self.foreign |= {path: data for path, data in new.items() if path not in self.ours}
        if new:
            self.untold.add(self.place / where)

    @rule()
    def clear(self) -> None:
        """Others take theirs away again."""
        for path in self.foreign:
            path.unlink(missing_ok=True)
            above = path.parent
            while above != self.place and above.is_dir() and not any(above.iterdir()):
                above.rmdir()
                above = above.parent
        self.foreign = {}

    @rule(name=st.sampled_from(("A", "B", "store")))
    def verify(self, name: str) -> None:
        """A folder is verified: nothing is changed, what is damaged is told, others' files too."""
        before, folder = folders.contents(self.place), self.place / name
        try:
            told = verify(folder)
        except VectorfindError:
            return
        finally:
            assert folders.contents(self.place) == before, "verify changed a file"
        mine = {path.relative_to(folder).as_posix() for path in self._inside(folder)}
        states = {each for each, state in told.files.items() if state == "whole"}
        assert not states & mine, f"taken for ours: {states & mine}"
        kept = self.done.get(folder, {})
        wrong = {each for each, state in told.files.items() if state != "whole" and each in kept}
        assert not wrong or folder in self.untold, f"told to be damaged: {wrong}"

    @invariant()
    def nothing_of_others_is_touched(self) -> None:
        """No file of others is changed or deleted."""
        self.steps += 1
        folders.check_foreign(self.foreign)

    def _was_made(self, out: Path, order: Order, overwrite: bool) -> None:
        """The files are those of a run in peace; what would have replaced it may lie in it."""
        there = folders.contents(out)
        mine = {path.relative_to(out).as_posix() for path in self._inside(out)}
        there = {name: data for name, data in there.items() if name not in mine}
        if not overwrite:
            there = {n: data for n, data in there.items() if not n.startswith(REPLACEMENT)}
        found, expected = comparable(there), whole(order)
        for name in sorted({*found, *expected}):
            assert name in expected, f"left over: {name}"
            assert name in found, f"missing: {name}"
            assert found[name] == expected[name], f"differs: {name}"
        self.held[out], self.done[out] = order, there
        self.untold.discard(out)

    def _was_killed(self, out: Path, order: Order, overwrite: bool) -> None:
        """What was finished is still there: the same command, or that of the old run, finds it."""
        old = self.held.get(out)
        if old is None or not overwrite or old.seed == order.seed:
            if old is None:
                self.held[out] = order
            if overwrite:
                self.done.pop(out, None)
            return
        if out not in self.untold and not self._inside(out) and out in self.done:
            self._check_either(out, old, order)
        self.held.pop(out)
        self.done.pop(out, None)

    def _check_either(self, out: Path, old: Order, new: Order) -> None:
        """A copy of the folder is the old run, or else the new one, when it is asked for."""
        with tempfile.TemporaryDirectory() as scratch:
            copy, store = Path(scratch, "out"), Path(scratch, "store")
            for source, target in ((out, copy), (self.store, store)):
                if source.is_dir():
                    shutil.copytree(source, target, symlinks=True)
            for order in (old, new):
                try:
                    obey(order, copy, store)
                except VectorfindError as error:
                    said = str(error)
                    continue
                if REPLACEMENT in {path.name for path in copy.iterdir()}:
                    shutil.rmtree(copy / REPLACEMENT)
                found = comparable(folders.contents(copy))
                wrong = [n for n, data in whole(order).items() if found.get(n) != data]
                assert not wrong, f"neither the old run nor the new one: {wrong}"
                return
            if not (old.shared or new.shared):
                raise AssertionError(f"neither the old run nor the new one: {said}")

    def _check_kept(self, out: Path) -> None:
        """A refused command has changed nothing that was finished."""
        there = folders.contents(out) if out.is_dir() else {}
        for name, data in self.done.get(out, {}).items():
            assert there.get(name) == data, f"changed though refused: {name}"

    def _may_refuse(self, out: Path, order: Order, overwrite: bool) -> bool:
        if self._inside(out) or out in self.untold:
            return True
        if order.shared and (
            self._inside(self.store)
            or self.store in self.untold
            or self._store_seed() not in (None, order.seed)
        ):
            return True
        fresh = not out.exists() or not any(out.iterdir())
        return not (overwrite or fresh or self._holds(out, order))

    def _store_seed(self) -> int | None:
        path = self.store / "manifest.json"
        return json.loads(path.read_text())["seed"] if path.is_file() else None

    def _holds(self, out: Path, order: Order) -> bool:
        held = self.held.get(out)
        return held is not None and held.seed == order.seed  # where samples lie is no setting

    def _inside(self, folder: Path) -> list[Path]:
        return [path for path in self.foreign if path.is_relative_to(folder)]

    def _files(self) -> list[Path]:
        return [self.place / name for name in sorted(folders.contents(self.place))]
