"""What keeps a server in bounds: requests a second, kept pictures, and whom it answers."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

_MOST_CLIENTS = 4_096
_EVERYWHERE = ("0.0.0.0", "::", "")


class Rate:
    """Requests a second of each client: a bucket of tokens that fills evenly.

    Args:
        rate: tokens a second; the bucket holds as many, at least one.
        clock: seconds.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = monotonic):
        self.rate, self._clock = rate, clock
        self._most = max(1.0, rate)
        self._clients: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, when

    def wait(self, client: str) -> float:
        """Takes a token; 0, or the seconds until there is one."""
        now = self._clock()
        tokens, before = self._clients.pop(client, (self._most, now))
        tokens = min(self._most, tokens + (now - before) * self.rate)
        taken = tokens >= 1
        self._clients[client] = (tokens - taken, now)
        if len(self._clients) > _MOST_CLIENTS:
            self._clients.popitem(last=False)
        return 0.0 if taken else (1 - tokens) / self.rate


class Cache:
    """Answers that were wanted last, of at most `most` bytes together."""

    def __init__(self, most: int):
        self.most, self.size = most, 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        """What was kept under the key, if it still is."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key: str, answer: bytes) -> None:
        """Keeps the answer, and drops those that were not wanted for longest."""
        self.size += len(answer) - len(self._kept.pop(key, b""))
        self._kept[key] = answer
        while self.size > self.most:
            self.size -= len(self._kept.popitem(last=False)[1])


def is_own(given: str, host: str) -> bool:
    """Whether a Host header names this server.

    A page of a foreign name that is made to lead here (DNS rebinding) still sends that name. A
    server that listens everywhere is known by any address, but by no other name than localhost.

    Args:
        given: the header, with or without a port.
        host: that the server listens on.
    """
    name = given.strip().lower()
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    if name in ("127.0.0.1", "localhost", "::1") or (name and name == host.lower()):
        return True
    return host in _EVERYWHERE and _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
