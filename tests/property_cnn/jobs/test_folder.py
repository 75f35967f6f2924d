"""A job's folder: listed, claimed, gone on with, and replaced only when the new one is complete."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write, sha256_of
from property_cnn.common.folders import LOCK
from property_cnn.common.shards.store import open_store
from property_cnn.jobs.folder import (
    REPLACEMENT,
    Claim,
    amend_folder,
    open_again,
    open_folder,
    settle,
)
from property_cnn.jobs.listing import read_listing
from property_cnn.jobs.verify import verify

WRITTEN = ("a.csv", "figures/one*.png", "late.csv", "on_the_way/*")


def claim(of="one", **more):
    values = {"kind": "toy", "of": of, "versions": {"toy": "1"}}
    return Claim("config.json", values, lambda v: {"of": v.get("of")}, WRITTEN, ("store",), **more)


def job(out, of="one", stop="", overwrite=False, store=None):
    """Writes three files, one of which is in a store; stops before the one that is named."""
    with open_folder(out, claim(of), overwrite) as work:
        if work.finished and not work.faults:
            return ()
        atomic_write(work.on_the_way("on_the_way") / f"{'0' * 16}.npz", "state")
        identity = {"format": "toy numbers", "of": of}
        with open_store(store or work.folder / "store", identity, 4) as numbers:
            numbers.fill(
                6, ("n",), lambda start, count, names: {"n": np.arange(start, 4 + start)[:count]}
            )
        for name in ("a.csv", "figures/one.png", "late.csv"):
            if name == stop:
                raise KeyboardInterrupt
            atomic_write(work.folder / name, f"{name} of {of}")
        work.finish()
        return work.told()


def files(folder):
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != LOCK]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def without(folder, *names):
    return {name: data for name, data in files(folder).items() if not name.startswith(names)}


@pytest.fixture
def whole(tmp_path):
    job(tmp_path / "whole")
    return files(tmp_path / "whole")


def test_the_list_names_each_file_with_its_checksum(whole, tmp_path):
    listing = json.loads(whole["files.json"])
    names = ["a.csv", "config.json", "figures/one.png", "late.csv"]
    assert listing["finished"]
    assert listing["files"] == {name: sha256_of(tmp_path / "whole" / name) for name in names}
    assert not (tmp_path / "whole" / "on_the_way").exists()


@pytest.mark.parametrize("stop", ["a.csv", "late.csv"])
def test_a_stopped_job_goes_on_to_the_same_bytes(whole, tmp_path, stop):
    with pytest.raises(KeyboardInterrupt):
        job(tmp_path / "out", stop=stop)
    assert not read_listing(tmp_path / "out").finished
    assert not verify(tmp_path / "out").whole
    job(tmp_path / "out")
    assert files(tmp_path / "out") == whole
    assert job(tmp_path / "out") == ()


def test_what_a_kill_left_of_a_file_is_known_to_be_ours(whole, tmp_path, monkeypatch):
    """It is listed before it is there."""
    with monkeypatch.context() as patch:
        real = os.replace

        def killed(source, target):
            if Path(target).name == "late.csv":
                raise KeyboardInterrupt
            real(source, target)

        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            job(tmp_path / "out")
    assert "late.csv" in read_listing(tmp_path / "out").files
    job(tmp_path / "out")
    assert files(tmp_path / "out") == whole


@pytest.mark.parametrize("name", ["a.csv", "config.json", "figures/one.png"])
def test_only_what_is_missing_or_altered_is_written_again(whole, tmp_path, name):
    out = tmp_path / "whole"
    stamps = {path: path.stat().st_mtime_ns for path in out.glob("*.csv")}
    (out / name).write_text("x")
    assert job(out) == (f"made again: {name} (altered)",)
    assert files(out) == whole
    for path, stamp in stamps.items():
        assert (path.stat().st_mtime_ns == stamp) == (path.name != name)


def test_other_settings_are_refused_by_what_differs(whole, tmp_path):
    with pytest.raises(InputError, match=r"other settings \(of: one there, two here\)"):
        job(tmp_path / "whole", "two")
    (tmp_path / "whole" / "config.json").write_text("{}")
    with pytest.raises(InputError, match=r"its config\.json is missing or altered"):
        job(tmp_path / "whole", "two")
    with (
        pytest.raises(InputError, match="of another job"),
        open_again(tmp_path / "whole", Claim("", {})),
    ):
        pass


@pytest.mark.parametrize("moment", [*range(9), "store"])
def test_a_kill_while_a_run_is_replaced_ends_in_the_new_run(tmp_path, monkeypatch, moment):
    out = tmp_path / "out"
    job(out)
    (out / "mine.txt").write_text("mine")
    job(tmp_path / "new", "two")
    moved = []

    def killed(real):
        def call(source, target, *rest):
            if REPLACEMENT in str(source) and REPLACEMENT not in str(target):
                moved.append(target)
                if len(moved) == (1 if moment == "store" else moment):
                    raise KeyboardInterrupt
            return real(source, target, *rest)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed(os.replace))
        if moment == "store":
            patch.setattr(Path, "rename", killed(Path.rename))
        try:
            job(out, "two", overwrite=True)
        except KeyboardInterrupt:
            assert not verify(out).whole
    job(out, "two")
    assert without(out, "mine.txt") == files(tmp_path / "new")
    assert (out / "mine.txt").read_text() == "mine"
    assert not (out / REPLACEMENT).exists()


@pytest.mark.parametrize("stop", ["a.csv", "late.csv"])
def test_a_run_that_is_replaced_is_whole_until_then(whole, tmp_path, stop):
    out = tmp_path / "whole"
    with pytest.raises(KeyboardInterrupt):
        job(out, "two", stop, overwrite=True)
    assert without(out, REPLACEMENT) == whole
    assert verify(out).whole
    assert job(out) == ()
    with pytest.raises(KeyboardInterrupt):
        job(out, "three", stop, overwrite=True)
    assert b"of two" not in b"".join(files(out / REPLACEMENT).values())
    job(out, "three", overwrite=True)
    job(tmp_path / "new", "three")
    assert files(out) == files(tmp_path / "new")


def test_others_files_in_what_is_replaced_are_refused_before(whole, tmp_path):
    out = tmp_path / "whole"
    (out / "store" / "mine.txt").write_text("mine")
    before = files(out)
    with pytest.raises(InputError, match=r"store/mine\.txt is not of this job; move it away"):
        job(out, "two", overwrite=True)
    assert files(out) == before


def test_names_that_are_written_later_are_refused_too(tmp_path):
    with open_folder(tmp_path, claim()) as work:
        (tmp_path / "other.csv").write_text("mine")
        with pytest.raises(InputError, match=r"other\.csv is not of this job"):
            atomic_write(work.folder / "other.csv", "ours")
    assert (tmp_path / "other.csv").read_text() == "mine"


def test_a_file_that_is_altered_by_another_list_is_not_blessed(tmp_path):
    job(tmp_path)
    path = tmp_path / "files.json"
    path.write_text(path.read_text().replace('"late.csv"', '"later.csv"'))
    assert read_listing(tmp_path) is None
    assert verify_states(tmp_path)["files.json"] == "altered"


def verify_states(folder):
    return verify(folder).files


def test_amending_lists_what_is_written_again(whole, tmp_path):
    out = tmp_path / "whole"
    with amend_folder(out):
        atomic_write(out / "late.csv", "another page")
    assert verify(out).whole
    (out / "mine.csv").write_text("mine")
    with pytest.raises(InputError, match="is not of this job"), amend_folder(out):
        atomic_write(out / "mine.csv", "ours")


def test_what_is_written_again_leaves_nothing_older(tmp_path):
    of_report = Claim("", {"kind": "report"}, written=("a.csv", "b.csv"))
    with open_again(tmp_path, of_report) as work:
        atomic_write(work.folder / "a.csv", "a")
    (tmp_path / "mine.txt").write_text("mine")
    with open_again(tmp_path, of_report) as work:
        atomic_write(work.folder / "b.csv", "b")
    assert set(files(tmp_path)) == {"b.csv", "files.json", "mine.txt"}


def test_a_folder_of_others_stays_as_it_is(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"it holds mine\.txt; choose another --out or empty it"):
        job(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_name_is_refused():
    with pytest.raises(InputError, match="--out is empty"):
        job("")


@pytest.mark.parametrize("seed", range(6))
def test_files_of_others_are_never_touched(tmp_path, seed):
    """Random states of a folder: what is there before and after, whatever is run."""
    draws = random.Random(seed)
    places = [
        "a.csv",
        "files.json",
        "config.json",
        "figures/one.png",
        "figures/mine.png",
        "late.csv",
    ]
    places += ["store/mine", "store/n/00000.npy", "store/manifest.json", "on_the_way/x", "mine.txt"]
    places += ["store/checksums/00000.json", "on_the_way/mine.npz", f"{REPLACEMENT}/mine"]
    for index in range(25):
        out = tmp_path / str(index)
        if draws.random() < 0.7:
            try:
                job(out, "one", draws.choice(["", "", "a.csv", "late.csv"]))
            except KeyboardInterrupt:
                pass
        known = set(files(out)) if out.exists() else set()
        mine = [name for name in draws.sample(places, draws.randint(1, 3)) if name not in known]
        for name in mine:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_text("mine")
        for _ in range(2):
            try:
                stop = draws.choice(["", "", "late.csv"])
                job(out, draws.choice(["one", "two"]), stop, draws.random() < 0.5)
            except (KeyboardInterrupt, InputError):
                pass
        assert {name: (out / name).read_text() for name in mine} == dict.fromkeys(mine, "mine")


def test_two_processes_on_one_folder(tmp_path):
    """One is refused in a line while the other works; then both find the same."""
    code = (
        "import sys, time; from tests.property_cnn.jobs.test_folder import *\n"
        "with open_folder(sys.argv[1], claim()): print('works', flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "out")]
    with subprocess.Popen(words, stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout.readline() == "works\n"
        with pytest.raises(InputError, match=r"another process works in .*choose another --out"):
            job(tmp_path / "out")
        process.stdin.close()
        assert process.wait(60) == 0
    job(tmp_path / "out")
    assert verify(tmp_path / "out").whole
    shutil.rmtree(tmp_path / "out")


def test_settling_where_nothing_is_to_be_replaced_does_nothing(whole, tmp_path):
    settle(tmp_path / "whole")
    assert files(tmp_path / "whole") == whole
