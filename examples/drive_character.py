"""Drives a character over HTTP and saves what it does, with Python's own library alone.

vectorfind serve demo/characters
python examples/drive_character.py frames 48 http://127.0.0.1:7870
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

SPEEDS = {"eyes": 3.0, "mouth": 5.0, "pose": 1.0, "yaw": 1.0}
"""How often each goes there and back; sliders that a character lacks are left out."""


def main(folder: Path, count: int = 48, address: str = "http://127.0.0.1:7870") -> None:
    with urlopen(f"{address}/characters") as answer:
        character = json.load(answer)["characters"][0]
    folder.mkdir(parents=True, exist_ok=True)
    driven = {name: speed for name, speed in SPEEDS.items() if name in character["properties"]}
    for number in range(count):
        turn = 2 * math.pi * number / count
        sliders = {name: round(math.sin(speed * turn), 3) for name, speed in driven.items()}
        query = urlencode({"character": character["id"], **sliders})
        with urlopen(f"{address}/render?{query}") as answer:
            (folder / f"frame_{number:04d}.png").write_bytes(answer.read())
    print(f"{count} frames of {character['name'] or character['id']}: {folder}")


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 4:
        sys.exit("usage: python examples/drive_character.py FOLDER [FRAMES [ADDRESS]]")
    main(Path(sys.argv[1]), *map(int, sys.argv[2:3]), *sys.argv[3:])
