"""Damages files of every format that is read, and shows that loading them does no harm.

    python -m examples.benchmark_fuzz [--count 2000] [--seed 0] [--only NAME]

For each format a small file is made and damaged in many ways: bytes changed, put in, taken out and
repeated, numbers made huge, the end cut off, and its own kind of malice (names in archives that
leave the folder, calls and acting source code in pickles, impossible shapes in headers). Each is
described and loaded. Allowed are a network (the damage hit a weight) or the library's
`CheckpointError`; anything else, more memory than twice the file and 48 MiB, or more than 10
seconds, is a fault. Last, a pickle of 1 GiB is described. (Memory is told by Linux.)

Exits with 1 if there was one.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import signal
import struct
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import torch

from property_cnn.common.errors import CheckpointError
from property_cnn.network.reference import ReferenceCNN, ReferenceSettings
from stylegan_ft.formats.convert import convert_file
from stylegan_ft.formats.describe import describe_file
from stylegan_ft.formats.load import read_checkpoint
from stylegan_ft.generator import generator_of
from tests.stylegan_ft import foreign_files as made

SECONDS = 10
CONSTANT = 48 * 2**20
HUGE = (0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**40, 2**63 - 1, 2**64 - 1)


def nvlabs2(path: Path) -> None:
    network = made.random_network(made.STYLEGAN2)
    made.write_official(path, G_ema=made.official(network.state_dict(), made.ADA))


def nvlabs3(path: Path) -> None:
    network = made.random_network(made.STYLEGAN3)
    made.write_official(path, 3, G_ema=made.official(network.state_dict(), made.THIRD))


def rosinality(path: Path, archive: bool = True) -> None:
    held = {"g_ema": made.rosinality_state(), "latent_avg": torch.zeros(6)}
    torch.save(held, path, _use_new_zipfile_serialization=archive)


def genforce(path: Path, archive: bool = True) -> None:
    state = made.random_network(made.STYLEGAN1).state_dict()
    held = {"models": {"generator_smooth": state}, "running_metadata": {"iter": 7}}
    torch.save(held, path, _use_new_zipfile_serialization=archive)


def reference_cnn(path: Path) -> None:
    torch.save(ReferenceCNN(ReferenceSettings(width=1, features=1)).state_dict(), path)


def converted(path: Path, write: Callable[[Path], None]) -> None:
    write(path)
    convert_file(path, path.with_suffix(".safetensors"))
    os.replace(path.with_suffix(".safetensors"), path)


FORMATS: dict[str, Callable[[Path], None]] = {
    "NVlabs StyleGAN2-ADA pickle": nvlabs2,
    "NVlabs StyleGAN3 pickle": nvlabs3,
    "rosinality archive": rosinality,
    "rosinality stream": lambda path: rosinality(path, archive=False),
    "genforce archive": genforce,
    "genforce stream": lambda path: genforce(path, archive=False),
    "property CNN archive": reference_cnn,
    "safetensors, StyleGAN 1": lambda path: converted(path, genforce),
    "safetensors, StyleGAN2": lambda path: converted(path, nvlabs2),
    "safetensors, StyleGAN3": lambda path: converted(path, nvlabs3),
    "safetensors, property CNN": lambda path: converted(path, reference_cnn),
}
"""Name -> what writes a small file of that format."""


def changed(data: bytearray, rng: random.Random) -> bytes:
    for _ in range(rng.choice((1, 1, 2, 8))):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return data


def huge_numbers(data: bytearray, rng: random.Random) -> bytes:
    number = rng.choice(HUGE)
    raw = number.to_bytes(8, "little")[: max(1, (number.bit_length() + 7) // 8)]
    place = rng.randrange(len(data))
    data[place : place + len(raw)] = raw
    return data


def put_in(data: bytearray, rng: random.Random) -> bytes:
    place = rng.randrange(len(data))
    data[place:place] = rng.randbytes(rng.randint(1, 16))
    return data


def taken_out(data: bytearray, rng: random.Random) -> bytes:
    place = rng.randrange(len(data))
    del data[place : place + rng.randint(1, 64)]
    return data


def repeated(data: bytearray, rng: random.Random) -> bytes:
    start, place = rng.randrange(len(data)), rng.randrange(len(data))
    data[place:place] = data[start : start + rng.randint(1, 4096)]
    return data


def cut_off(data: bytearray, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def malice(data: bytearray, rng: random.Random) -> bytes:
    """What suits the format: archives, pickles and headers each have their own."""
    if data.startswith(b"PK"):
        return hostile_archive(data, rng)
    if data[8:9] == b"{":
        return hostile_header(data, rng)
    place = data.find(b"class Generator")
    if place >= 0 and rng.random() < 0.5:  # source code that acts
        code = rng.choice(
            (b"exec('import os')\n", b"import os; os.abort()\n", b"(" * 200, b"@exec\n" * 300)
        )
        data[place : place + len(code)] = code
        return data
    call = b"cos\nsystem\n(X\x04\x00\x00\x00exittR"
    place = data.index(b"(", rng.randrange(len(data) // 2))
    data[place:place] = call
    return data


def hostile_archive(data: bytearray, rng: random.Random) -> bytes:
    """The same entries under other names, twice, compressed, or with wrong sizes."""
    out = io.BytesIO()
    names = ("../../data.pkl", "/etc/passwd", "a/../../b", "..\\x", "archive/data.pkl", "C:/x", "é")
    way = zipfile.ZIP_DEFLATED if rng.random() < 0.2 else zipfile.ZIP_STORED
    with (
        warnings.catch_warnings(),
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", way) as new,
    ):
        warnings.simplefilter("ignore")  # of names that stand twice
        for name in old.namelist():
            new.writestr(name if rng.random() < 0.9 else rng.choice(names), old.read(name))
            if rng.random() < 0.1:
                new.writestr(name, b"again")
    written = bytearray(out.getvalue())
    return huge_numbers(written, rng) if rng.random() < 0.3 else written


def hostile_header(data: bytearray, rng: random.Random) -> bytes:
    """A safetensors header with a size or a place that cannot be, or another setting."""
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    name = rng.choice([name for name in header if name != "__metadata__"])
    part = rng.choice(("shape", "data_offsets", "dtype", "settings"))
    if part == "settings":
        text = header["__metadata__"]["vectorfind"]
        digits = [k for k, letter in enumerate(text) if letter.isdigit()]
        place = rng.choice(digits)
        number = rng.choice(("-1", "99999999", "1e999", "NaN", "null", '\\"\\"', "[]"))
        header["__metadata__"]["vectorfind"] = text[:place] + number + text[place + 1 :]
    elif part == "dtype":
        header[name][part] = rng.choice(("F64", "I8", "BOOL", "F8_E4M3", "X"))
    else:
        header[name][part] = rng.choice(([], [2**40, 2**40], [-1, 5], [0, 2**62], [1] * 99, "x"))
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + size :]


WAYS = (changed, huge_numbers, put_in, taken_out, repeated, cut_off, malice)


@dataclass
class Outcome:
    """What became of the damaged files of one format."""

    name: str
    size: int = 0
    refused: int = 0
    loaded: int = 0
    slowest: float = 0.0
    memory: int = 0
    faults: list[str] = field(default_factory=list)


def fuzz(name: str, count: int, seed: int) -> Outcome:
    """Damages a file of a format in many ways and loads each."""
    rng = random.Random(f"{name} {seed}")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="vectorfind-fuzz-") as folder:
        path = Path(folder) / "file"
        FORMATS[name](path)
        whole = path.read_bytes()
        outcome = Outcome(name, len(whole))
        load(path)  # the whole file must load, and what is imported late is then there
        torch.ones(4096, 512) @ torch.ones(512, 512)  # the first product takes memory of its own
        for index in range(count):
            way = WAYS[index % len(WAYS)]
            path.write_bytes(way(bytearray(whole), rng))
            judge(path, f"{way.__name__} {index}", outcome)
    return outcome


def load(path: Path) -> None:
    """Describes and loads a file, as a user would."""
    describe_file(path)
    checkpoint = read_checkpoint(path)
    if checkpoint.architecture not in ("property_cnn", "other"):
        generator_of(checkpoint, str(path))


def judge(path: Path, what: str, outcome: Outcome) -> None:
    """Loads one file, under a limit of time, and adds what became of it."""
    signal.signal(signal.SIGALRM, _too_long)
    before = reset_peak()
    started = time.perf_counter()
    signal.alarm(SECONDS)
    try:
        load(path)
        outcome.loaded += 1
    except CheckpointError:
        outcome.refused += 1
    except BaseException as error:
        outcome.faults.append(f"{what}: {type(error).__name__}: {str(error)[:80]}")
    finally:
        signal.alarm(0)
    outcome.slowest = max(outcome.slowest, time.perf_counter() - started)
    taken = peak() - before
    outcome.memory = max(outcome.memory, taken)
    if taken > 2 * path.stat().st_size + CONSTANT:
        outcome.faults.append(f"{what}: took {taken / 2**20:.0f} MiB")


def _too_long(*_: object) -> None:
    raise TimeoutError(f"more than {SECONDS} s")


def reset_peak() -> int:
    """Sets the process's peak of resident memory to what it has now, and gives that in bytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> int:
    """The most resident memory since the last reset, in bytes (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def huge(numbers: int) -> tuple[float, int]:
    """Seconds and memory that describing a pickle with so many numbers takes."""
    with tempfile.TemporaryDirectory(prefix="vectorfind-fuzz-") as folder:
        path = made.write_huge(Path(folder) / "file", numbers)
        before = reset_peak()
        started = time.perf_counter()
        describe_file(path)
        return time.perf_counter() - started, peak() - before


def table(outcomes: list[Outcome]) -> str:
    """A line a format."""
    rows = [f"{'format':28} {'bytes':>8} {'refused':>8} {'loaded':>7} {'slowest':>8} {'memory':>9}"]
    for found in outcomes:
        rows.append(
            f"{found.name:28} {found.size:8,} {found.refused:8} {found.loaded:7} "
            f"{found.slowest:6.2f} s {found.memory / 2**20:5.1f} MiB"
        )
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000, help="damaged files of each format")
    parser.add_argument("--seed", type=int, default=0, help="of the damage")
    parser.add_argument("--only", choices=list(FORMATS), help="one format")
    given = parser.parse_args()
    outcomes = []
    for name in [given.only] if given.only else FORMATS:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            try:
                found = pool.submit(fuzz, name, given.count, given.seed).result()
            except BrokenProcessPool:  # as after a segmentation fault
                found = Outcome(name, faults=["the process died"])
        outcomes.append(found)
        print(*found.faults, sep="\n", end="\n" if found.faults else "", flush=True)
    print(table(outcomes))
    seconds, memory = huge(2**28)
    print(f"a pickle of 1 GiB is described in {seconds:.1f} s with {memory / 2**20:.1f} MiB")
    faults = sum(len(found.faults) for found in outcomes)
    print(f"{faults} faults" if faults else "no fault")
    raise SystemExit(1 if faults else 0)


if __name__ == "__main__":
    main()
