"""Trials of the program itself: killed at random, on a full disk, two at once on one folder."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SECONDS = ("timings.json",)
LISTING = "files.json"

RUNS = {
    "sample": "sample -n 1K --store OUT",
    "test": "test -n 600 --cases 4 --control-cases 2 --method mixed --layer w --group-by= "
    "--properties eyes,mouth --out OUT",
    "curve": "curve -n 600,1K --cases 3 --layers w --methods svm --out OUT",
    "distill": "hair distill --rendered 10 --generated 2 --side 32 --epochs 2 --out OUT",
    "finetune": "finetune --variant v1 --images DATA --base base --batches 3 --batch-size 2 "
    "--checkpoint-every 1 --out OUT",
}
"""Small commands that leave a folder; `OUT` is its path, `DATA` that of a few rendered faces."""

DATA = "finetune faces -n 12 --out DATA"

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code, None of a killed one, and what it said on stderr."""

    code: int | None
    said: str

    def fault(self, allowed: tuple[int, ...]) -> str:
        """What is wrong with its end, or ""."""
        lines = self.said.strip().splitlines()
        if self.code not in allowed:
            return f"exit code {self.code}: {self.said[-300:]}"
        if self.code and len(lines) != 1:
            return f"{len(lines)} lines on stderr: {self.said[-300:]}"
        return "a traceback" if "Traceback" in self.said else ""


def command(kind: str, out: Path, data: Path | None = None) -> list[str]:
    """The words of a run of a kind into a folder."""
    given = {"OUT": str(out), "DATA": str(data)}
    words = (DATA if kind == "data" else RUNS[kind]).split()
    return [*PROGRAM, *(given.get(word, word) for word in words), "--quiet"]


PROGRAM = (sys.executable, "-m", "vectorfind")


