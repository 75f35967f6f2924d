"""The server as a whole: it listens, loads, answers in a thread, and ends in order."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from property_cnn.common.errors import InputError
from property_cnn.common.prompt import extra_module
from vectorfind.studio.serving.settings import EXTRA, ServeSettings

if TYPE_CHECKING:
    from vectorfind.models.protocols import Generator
    from vectorfind.studio.serving.application import Endpoint

_LAST_SECONDS = 8  # for what is running when the server ends
_LONGEST_HEAD = 16_384  # bytes of a request's line and headers
_CONNECTIONS = 1_024


@dataclass(frozen=True)
class Running:
    """A server that answers.

    Attributes:
        address: where, as "http://127.0.0.1:7870".
        endpoint: what it answers with.
    """

    address: str
    endpoint: Endpoint
    _ended: threading.Event

    def wait(self) -> None:
        """Until it ends; a signal's exception goes through."""
        while not self._ended.wait(1):  # `Thread.join` takes a thread for ended that a signal meets
            pass


@contextmanager
def serving(
    paths: Sequence[str | os.PathLike],
    settings: ServeSettings | None = None,
    say: Callable[[str], None] = print,
    generator: str | os.PathLike | Generator | None = None,
    size: int | None = None,
    device: str | None = None,
) -> Iterator[Running]:
    """Characters at an address inside; at the end, what is running is finished.

    Args:
        paths: files of characters, or folders of them.
        settings: where, and the limits.
        say: called with a line where a picture cannot be drawn.
        generator, size, device: see `load_character`.

    Raises:
        InputError: the port is taken, the host none of this machine, or there is no character.
        CheckpointError: a character or its generator is missing, damaged or foreign.
        MissingError: the extra `studio` is not installed.
    """
    settings = ServeSettings() if settings is None else settings
    for name in ("starlette", "uvicorn"):
        extra_module(name, EXTRA)
    with listening(settings.host, settings.port) as listener:
        from vectorfind.studio.serving.application import Endpoint
        from vectorfind.studio.serving.entries import load_entries

        endpoint = Endpoint(load_entries(paths, generator, size, device), settings, say)
        try:
            with _answering(endpoint, listener) as ended:
                yield Running(address_of(listener), endpoint, ended)
        finally:
            endpoint.close()


def listening(host: str, port: int) -> socket.socket:
    """A socket on an address of this machine.

    Raises:
        InputError: it is taken, the system's own, or none of this machine.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    if os.name != "nt":  # there it would share a port that is taken
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except (OSError, UnicodeError) as error:
        listener.close()
        raise InputError(_why_not(host, port, error)) from error
    return listener


def address_of(listener: socket.socket) -> str:
    """URL of a socket that listens."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _why_not(host: str, port: int, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"port {port} of {host} is taken; give another by --port, 0 for any free one"
    if number in (errno.EACCES, errno.EPERM):
        return f"port {port} is the system's own; give one from 1024"
    return f"{host} is no address of this machine; give 127.0.0.1, or 0.0.0.0 for all"


@contextmanager
def _answering(endpoint: Endpoint, listener: socket.socket) -> Iterator[threading.Event]:
    """uvicorn in a thread of its own, so that signals stay the program's."""
    import uvicorn

    options: dict[str, Any] = {
        "loop": "asyncio",
        "http": "h11",
        "ws": "none",
        "lifespan": "off",
        "log_config": None,
        "log_level": "critical",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_keep_alive": 30,
        "timeout_graceful_shutdown": _LAST_SECONDS,
        "h11_max_incomplete_event_size": _LONGEST_HEAD,
        "limit_concurrency": _CONNECTIONS,
    }
    server = uvicorn.Server(uvicorn.Config(endpoint.application, **options))
    ended = threading.Event()

    def run() -> None:
        try:
            server.run([listener])
        finally:
            ended.set()

    thread = threading.Thread(target=run, name="server")
    thread.start()
    try:
        while not server.started and not ended.wait(0.01):
            pass
        yield ended
    finally:
        server.should_exit = True
        thread.join()
