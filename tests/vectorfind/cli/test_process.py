"""The program as a process: signals, closed and full streams, and the number of threads."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from property_cnn.network.cnn import PropertyCNN
from property_cnn.network.layout import NetworkSettings
from property_cnn.network.scorer import save_scorer
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.architectures.stylegan1.settings import GeneratorConfig
from stylegan_ft.formats.checkpoint import save_generator
from tests.vectorfind.run_files import run_contents
from vectorfind.cli import main
from vectorfind.cli.process import KEEPING, stop_message

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and streams of POSIX")

PROGRAM = [sys.executable, "-m", "vectorfind"]
SIDE = 32
LONG = ["-n", "100K", "--batch-size", "8"]


def started(words, **more):
    """The program at work, with the usual handling of signals, whatever the suite runs under."""
    usual = [sys.executable, "-c", "import signal, os, sys; "
             "signal.signal(signal.SIGINT, signal.default_int_handler); "
             "signal.signal(signal.SIGTERM, signal.SIG_DFL); "
             "signal.signal(signal.SIGHUP, signal.SIG_DFL); "
             "os.execv(sys.argv[1], sys.argv[1:])"]  # fmt: skip
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    return subprocess.Popen([*usual, *PROGRAM, *words], text=True, **pipes)


def wait_for(condition, process, seconds=120):
    until = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)


def computing(process):
    """Whether it has started threads of tasks, beside those of its libraries."""
    names = Path(f"/proc/{process.pid}/task").glob("*/comm")
    return len(list(names)) > 2


CASES = {
    "find": (
        signal.SIGINT,
        ["find", *LONG, "--workers", "2", "--out", "d.npz"],
        "store",
        "nothing is half-written",
    ),
    "sample": (signal.SIGTERM, ["sample", *LONG, "--store", "store"], "store", "kept in store;"),
    "test": (signal.SIGHUP, ["test", *LONG, "--out", "run"], "run", "kept in run;"),
}


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
@pytest.mark.parametrize("command", CASES)
def test_a_signal_ends_the_work_in_one_line(tmp_path, command):
    number, words, folder, said = CASES[command]
    process = started(words, cwd=tmp_path)
    try:
        if command == "find":
            wait_for(lambda: computing(process), process)
        else:
            wait_for(lambda: any((tmp_path / folder).rglob("manifest.json")), process)
        time.sleep(1)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 128 + number
    assert out == ""
    last = err.strip().splitlines()[-1]
    assert last.startswith(f"Stopped by {number.name}: ")
    assert said in last
    assert "Traceback" not in err
    assert "terminate" not in err
    assert not list(tmp_path.rglob(".partial-*"))


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """Options that name small untrained networks, whose latents are as wide as the shipped's."""
    folder = tmp_path_factory.mktemp("networks")
    generator, scorer = folder / "generator.safetensors", folder / "scorer.safetensors"
    config = GeneratorConfig(resolution=SIDE, channels=(16, 16, 16, 16))
    save_generator(generator, GeneratorNetwork(config, seed=0))
    save_scorer(PropertyCNN(NetworkSettings(resolution=SIDE, width=2, features=4)), scorer)
    return ["--generator", str(generator), "--scorer", str(scorer)]


@pytest.fixture(scope="module")
def stored(networks):
    """Words that fill a store."""
    return ["sample", "-n", "600", "--batch-size", "64", "--store", "store", "--quiet", *networks]


@pytest.fixture(scope="module")
def whole(tmp_path_factory, stored):
    """The folder where `stored` ran to its end, undisturbed."""
    folder = tmp_path_factory.mktemp("whole")
    subprocess.run([*PROGRAM, *stored], cwd=folder, check=True, capture_output=True)
    return folder


