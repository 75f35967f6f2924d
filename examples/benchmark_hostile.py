"""Gives hostile input to all that reads or is called, and shows that it does no harm.

    python -m examples.benchmark_hostile [--minutes 5] [--seed 0] [--only WORDS] [--csv FILE]

Settings, tables, JSON, arrays, checkpoints, pictures, latents, paths and command lines are damaged
or made up by Hypothesis, see `tests.hostile`, in a process of their own. Every input must end in a
result or in one error of ours: another exception, a warning, a process that dies, more than 10
seconds, too much memory, a file outside of the folder or a wrong result is a fault.

Exits with 1 if there was one.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import fields
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from tests.hostile.judging import Outcome

PATIENCE = 180
"""Seconds after which a process that says nothing is taken for hanging."""

MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
"""Where the files lie: they are made and removed thousands of times."""

_SHOWN = 5  # faults of a subject that are printed


def hunted(names: Sequence[str], seconds: float, seed: int) -> Iterator[Outcome]:
    """What hostile input did to each subject; another process goes on where one has died."""
    left = list(names)
    while left:
        context = get_context("spawn")
        receive, send = context.Pipe(duplex=False)
        process = context.Process(target=_hunt, args=(send, left, seconds, seed))
        process.start()
        send.close()
        try:
            while left:
                if not receive.poll(seconds + PATIENCE):
                    yield Outcome(left.pop(0), faults=[f"it hangs for {PATIENCE} s"])
                    break
                yield receive.recv()
                left.pop(0)
        except EOFError:
            process.join()
            yield Outcome(left.pop(0), faults=[f"the process died ({process.exitcode})"])
        finally:
            process.kill()
            process.join()


def _hunt(send: Connection, names: Sequence[str], seconds: float, seed: int) -> None:
    import torch

    from tests.hostile.subjects import SUBJECTS
    from tests.hostile.subjects.subject import hunt, warm_up

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="vectorfind-hostile-", dir=MEMORY) as folder:
        own = Path(folder, "own")
        own.mkdir()
        os.chdir(folder)
        for number, name in enumerate(names):
            subject, outcome, work = SUBJECTS[name](own), Outcome(name), Path(folder, str(number))
            warm_up(subject, work)
            hunt(subject, work, outcome, time.monotonic() + seconds, seed)
            send.send(outcome)


def line(found: Outcome) -> str:
    """A subject's row of the table."""
    return (
        f"{found.name:40} {found.inputs:7,} {found.refused:8,} {found.taken:7,} "
        f"{len(found.faults):7,} {found.slowest:6.2f} s {found.memory / 2**20:6.1f} MiB"
    )


HEAD = f"{'subject':40}  inputs  refused   taken  faults  slowest     memory"


def write_csv(path: Path, outcomes: list[Outcome]) -> None:
    """A row a subject, with the number of its faults and the first of them."""
    names = [field.name for field in fields(Outcome) if field.name != "faults"]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*names, "faults", "first fault"])
        for found in outcomes:
            first = ascii(found.faults[0]) if found.faults else ""
            writer.writerow([*(getattr(found, name) for name in names), len(found.faults), first])


def main() -> None:
    from tests.hostile.subjects import SUBJECTS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5, help="of all subjects together")
    parser.add_argument("--seed", type=int, default=0, help="of the inputs")
    parser.add_argument("--only", default="", help="subjects whose names have this in them")
    parser.add_argument("--csv", type=Path, help="file for the table")
    given = parser.parse_args()
    chosen = [name for name in SUBJECTS if given.only in name]
    outcomes = []
    print(HEAD, flush=True)
    for found in hunted(chosen, given.minutes * 60 / len(chosen), given.seed):
        outcomes.append(found)
        print(line(found), flush=True)
        for fault in list(dict.fromkeys(found.faults))[:_SHOWN]:
            print(f"    {ascii(fault)[:400]}", flush=True)
    if given.csv:
        write_csv(given.csv, outcomes)
    inputs = sum(found.inputs for found in outcomes)
    faults = sum(len(found.faults) for found in outcomes)
    print(f"{inputs:,} inputs, {faults:,} faults" if faults else f"{inputs:,} inputs, no fault")
    raise SystemExit(1 if faults else 0)


if __name__ == "__main__":
    main()
