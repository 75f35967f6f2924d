"""The studio's server: on this machine alone unless told otherwise, and talking to no other."""

from __future__ import annotations

import os
import socket
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path

from property_cnn.common.checks import Whole
from property_cnn.common.errors import InputError
from property_cnn.common.prompt import extra_module
from vectorfind.studio.keeping import Shelf
from vectorfind.studio.stage import Stage

HOST, PORT = "127.0.0.1", 7860
TRIED = 100
"""Ports that are tried from `PORT` on."""

LARGEST = "64mb"
"""Of a file that is opened in the page."""

_QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "GRADIO_SHARE": "False",
    "GRADIO_SSR_MODE": "False",
}
_OWN = "127.0.0.1,localhost"


def check_extra() -> None:
    """Keeps Gradio quiet, and sees that it is there, before anything is loaded.

    Raises:
        MissingError: the extra `studio` is not installed.
    """
    os.environ.update(_QUIET)
    for name in ("NO_PROXY", "no_proxy"):  # Gradio asks its own address whether it is up
        given = os.environ.get(name)
        os.environ[name] = f"{given},{_OWN}" if given else _OWN
    extra_module("gradio", "studio")


def free_port(host: str, port: int | None = None) -> int:
    """The port, or the first free one from `PORT`.

    Raises:
        InputError: it is taken or none at all, or the host is not this machine's.
    """
    if port is not None:
        Whole(1, 65535).check("port", port)
        if not _is_free(host, port):
            raise InputError(f"port {port} of {host} is taken; give another, or leave --port out")
        return port
    for tried in range(PORT, PORT + TRIED):
        if _is_free(host, tried):
            return tried
    raise InputError(f"ports {PORT} to {PORT + TRIED - 1} of {host} are taken; give a --port")


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError as error:
            raise InputError(f"port {port} is the system's; give one from 1024") from error
        except socket.gaierror as error:
            raise InputError(f"there is no host {host!r}; give 127.0.0.1, or 0.0.0.0") from error
        except OSError as error:
            import errno

            if error.errno == errno.EADDRNOTAVAIL:
                raise InputError(
                    f"{host} is no address of this machine; give 127.0.0.1, or 0.0.0.0 for all"
                ) from error
            return False
    return True


def start(stage: Stage, folder: Path, host: str = HOST, port: int | None = None):
    """The running server: `local_url` is its address, `close()` ends it.

    Args:
        stage: the faces.
        folder: of saved characters.
        host: the address to listen on; "0.0.0.0" for all of the machine's.
        port: None for the first free one.

    Raises:
        InputError: the port is taken, or the host is none.
        MissingError: the extra `studio` is not installed.
    """
    check_extra()
    from vectorfind.studio.page import HERE, Page, theme

    port = free_port(host, port)
    blocks = Page(stage, Shelf(folder)).blocks()
    blocks.queue(default_concurrency_limit=1, api_open=False)
    blocks.launch(
        server_name=host,
        server_port=port,
        inbrowser=False,
        share=False,
        quiet=True,
        prevent_thread_lock=True,
        show_error=False,
        footer_links=[],
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        max_file_size=LARGEST,
        app_kwargs={"middleware": [_own_host(host)]},
        theme=theme(),
        css_paths=HERE / "style.css",
        head_paths=HERE / "keys.html",
    )
    return blocks


def _own_host(host: str) -> object:
    """What refuses requests that were meant for another host, as of a foreign name that a page made
    lead here (DNS rebinding); a server that listens everywhere cannot know all of its names.
    """
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    everywhere = host in ("0.0.0.0", "::")
    names = ["*"] if everywhere else ["127.0.0.1", "localhost", "[::1]", host]
    return Middleware(TrustedHostMiddleware, allowed_hosts=names)


def serve(
    stage: Stage,
    folder: Path,
    host: str = HOST,
    port: int | None = None,
    browser: bool = True,
    say: Callable[[str], None] = print,
) -> None:
    """Serves the page until the process is stopped, and opens it in the browser.

    Args:
        stage, folder, host, port: see `start`.
        browser: open it; where there is no browser, that is said.
        say: called with lines of text.
    """
    blocks = start(stage, folder, host, port)
    say(f"studio: {blocks.local_url} (Ctrl+C ends it)")
    try:
        if browser and not _opened(blocks.local_url):
            say(f"no browser was found here; open {blocks.local_url} in one")
        while True:
            time.sleep(3600)
    finally:
        blocks.close(verbose=False)


def _opened(address: str) -> bool:
    try:
        return webbrowser.open(address)
    except (webbrowser.Error, OSError):
        return False
