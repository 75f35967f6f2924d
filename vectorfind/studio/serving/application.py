"""The server's answers: a Starlette application over characters that are loaded."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import torch
from joblib import cpu_count
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from property_cnn.common.checks import shown
from property_cnn.common.errors import InputError
from property_cnn.pictures import encoded
from vectorfind import __version__
from vectorfind.models.protocols import device_of
from vectorfind.studio.serving.asking import Refusal, from_json, from_query, picture, question_of
from vectorfind.studio.serving.entries import Entry
from vectorfind.studio.serving.limits import Cache, Rate, is_own
from vectorfind.studio.serving.schema import openapi
from vectorfind.studio.serving.settings import (
    BODY_SECONDS,
    CACHED,
    MOST_BODY,
    MOST_QUERY,
    ServeSettings,
)

_FRESH = {"Cache-Control": "no-cache"}  # kept, and asked for again by its ETag


class Endpoint:
    """Characters behind URLs; `close` ends its workers.

    Args:
        entries: characters by id.
        settings: limits.
        say: called with a line where a picture cannot be drawn.

    Attributes:
        application: the ASGI application.
        workers: pictures drawn at once.
        sent: pictures that were answered.
    """

    def __init__(
        self,
        entries: Mapping[str, Entry],
        settings: ServeSettings | None = None,
        say: Callable[[str], None] = print,
    ):
        self.entries, self.settings = dict(entries), settings or ServeSettings()
        self.workers = self.settings.workers or _workers(self.entries)
        self.sent = 0
        self._waiting, self._cache = 0, Cache(CACHED)
        self._pool = ThreadPoolExecutor(self.workers, "render", torch.set_num_threads, (1,))
        self.application = self._application(say)

    def close(self) -> None:
        """Ends the workers after what they are at."""
        self._pool.shutdown(cancel_futures=True)

    def _application(self, say: Callable[[str], None]) -> Starlette:
        origin, guards = self.settings.allow_origin, []
        if origin is not None:
            shared = {"allow_origins": [origin], "allow_methods": ["GET", "POST"]}
            shared |= {"allow_headers": ["Content-Type"], "expose_headers": ["X-Clipped", "ETag"]}
            guards.append(Middleware(CORSMiddleware, **shared))
        guards.append(Middleware(Guard, settings=self.settings, say=say))
        routes = [
            Route("/", self._root),
            Route("/characters", self._characters),
            Route("/characters/{id}/thumbnail", self._thumbnail),
            Route("/schema", self._schema),
            Route("/render", self._get),
            Route("/render", self._post, methods=["POST"]),
        ]
        handlers = {InputError: _refused, Refusal: _refused, HTTPException: _refused}
        return Starlette(routes=routes, middleware=guards, exception_handlers=handlers)

    async def _root(self, request: Request) -> Response:
        urls = {name: f"/{name}" for name in ("characters", "render", "schema")}
        return JSONResponse({"vectorfind": __version__, **urls}, headers=_FRESH)

    async def _characters(self, request: Request) -> Response:
        described = [entry.described() for entry in self.entries.values()]
        return JSONResponse({"characters": described}, headers=_FRESH)

    async def _schema(self, request: Request) -> Response:
        return JSONResponse(openapi(self.entries), headers=_FRESH)

    async def _thumbnail(self, request: Request) -> Response:
        id = request.path_params["id"]
        if id not in self.entries:
            raise Refusal(404, f"unknown character {shown(id)}; GET /characters lists them")
        pixels = self.entries[id].character.thumbnail
        if not pixels.size:
            raise Refusal(404, f"{id} has no thumbnail; GET /render?character={id} draws it")
        return Response(encoded(pixels), media_type="image/png", headers=_FRESH)

    async def _get(self, request: Request) -> Response:
        return await self._picture(
            request, from_query(request.scope["query_string"].decode("latin-1"))
        )

    async def _post(self, request: Request) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":  # a foreign page may send any other without asking
            raise Refusal(415, "the body is no application/json; send it with that Content-Type")
        return await self._picture(request, from_json(await _body(request)))

    async def _picture(self, request: Request, given: Mapping[str, Any]) -> Response:
        question = question_of(given, self.entries)
        entry = self.entries[question.character]
        tag = question.tag(entry)
        headers = {"ETag": tag, **_FRESH} if request.method != "POST" else {}
        if question.clipped:
            headers["X-Clipped"] = ", ".join(map(quote, question.clipped))
        if request.method != "POST" and _has(request.headers.get("if-none-match", ""), tag):
            return Response(status_code=304, headers=headers)
        drawn = self._cache.get(tag)
        if drawn is None:
            drawn = await self._drawn(lambda: picture(entry.character, question))
            self._cache.put(tag, drawn)
        self.sent += 1
        return Response(drawn, media_type=f"image/{question.form}", headers=headers)

    async def _drawn(self, draw: Callable[[], bytes]) -> bytes:
        """What a worker draws; one thread runs this, so that nothing is counted twice."""
        if self._waiting >= self.workers + self.settings.queue:
            raise Refusal(503, "too many pictures wait; ask again later", {"Retry-After": "1"})
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, draw)
        finally:
            self._waiting -= 1


class Guard:
    """What every request passes: its host, length and rate; and no error comes out of it.

    Args:
        app: the application behind it.
        settings, say: see `Endpoint`.
    """

    def __init__(self, app: Callable[..., Awaitable], settings: ServeSettings, say: Callable):
        self.app, self.settings, self.say = app, settings, say
        self.rate = None if settings.rate is None else Rate(settings.rate)
        policy = "same-origin" if settings.allow_origin is None else "cross-origin"
        self.headers = [
            (b"x-content-type-options", b"nosniff"),
            (b"cross-origin-resource-policy", policy.encode()),
        ]

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        started = False

        async def told(message: dict) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message = {**message, "headers": [*message["headers"], *self.headers]}
            await send(message)

        request = Request(scope, receive)
        try:
            self._check(request)
            return await self.app(scope, receive, told)
        except ClientDisconnect:
            return
        except Refusal as refusal:
            answer = await _refused(request, refusal)
        except Exception as error:  # whatever a generator or the memory does: never a traceback
            self.say(f"error: {scope['path']}: {type(error).__name__}: {error}")
            answer = _error(500, "the answer could not be made; the server's output says why")
        if not started:
            await answer(scope, receive, told)

    def _check(self, request: Request) -> None:
        if not is_own(request.headers.get("host", ""), self.settings.host):
            raise Refusal(403, "foreign Host; use the address that the server listens on")
        scope = request.scope
        if len(scope.get("raw_path", b"")) + len(scope["query_string"]) > MOST_QUERY:
            raise Refusal(413, f"the query is longer than {MOST_QUERY:,} characters; POST JSON")
        wait = self.rate.wait(request.client.host if request.client else "") if self.rate else 0
        if wait:
            after = {"Retry-After": str(math.ceil(wait))}
            raise Refusal(429, f"more than {self.settings.rate:g} requests a second", after)


async def _body(request: Request) -> bytes:
    """The request's body; Refusal where it is too long or too slow."""
    long = Refusal(413, f"the body is longer than {MOST_BODY:,} bytes; send less")
    length = request.headers.get("content-length", "0")
    if len(length) > 9 or (length.isdecimal() and int(length) > MOST_BODY):
        raise long
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > MOST_BODY:
                    raise long
    except TimeoutError:
        raise Refusal(408, f"the body did not come within {BODY_SECONDS:g} seconds") from None
    return body


async def _refused(request: Request, error: Exception) -> Response:
    """The answer to a request that is not answered."""
    if isinstance(error, HTTPException):
        return _error(error.status_code, f"{error.detail}: see /schema", error.headers)
    if isinstance(error, Refusal):
        return _error(error.status, str(error), error.headers)
    return _error(400, str(error))


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    headers = {**(headers or {}), "Cache-Control": "no-store"}
    return JSONResponse({"error": " ".join(message.split())}, status, headers)


def _has(header: str, tag: str) -> bool:
    """Whether an If-None-Match names the tag."""
    given = [each.strip().removeprefix("W/") for each in header.split(",")]
    return tag in given or given == ["*"]


def _workers(entries: Mapping[str, Entry]) -> int:
    """One a core, where all generators bear with several threads and run on the CPU."""
    generators = [entry.character.generator for entry in entries.values()]
    together = all(
        getattr(each, "thread_safe", False) and device_of(each).type == "cpu" for each in generators
    )
    return cpu_count() if together else 1
