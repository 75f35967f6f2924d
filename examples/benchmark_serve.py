"""How quickly characters are served: many clients at once, every answer checked to the byte.

    python examples/benchmark_serve.py demo/characters/case_0003.safetensors 1000 8

Every request asks for other sliders, so that no answer is kept; then all are asked once more, from
the kept ones. Drawing and encoding alone, on one thread without a server, stand beside. Clients and
server share one process's cores.
"""

from __future__ import annotations

import http.client
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local
from time import perf_counter
from urllib.parse import urlencode, urlsplit

from property_cnn.common.streams import CASES, random_stream
from property_cnn.pictures import encoded
from vectorfind.characters.character import load_character
from vectorfind.studio.serving.server import serving
from vectorfind.studio.serving.settings import ServeSettings


def main(path: Path, count: int = 1_000, clients: int = 8) -> None:
    character = load_character(path)
    draws = random_stream(0, CASES).uniform(-1, 1, (count, len(character.properties)))
    rows = [dict(zip(character.properties, row.round(4).tolist(), strict=True)) for row in draws]
    character.render()
    wanted, alone = [], []
    for row in rows:
        start = perf_counter()
        wanted.append(encoded(character.render(**row)))
        alone.append(perf_counter() - start)
    print(_told("drawn and encoded alone", alone, sum(alone)))
    with serving([path], ServeSettings(port=0)) as running:
        id = next(iter(running.endpoint.entries))
        print(f"{running.endpoint.workers} workers, {clients} clients, {count:,} requests")
        for what in ("drawn", "kept"):
            start = perf_counter()
            answers = _asked(running.address, id, rows, clients)
            took = perf_counter() - start
            wrong = sum(body != right for (_, body), right in zip(answers, wanted, strict=True))
            print(_told(f"{what}, {wrong} wrong or lost", [time for time, _ in answers], took))


def _asked(address: str, id: str, rows: list[dict], clients: int) -> list[tuple[float, bytes]]:
    """Seconds and bytes of each answer; each client keeps its connection."""
    own = local()

    def ask(row: dict) -> tuple[float, bytes]:
        if not hasattr(own, "connection"):
            own.connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=120)
        start = perf_counter()
        own.connection.request("GET", f"/render?{urlencode({'character': id, **row})}")
        body = own.connection.getresponse().read()
        return perf_counter() - start, body

    with ThreadPoolExecutor(clients) as threads:
        return list(threads.map(ask, rows))


def _told(what: str, seconds: list[float], took: float) -> str:
    parts = statistics.quantiles(seconds, n=20)
    middle, late = 1_000 * statistics.median(seconds), 1_000 * parts[-1]
    return f"{what}: median {middle:.1f} ms, 95 % {late:.1f} ms, {len(seconds) / took:.0f} a second"


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 4:
        sys.exit("usage: python examples/benchmark_serve.py CHARACTER [REQUESTS [CLIENTS]]")
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
