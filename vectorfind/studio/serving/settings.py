"""How characters are served unless told otherwise, and the limits of requests; without PyTorch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from property_cnn.common.checks import Number, Settings, Whole, Workers, refused

EXTRA = "studio"
"""Extra that brings the server's packages."""

MOST_QUERY = 2_048
"""Most characters of a path with its query."""

MOST_BODY = 16_384
"""Most bytes of a request's body."""

BODY_SECONDS = 10.0
"""Time within which a body has come."""

LEAST_SIDE, MOST_SIDE = 16, 1_024
"""Of a picture that is wanted in another size than the generator's."""

CACHED = 64 * 2**20
"""Bytes of pictures that are kept for requests that come again."""

FORMS = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP"}
"""Formats by the name that a request gives -> its name in `property_cnn.pictures`."""

RESERVED = ("character", "format", "size")
"""Names of parameters that no property may have."""

_ORIGIN = re.compile(r"\*|https?://[A-Za-z0-9.\[\]:-]{1,255}")


@dataclass(frozen=True)
class ServeSettings(Settings):
    """Where and how characters are served.

    Attributes:
        host: the address to listen on; "0.0.0.0" for all of the machine's.
        port: of it; 0 for any free one.
        rate: most requests a second and client, as many at once; None for no limit.
        queue: most pictures that wait for a worker.
        workers: pictures drawn at once; None for one a core.
        allow_origin: of pages that may read answers, as "http://localhost:5173", or "*".
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Whole(0, 65_535)] = 7870
    rate: Annotated[float, Number(0, 1e6, above=True)] | None = None
    queue: Annotated[int, Whole(0, 100_000)] = 64
    workers: Workers | None = None
    allow_origin: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.allow_origin is not None and not _ORIGIN.fullmatch(self.allow_origin):
            raise refused("origin", self.allow_origin, "one as http://localhost:5173, or *")
