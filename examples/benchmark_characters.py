"""Frames a second of a character's stream, beside synthesis alone, by size.

    python examples/benchmark_characters.py run/characters/case_0014.safetensors --frames 40
    python examples/benchmark_characters.py photo.safetensors --size 128 --size 256 --frames 10

By turns in one run, on one thread, by the processor's time, so that other work on the machine
counts little; a frame moves three sliders and becomes 8-bit pixels.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from property_cnn.common.tasks import one_thread
from vectorfind.characters.character import Character, load_character


def main() -> None:
    """Prints a line a size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("character")
    parser.add_argument("--size", type=int, action="append")
    parser.add_argument("--frames", type=int, default=20)
    given = parser.parse_args()
    print("size  frames/s  synthesis/s  share")
    for size in given.size or (None,):
        print(measured(load_character(given.character, size=size), given.frames), flush=True)


def measured(character: Character, count: int) -> str:
    """A line: side of the images, and frames and images a second."""
    generator, face, stream = character.generator, character.face, character.stream()
    vector = torch.from_numpy(face.latent[None])
    sliders = np.sin(np.arange(count)[:, None] + np.arange(len(face.properties)))
    frames, alone = [], []
    with one_thread(), torch.inference_mode():
        generator.synthesize(vector, face.layer)
        side = stream.frame().shape[0]
        for row in sliders.tolist():
            values = dict(zip(face.properties, row, strict=True))
            alone.append(seconds(partial(generator.synthesize, vector, face.layer)))
            frames.append(seconds(partial(stream.frame, **values)))
    rate, bare = 1 / np.median(frames), 1 / np.median(alone)
    return f"{side:4}  {rate:8.1f}  {bare:11.1f}  {rate / bare:5.2f}"


def seconds(call: Callable[[], object]) -> float:
    """Of the processor, that a call takes."""
    start = time.process_time()
    call()
    return time.process_time() - start


if __name__ == "__main__":
    main()
