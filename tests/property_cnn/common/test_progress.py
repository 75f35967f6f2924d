"""Progress lines, with a clock moved by hand."""

from __future__ import annotations

import io

import pytest

from property_cnn.common import progress
from property_cnn.common.errors import FileError
from property_cnn.common.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A list whose only number is the time in seconds."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_plain_streams_get_a_line_an_interval_and_one_at_the_end(clock):
    stream = io.StringIO()
    bar = Progress("sampling", 4000, "images", stream=stream, interval=10)
    for seconds in (104, 110, 115, 140):
        clock[0] = float(seconds)
        bar.advance(1000)
    assert stream.getvalue().splitlines() == [
        "sampling: 2,000/4,000 images, 200.0/s, 0:10 left",
        "sampling: 4,000/4,000 images, 100.0/s, 0:00 left",
    ]


def test_a_terminal_gets_one_line_that_rewrites_itself(clock):
    stream = Terminal()
    bar = Progress("scoring", 2, stream=stream)
    for seconds in (101, 102):
        clock[0] = float(seconds)
        bar.advance()
    first, second = stream.getvalue().split("\r")[1:]
    assert first.startswith("scoring: 1/2 items, 1.0/s, 0:01 left")
    assert not first.endswith("\n")
    assert second.endswith("\n")


def test_long_times_have_hours(clock):
    stream = io.StringIO()
    bar = Progress("training", 7385, stream=stream, interval=1)
    clock[0] += 1
    bar.advance()
    assert "2:03:04 left" in stream.getvalue()


def test_quiet_prints_nothing_but_counts(clock):
    stream = io.StringIO()
    bar = Progress("sampling", 2, quiet=True, stream=stream)
    bar.advance(2)
    assert bar.done == 2
    assert stream.getvalue() == ""


class Full(io.StringIO):
    def write(self, text):
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("stream", [Full(), Terminal(), io.StringIO(), None])
def test_a_stream_that_is_full_or_closed_stops_nothing(clock, monkeypatch, stream):
    monkeypatch.setattr(progress.sys, "stderr", None)
    bar = Progress("sampling", 2, stream=stream)
    bar.advance(1)
    if stream is not None:
        stream.close()
    bar.note("a line")
    bar.advance(1)
    assert bar.done == 2
    assert Progress("sampling", 2, stream=stream).quiet


def test_what_is_to_come_is_told_before_it_begins(tmp_path):
    stream = io.StringIO()
    bar = Progress("sampling", 4000, "images", stream=stream)
    bar.foresee()
    bar.foresee(1000, 3 * 2**20, tmp_path / "not" / "there")
    bar.foresee(0, 0, tmp_path)
    assert stream.getvalue().splitlines() == [
        "sampling: 4,000 images to make",
        f"sampling: 1,000 images to make, about 3.0 MiB in {tmp_path / 'not' / 'there'}",
    ]


def test_what_the_disk_has_no_room_for_is_refused_before_it_begins(tmp_path):
    bar = Progress("sampling", 10, "images", quiet=True)
    with pytest.raises(FileError, match=r"would take about 1,024 TiB, where .* are free"):
        bar.foresee(size=2**50, folder=tmp_path)