def started(words: list[str]) -> subprocess.Popen:
    """The program at work, in a group of its own and with the usual handling of signals."""
    return subprocess.Popen(
        words,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def run(words: list[str], until: float | None = None, number: int = signal.SIGKILL) -> Ended:
    """Runs a command, or sends it a signal after `until` seconds; SIGKILL to all it started."""
    process = started(words)
    try:
        said = process.communicate(timeout=until)[1]
    except subprocess.TimeoutExpired:
        if number == signal.SIGKILL:
            os.killpg(process.pid, number)
            process.communicate()
            return Ended(None, "")
        process.send_signal(number)
        said = process.communicate(timeout=120)[1]
    return Ended(process.returncode, said)


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


class Peace:
    """Runs in peace, each made once.

    Attributes:
        work: folder that they lie in.
        seconds: kind -> how long it took.
    """

    def __init__(self, work: Path):
        self.work, self.seconds = work, {}

    def __call__(self, kind: str) -> Path:
        """The folder of a kind of run."""
        out = self.work / "whole" / kind
        if kind not in self.seconds:
            started = time.perf_counter()
            ended = run(command(kind, out, self.data(kind)))
            if ended.code:
                raise SystemExit(f"{kind} in peace ended with {ended.code}: {ended.said[-500:]}")
            self.seconds[kind] = time.perf_counter() - started
        return out

    def data(self, kind: str) -> Path | None:
        """The folder of faces that a kind of run learns from."""
        if "DATA" not in RUNS[kind]:
            return None
        data = self.work / "data"
        if not data.exists():
            run(command("data", data, data))
        return data


Say = Callable[[str], None]


def kills(
    kinds: tuple[str, ...], count: int, peace: Peace, rng: random.Random, say: Say
) -> list[str]:
    """Stops runs by signals until there were enough, finishes each, and tells what differs."""
    found = []
    for index, kind in enumerate(kinds):
        share = count * (index + 1) // len(kinds) - count * index // len(kinds)
        if share:
            found += _kills_of(kind, share, peace, rng, say)
    return found


def _kills_of(kind: str, share: int, peace: Peace, rng: random.Random, say: Say) -> list[str]:
    whole, found, done = peace(kind), [], 0
    while done < share:
        out = peace.work / "killed" / kind
        moments, ended = [], Ended(None, "")
        while ended.code != 0:
            last = done >= share
            moment = None if last else rng.uniform(0.2, 1.0) * peace.seconds[kind]
            number = rng.choice(SIGNALS)
            ended = run(command(kind, out, peace.data(kind)), moment, number)
            allowed = (0,) if last else (0, 128 + number)
            if ended.code is not None and ended.fault(allowed):
                found.append(f"{kind} after {moment}: {ended.fault(allowed)}")
                return found
            if ended.code != 0:
                moments.append(f"{moment:.1f} s {number.name}")
                done += 1
        wrong = [f"{kind}: {name}" for name in differences(whole, out)]
        shutil.rmtree(out)
        verdict = "the same bytes" if not wrong else "; ".join(wrong)
        say(f"{kind}: stopped after {', '.join(moments) or '-'}: {verdict}")
        found += wrong
    say(f"{kind}: stopped {done} times; in peace it takes {peace.seconds[kind]:.0f} s")
    return found


def full_disk(count: int, peace: Peace, rng: random.Random, say: Say) -> list[str]:
    """Fills a disk of 4 MiB but for a random rest, runs, makes room and goes on.

    Where no file system may be mounted, that is said and nothing is tried.
    """
    disk, whole, found = peace.work / "disk", peace("sample"), []
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        say("full disk: not tried, since no file system can be mounted here")
        return []
    try:
        for _ in range(count):
            rest = rng.choice((rng.randrange(16), rng.randrange(3000))) * 1024
            found += _on_a_full_disk(disk, rest, whole, say)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    return found


def _on_a_full_disk(disk: Path, rest: int, whole: Path, say: Say) -> list[str]:
    filler, out = disk / "filler", disk / "out"
    free = shutil.disk_usage(disk).free - rest
    filler.write_bytes(bytes(max(free, 0)))
    words = command("sample", out)
    ended = run(words)
    found = [f"full disk: {fault}" for fault in [ended.fault((0, 2))] if fault]
    found += [f"full disk: {path.name} is left over" for path in disk.rglob(".partial-*")]
    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
    fault = run(words).fault((0,))
    found += [f"full disk: {fault}"] if fault else differences(whole, out)
    shutil.rmtree(out)
    subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
    said = ended.said.strip()[-100:] or "there was room enough"
    say(f"full disk: {rest // 1024} KiB left: {said}: {'; '.join(found) or 'the same bytes'}")
    return found


def pairs(count: int, peace: Peace, rng: random.Random, say: Say) -> list[str]:
    """Starts two processes at once on one folder, and on one store from two folders."""
    found = []
    for index in range(count):
        shared, out = index % 2 == 1, peace.work / "pair"
        whole = peace("test")
        folders = (out / "a", out / "b") if shared else (out / "a", out / "a")
        store = ["--store", str(out / "store")] if shared else []
        both = []
        for folder in folders:
            both.append(started([*command("test", folder), *store]))
            time.sleep(rng.uniform(0, 0.3 * peace.seconds["test"]))
        ends = [Ended(each.returncode, said) for each in both for said in [each.communicate()[1]]]
        wrong = [fault for end in ends for fault in [end.fault((0, 2))] if fault]
        if all(end.code for end in ends):
            wrong.append("both were refused")
        for folder in dict.fromkeys(folders):
            fault = run([*command("test", folder), *store]).fault((0,))
            wrong += [fault] if fault else _without_store(differences(whole, folder), shared)
        said = "; ".join(end.said.strip()[:80] for end in ends if end.code) or "both came to an end"
        say(f"pair on one {'store' if shared else 'folder'}: {said}: {wrong or 'the same bytes'}")
        found += [f"pair: {each}" for each in wrong]
        shutil.rmtree(out)
    return found


def _without_store(found: list[str], shared: bool) -> list[str]:
    """Differences but for the samples, which lie in the store that was given."""
    return [each for each in found if not (shared and each.startswith("samples/"))]
