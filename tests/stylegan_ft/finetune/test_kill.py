"""A run that is killed goes on to the bytes of one that is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from stylegan_ft.finetune.run import CHECKPOINT, Judges, finetune
from stylegan_ft.finetune.settings import VARIANTS, FinetuneSettings
from tests import children
from tests.stylegan_ft.tiny_runs import base_network, real_images, scorer

SETTINGS = FinetuneSettings(batches=6, batch_size=4, checkpoint_every=2, grid_every=3)


def work(out: Path, log) -> None:
    """A run that sends each row of its log, of which there is one every two batches."""
    torch.set_num_threads(1)
    VARIANTS["v5-3"] = replace(VARIANTS["v5-3"], log_every=2)
    judges = Judges(scorer=scorer())
    finetune("v5-3", base_network(), real_images(3), out, SETTINGS, judges, log=log.send)


def run(out: Path, kill_after: int | None) -> bool:
    """Runs the child, or kills it after so many rows of its log; whether it came to its end."""
    rows, log = children.forks().Pipe(duplex=False)
    child = children.started(work, out, log)
    log.close()
    try:
        count = 0
        while True:
            rows.recv()
            count += 1
            if count == kill_after:
                child.kill()
    except EOFError:  # it is gone
        child.join()
    return child.exitcode == 0


def files(out: Path) -> dict[str, bytes]:
    names = [path.name for path in out.iterdir() if path.name != CHECKPOINT]
    return {name: (out / name).read_bytes() for name in sorted(names)}


def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path):
    assert run(tmp_path / "whole", None)
    assert not run(tmp_path / "killed", 1)
    assert not run(tmp_path / "killed", 3)
    assert run(tmp_path / "killed", None)
    rest = {path.name for path in (tmp_path / "killed").glob(".partial-*")}
    found = {name: data for name, data in files(tmp_path / "killed").items() if name not in rest}
    assert found == files(tmp_path / "whole")
