"""Gives hostile input to all that reads or is called, and brings folders into any state.

    python -m examples.benchmark_hostile [--minutes 5] [--seed 0] [--only WORDS] [--csv FILE]
        [--states N] [--kills K] [--full-disk M] [--pairs R]

Inputs: settings, tables, JSON, arrays, checkpoints, pictures, latents, paths and command lines are
damaged or made up by Hypothesis, see `tests.hostile`, in a process of their own. Each must end in a
result or in one error of ours: another exception, a warning, a process that dies, more than 10
seconds, too much memory, a file outside of the folder or a wrong result is a fault.

States: stores and runs on tiny networks are grown, killed, damaged, replaced, verified and strewn
with files of others, step by step. After each, results are those of a run in peace, what was
finished is there, and no file of others has changed.

Processes: the program itself is stopped by SIGKILL, SIGTERM and SIGINT at random moments of
several commands, K times in all; run on a disk of 4 MiB with a random rest of room, M times; and
started twice at once on one folder or store, R times. The files must be those of a run in peace.

`--minutes 0` leaves the inputs out. Exits with 1 if there was a fault.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
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


def inputs(only: str, minutes: float, seed: int) -> list[Outcome]:
    """Gives hostile input to the subjects whose names have `only` in them, and prints the table."""
    from tests.hostile.subjects import SUBJECTS

    chosen, outcomes = [name for name in SUBJECTS if only in name], []
    print(HEAD, flush=True)
    for found in hunted(chosen, minutes * 60 / len(chosen), seed):
        outcomes.append(found)
        print(line(found), flush=True)
        for fault in list(dict.fromkeys(found.faults))[:_SHOWN]:
            print(f"    {ascii(fault)[:400]}", flush=True)
    return outcomes


def states(count: int, seed: int) -> list[Outcome]:
    """Brings stores and runs into `count` states, a tenth of them of runs."""
    import torch

    from tests.hostile.machines.run import RunMachine
    from tests.hostile.machines.store import StoreMachine
    from tests.hostile.machines.ways import walk

    torch.set_num_threads(1)
    outcomes = [
        walk("state: of a run", RunMachine, count // 10, seed),
        walk("state: of a store", StoreMachine, count - count // 10, seed),
    ]
    for found in outcomes:
        print(f"{found.name:40} {found.taken:7,} states, {len(found.faults)} faults", flush=True)
        for fault in found.faults[:_SHOWN]:
            print(f"    {fault}", flush=True)
    return outcomes


def processes(given: argparse.Namespace) -> list[str]:
    """Stops, starves and doubles the program; what went wrong."""
    from tests.hostile.processes import RUNS, Peace, full_disk, kills, pairs

    def say(text: str) -> None:
        print(text, flush=True)

    rng = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="vectorfind-hostile-") as work:
        peace = Peace(Path(work))
        kinds = tuple(kind for kind in RUNS if given.only in kind)
        found = kills(kinds, given.kills, peace, rng, say) if given.kills else []
        found += full_disk(given.full_disk, peace, rng, say) if given.full_disk else []
        return found + (pairs(given.pairs, peace, rng, say) if given.pairs else [])


def main() -> None:

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5, help="of all subjects together")
    parser.add_argument("--seed", type=int, default=0, help="of the inputs")
    parser.add_argument(
        "--only", default="", help="subjects and commands whose names have this in them"
    )
    parser.add_argument("--csv", type=Path, help="file for the table")
    parser.add_argument("--states", type=int, default=0, help="of folders")
    parser.add_argument("--kills", type=int, default=0, help="of processes")
    parser.add_argument("--full-disk", type=int, default=0, help="moments at which it is full")
    parser.add_argument("--pairs", type=int, default=0, help="of processes at once")
    given = parser.parse_args()
    outcomes = inputs(given.only, given.minutes, given.seed) if given.minutes else []
    outcomes += states(given.states, given.seed) if given.states else []
    if given.csv:
        write_csv(given.csv, outcomes)
    wrong = processes(given)
    print(*wrong, sep="\n", end="\n" if wrong else "")
    count = sum(found.inputs for found in outcomes)
    faults = sum(len(found.faults) for found in outcomes) + len(wrong)
    print(f"{count:,} inputs and states, {faults:,} faults")
    raise SystemExit(1 if faults else 0)


if __name__ == "__main__":
    main()