def test_what_a_signal_stopped_goes_on_to_the_same_bytes(tmp_path, stored, whole):
    process = started(stored, cwd=tmp_path)
    wait_for(lambda: any(tmp_path.rglob("manifest.json")), process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    subprocess.run([*PROGRAM, *stored], cwd=tmp_path, check=True, capture_output=True)
    assert same_files(whole, tmp_path)


NO_SPACE = "No space left on device"

UNFORESEEN = """
import runpy, shutil, sys
shutil.disk_usage = lambda path: shutil._ntuple_diskusage(2**40, 0, 2**40)
sys.argv[0] = "vectorfind"
runpy.run_module("vectorfind", run_name="__main__")
"""
"""The command, on a disk that seems to have room when the work begins."""


def test_a_full_disk_is_one_line_and_the_work_goes_on_after_room_is_made(tmp_path, stored, whole):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("cannot mount a file system here")
    words, unforeseen = [*PROGRAM, *stored], [sys.executable, "-c", UNFORESEEN, *stored]
    try:
        trials = {
            12: (words, "make room"),
            200: (unforeseen, NO_SPACE),
            1500: (unforeseen, NO_SPACE),
        }
        for room, (given, said) in trials.items():  # KiB: before the work, at its start, and within
            filler = disk / "filler"
            free = shutil.disk_usage(disk).free - room * 1024
            filler.write_bytes(bytes(max(free, 0)))
            full = subprocess.run(given, cwd=disk, capture_output=True, text=True)
            filler.unlink()
            assert full.returncode == 2
            assert len(full.stderr.splitlines()) == 1
            assert said in full.stderr
            assert not list(disk.rglob(".partial-*"))
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        subprocess.run(words, cwd=disk, check=True, capture_output=True)
        assert same_files(whole, disk)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def same_files(one, other):
    """Whether the folders hold the same, but for what bears seconds."""
    there, here = run_contents(one), run_contents(other)
    assert len(there) > 3
    assert there.keys() == here.keys()
    return there == here


def commands(group=main, words=()):
    for name, command in group.commands.items():
        yield " ".join([*words, name]), command
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))


def test_commands_that_keep_something_are_named_with_their_options():
    every = dict(commands())
    for name, options in KEEPING.items():
        assert set(options) <= {option.name for option in every[name].params}


@pytest.mark.parametrize("command", ["test", "hair distill", "edit"])
def test_the_line_says_what_is_kept_and_how_to_go_on(command):
    context = click.Context(click.Command("x"), info_name=f"vectorfind {command}")
    context.params = {"out": Path("here"), "overwrite": command == "test"}
    with context:
        message = stop_message(signal.SIGINT)
    assert message.startswith("Stopped by SIGINT: ")
    assert ("kept in here;" in message) == (command != "edit")
    assert ("without --overwrite" in message) == (command == "test")


STREAMS = {
    "stderr full": ("2>/dev/full", 0),
    "stdout full": (">/dev/full", 2),
    "all closed": ("<&- >&- 2>&-", 0),
    "no reader": ("| true", 0),
}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("stream", STREAMS)
def test_a_stream_that_is_closed_or_full_stops_nothing(tmp_path, networks, stream):
    redirect, code = STREAMS[stream]
    words = shlex.join([*PROGRAM, "sample", "-n", "5", "--out", "s.npz", *networks])
    line = f"{words} {redirect}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True)
    assert (tmp_path / "s.npz").stat().st_size > 1000
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    if stream == "stdout full":
        assert done.stderr.endswith(
            "Error: the work is done, but stdout refuses the result: No space left on device\n"
        )


LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
TINY = ["test", "-n", "120", "--cases", "3", "--control-cases", "2", "--group-by", "", "--quiet"]
TINY += ["--properties", "eyes,mouth"]


def test_bytes_do_not_depend_on_the_cores(tmp_path, networks):
    usual = {name: value for name, value in os.environ.items() if name not in LIBRARIES}
    words = [*PROGRAM, *TINY, *networks, "--method", "mixed", "--out", "run"]  # SVM, and networks
    ways = {
        "several": (usual | dict.fromkeys(LIBRARIES, "3"), ()),
        "one": (usual | dict.fromkeys(LIBRARIES, "1"), ()),
    }
    if hasattr(os, "sched_setaffinity"):
        pin = "import os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
        pin += "os.execv(sys.argv[1], sys.argv[1:])"
        ways["pinned"] = (usual, (sys.executable, "-c", pin))
    for name, (environment, before) in ways.items():
        (tmp_path / name).mkdir()
        subprocess.run(
            [*before, *words], cwd=tmp_path / name, env=environment, check=True, capture_output=True
        )
    for table in tmp_path.rglob("n_curve.csv"):
        table.write_text(without_time(table.read_text()))
    assert all(same_files(tmp_path / "several", tmp_path / name) for name in ways)


def without_time(table):
    rows = [row.split(",") for row in table.splitlines()]
    place = rows[0].index("time")
    return "\n".join(",".join(row[:place] + row[place + 1 :]) for row in rows)
