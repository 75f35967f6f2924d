"""How long the studio takes from a slider to the picture, beside synthesis and encoding alone.

    python -m examples.benchmark_studio

The three are measured by turns, so that whatever else the machine does slows all of them alike:
synthesis and PNG without the page; the page's event, asked of the server over HTTP; and, where
there is a browser, from the slider's event in it to the new picture in its document.
"""

from __future__ import annotations

import http.client
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlparse

import click
import numpy as np

from property_cnn.pictures import encoded
from vectorfind.studio.opening import open_stage
from vectorfind.studio.server import start
from vectorfind.studio.session import View
from vectorfind.studio.stage import Stage

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")
MOVED = """async (value) => {
  const image = () => document.querySelector('#picture .shown img').src;
  const slider = document.querySelector('#slider-0 input[type=range]');
  const before = image(), began = performance.now();
  slider.value = value;
  slider.dispatchEvent(new Event('input', {bubbles: true}));
  while (image() === before) await new Promise((next) => setTimeout(next, 1));
  return performance.now() - began;
}"""


def alone(stage: Stage, view: View) -> Callable[[float], float]:
    """Milliseconds of one picture without the page."""
    character = stage.character(view.choice)

    def measure(value: float) -> float:
        began = time.perf_counter()
        encoded(character.render(eyes=value), quick=True)
        return 1000 * (time.perf_counter() - began)

    return measure


def served(blocks, stage: Stage, view: View) -> Callable[[float], float]:
    """Milliseconds of the slider's event, asked over a connection that stays."""
    address = urlparse(blocks.local_url)
    connection = http.client.HTTPConnection(address.hostname, address.port)
    event = next(
        number
        for number, each in blocks.fns.items()
        if any(kind == "input" for _, kind in each.targets) and len(each.outputs) == 4
    )
    sliders = list(stage.sliders(view).values())
    count = len(blocks.fns[event].inputs) - 2

    def measure(value: float) -> float:
        values = [value, *sliders[1:]] + [0] * (count - len(sliders))
        body = {"data": [None, 0, *values], "fn_index": event, "session_hash": "benchmark"}
        began = time.perf_counter()
        connection.request(
            "POST",
            "/gradio_api/run/predict",
            json.dumps(body),
            {"Content-Type": "application/json"},
        )
        answer = connection.getresponse().read()
        took = 1000 * (time.perf_counter() - began)
        if b"data:image/png" not in answer:
            raise SystemExit(f"the server answered {answer[:200]!r}")
        return took

    return measure


def told(name: str, times: list[float]) -> str:
    """A line of a table."""
    return f"| {name} | {np.median(times):.1f} | {np.percentile(times, 95):.1f} |"


@click.command()
@click.option("--times", default=100, show_default=True, help="Pictures each.")
@click.option("--browser/--no-browser", default=True)
def main(times: int, browser: bool) -> None:
    """Prints medians and 95 % quantiles in milliseconds."""
    stage = open_stage(device="cpu")
    view = stage.first
    with tempfile.TemporaryDirectory() as folder:
        blocks = start(stage, Path(folder))
        ways = {"synthesis and PNG alone": alone(stage, view)}
        ways["the page's event, at the server"] = served(blocks, stage, view)
        found: dict[str, list[float]] = {name: [] for name in ways}
        for number, value in enumerate(np.linspace(-0.95, 0.95, times + 10)):
            for name, measure in ways.items():
                took = measure(round(float(value), 4))
                if number >= 10:
                    found[name].append(took)
        program = next(filter(None, map(shutil.which, BROWSERS)), None)
        if browser and program:
            found["from slider to picture, in the browser"] = in_browser(
                program, blocks.local_url, times
            )
        blocks.close(verbose=False)
    click.echo("| | median, ms | 95 %, ms |\n|---|---:|---:|")
    for name, each in found.items():
        click.echo(told(name, each))
    first, second = (np.median(each) for each in list(found.values())[:2])
    click.echo(f"server / alone: {second / first:.2f}")


def in_browser(program: str, address: str, times: int) -> list[float]:
    """Milliseconds from the slider's event to the new picture in the document."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto(address)
        page.wait_for_selector("#picture .shown img")
        page.wait_for_selector("#gallery button")
        page.wait_for_timeout(2000)
        places = np.round(np.linspace(-0.95, 0.95, min(times, 190)), 2)
        taken = []
        for value in places:
            taken.append(page.evaluate(MOVED, float(value)))
            page.wait_for_timeout(50)  # as the next move of a hand
        browser.close()
    return taken[5:]


if __name__ == "__main__":
    main()
