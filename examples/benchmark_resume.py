"""Kills small runs with SIGKILL at random moments and shows that nothing is lost or changed.

    python examples/benchmark_resume.py [--kills 20] [--seed 0]

A small test and a small n-curve are each run once in peace. Then the same commands are killed and
given again, until they end, in folders of their own, and every file that they leave is compared
with those of the run in peace. Last, one byte of a stored shard is flipped, and the next run is
to notice. Only seconds may differ: timings.json, and the column `time` of n_curve.csv.

Exits with 1 if a file differs, is missing or is left over.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SECONDS = ("timings.json",)
LISTING = "files.json"
RUNS = {
    "test": ["-n", "2K", "--cases", "24", "--method", "mixed", "--layer", "w"],
    "curve": ["-n", "2K,3K", "--cases", "8", "--layers", "w"],
}


def command(kind: str, out: Path, *more: str) -> list[str]:
    """The command line of a run into a folder."""
    return [sys.executable, "-m", "vectorfind", kind, *RUNS[kind], "--out", str(out), *more]


def run(words: list[str], until: float | None = None) -> tuple[bool, str]:
    """Runs a command, or kills it and all that it started after `until` seconds.

    Returns:
        Whether it came to its end, and what it said.
    """
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        said = process.communicate(timeout=until)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return False, process.communicate()[0]
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}:\n{said}")
    return True, said


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by its path in it, without what holds seconds or is a lock."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_dir() or path.name in SECONDS or path.name.endswith(".lock"):
            continue
        data = path.read_bytes()
        read = {"n_curve.csv": timeless, LISTING: listed}.get(path.name, bytes)
        found[str(path.relative_to(folder))] = read(data)
    return found


def listed(listing: bytes) -> bytes:
    """A list of files without the checksums of those that hold seconds."""
    values = json.loads(listing)
    for name in values["files"]:
        if Path(name).name in (*SECONDS, "n_curve.csv"):
            values["files"][name] = ""
    return json.dumps(values | {"checksum": ""}).encode()


def timeless(table: bytes) -> bytes:
    """A CSV without its column `time`."""
    rows = list(csv.DictReader(table.decode("utf-8").splitlines()))
    kept = [name for name in (rows[0] if rows else {}) if name != "time"]
    return "\n".join(",".join(row[name] for name in kept) for row in rows).encode()


def differences(whole: Path, other: Path) -> list[str]:
    """What a folder has otherwise than the one of the run in peace."""
    expected, given = contents(whole), contents(other)
    found = [f"{name} is missing" for name in expected if name not in given]
    found += [f"{name} is left over" for name in given if name not in expected]
    both = [name for name in expected if name in given]
    return found + [f"{name} differs" for name in both if expected[name] != given[name]]


def killed_often(kind: str, work: Path, kills: int, rng: random.Random) -> list[str]:
    """Kills runs of one kind until there were enough kills, and finishes each; what differs."""
    started = time.perf_counter()
    whole = work / "whole" / kind
    run(command(kind, whole))
    seconds = time.perf_counter() - started
    print(f"{kind}: {len(contents(whole))} files in {seconds:.0f} s without a kill", flush=True)
    found, done, folders = [], 0, 0
    while done < kills:
        out = work / f"killed{folders}" / kind
        ended, moments = False, []
        while not ended:
            moment = rng.uniform(0, seconds) if done < kills else None
            ended = run(command(kind, out), moment)[0]
            if not ended:
                moments.append(f"{moment:.1f}")
                done += 1
        folders += 1
        wrong = differences(whole, out)
        shutil.rmtree(out.parent)
        verdict = "the same bytes" if not wrong else "; ".join(wrong)
        print(f"{kind}: killed after {', '.join(moments) or '-'} s: {verdict}", flush=True)
        found += wrong
    print(f"{kind}: {done} kills in {folders} folders", flush=True)
    return found


def flipped(work: Path, rng: random.Random) -> list[str]:
    """Flips a byte in a shard of the test's store, runs again, and tells what went unnoticed."""
    whole = work / "whole" / "test"
    store, out = work / "flipped" / "samples", work / "flipped" / "test"
    shutil.copytree(whole / "samples", store)
    path = rng.choice(sorted(store.rglob("*.npy")))
    data = bytearray(path.read_bytes())
    place = rng.randrange(len(data))
    data[place] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    said = run(command("test", out, "--store", str(store)))[1]
    name = path.relative_to(store)
    found = [] if f"{name} is damaged" in said else [f"the flipped byte of {name} went unnoticed"]
    shutil.copytree(store, out / "samples")
    found += differences(whole, out)
    verdict = "noticed, and made again" if not found else "; ".join(found)
    print(f"byte {place} of {name} flipped: {verdict}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20, help="of all runs together")
    parser.add_argument("--seed", type=int, default=0, help="of the moments and the byte")
    given = parser.parse_args()
    rng = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="vectorfind-resume-") as folder:
        work, found = Path(folder), []
        for index, kind in enumerate(RUNS):
            share = given.kills * (index + 1) // len(RUNS) - given.kills * index // len(RUNS)
            found += killed_often(kind, work, share, rng)
        found += flipped(work, rng)
    print("all files are the same" if not found else f"{len(found)} differences")
    raise SystemExit(1 if found else 0)


if __name__ == "__main__":
    main()
