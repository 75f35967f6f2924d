"""Toy characters behind a real server, and a client that reads what comes."""

from __future__ import annotations

import http.client
import json
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlencode, urlsplit

import numpy as np
import pytest

from vectorfind.characters.character import Character
from vectorfind.models.pair import Models
from vectorfind.studio.serving.settings import ServeSettings


class Client:
    """One connection to a server."""

    def __init__(self, address: str):
        self.connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)

    def ask(self, path, method="GET", body=None, headers=None, **query):
        """Status, headers by small names, and bytes of an answer."""
        url = f"{path}?{urlencode(query)}" if query else path
        self.connection.request(method, url, body, headers or {})
        answer = self.connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, named, answer.read()

    def refused(self, path, *args, **query):
        """Status and error of an answer that is one."""
        status, headers, body = self.ask(path, *args, **query)
        assert headers["content-type"] == "application/json"
        told = json.loads(body)
        assert list(told) == ["error"]
        assert "Traceback" not in told["error"]
        return status, told["error"]


class ManyThreads:
    """A toy generator that bears with several threads."""

    thread_safe = True

    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        return getattr(self.inner, name)


@pytest.fixture(scope="session")
def generator(models: Models):
    return ManyThreads(models.generator)


@pytest.fixture(scope="session")
def anna(found) -> Character:
    z, label = np.full(14, 0.1, np.float32), np.full(2, -0.2, np.float32)
    return Character.from_latent(found(), z, label, name="Anna", note="calm")


@pytest.fixture(scope="session")
def folder(anna, tmp_path_factory):
    """Two characters of one name, and one that is dyed."""
    path = tmp_path_factory.mktemp("characters")
    anna.save(path / "one.safetensors")
    moved = replace(anna.face, latent=anna.face.latent + 0.5)
    replace(anna, face=moved).save(path / "two.safetensors")
    replace(anna, name="Änne!").save(path / "zwei.safetensors")
    return path


@pytest.fixture(scope="session")
def serve(folder, generator):
    """A server of the folder on a free port, with settings; the lines that it says are kept."""
    pytest.importorskip("starlette", reason="needs the extra studio")
    pytest.importorskip("uvicorn", reason="needs the extra studio")
    from vectorfind.studio.serving.server import serving

    @contextmanager
    def start(said=None, network=generator, **settings):
        chosen = ServeSettings(port=0, **settings)
        say = print if said is None else said.append
        with serving([folder], chosen, say, network) as running:
            yield running

    return start


@pytest.fixture(scope="session")
def running(serve):
    with serve(queue=1_000) as server:
        yield server


@pytest.fixture
def client(running):
    each = Client(running.address)
    yield each
    each.connection.close()
