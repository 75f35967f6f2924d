"""A run that is killed goes on to the bytes of one that is not."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from stylegan_ft.finetune.run import CHECKPOINT
from tests.test_imports import ROOT

CHILD = """
import sys
import torch
from stylegan_ft.finetune.run import Judges, finetune
from stylegan_ft.finetune.settings import FinetuneSettings
from tests.stylegan_ft.tiny_runs import base_network, real_images, scorer
torch.set_num_threads(1)
settings = FinetuneSettings(batches=24, batch_size=4, checkpoint_every=2, grid_every=3)
finetune("v5-3", base_network(), real_images(3), sys.argv[1], settings, Judges(scorer=scorer()),
         log=lambda line: print(line, flush=True))
print("done", flush=True)
"""


def run(out: Path, kill_after: int | None) -> bool:
    """Runs the child, or kills it after so many rows of its log; whether it came to its end."""
    command = [sys.executable, "-c", CHILD, str(out)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        for count, line in enumerate(child.stdout, start=1):
            if line.strip() == "done":
                return True
            if count == kill_after:
                child.send_signal(signal.SIGKILL)
    return False


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
