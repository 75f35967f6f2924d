"""Answers over HTTP: the right bytes from many at once, limits, and errors that are JSON."""

import json
import random
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from io import BytesIO
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from property_cnn.pictures import encoded
from tests.vectorfind.studio.serving.conftest import Client, ManyThreads

JSON = {"Content-Type": "application/json"}


def test_the_root_points_to_the_rest(client):
    status, headers, body = client.ask("/")
    assert status == 200
    assert "access-control-allow-origin" not in headers
    assert headers["cross-origin-resource-policy"] == "same-origin"
    for name in ("characters", "schema"):
        status, _, told = client.ask(json.loads(body)[name])
        assert status == 200
        assert json.loads(told)


def test_characters_are_told_with_urls_that_work(client):
    told = json.loads(client.ask("/characters")[2])["characters"]
    assert [each["id"] for each in told] == ["anna", "anna-2", "anne"]
    for each in told:
        for url in (each["thumbnail"], each["render"]):
            status, headers, body = client.ask(url)
            assert (status, headers["content-type"]) == (200, "image/png")
            assert Image.open(BytesIO(body)).size == (8, 8)


def test_a_picture_is_the_librarys_to_the_byte(client, anna, generator):
    asked = {"eyes": 0.25, "pose": -0.75}
    wanted = encoded(anna.attached(generator).render(**asked))
    assert client.ask("/render", character="anna", **asked)[2] == wanted
    body = json.dumps({"character": "anna", **asked})
    status, headers, picture = client.ask("/render", "POST", body, JSON)
    assert (status, picture) == (200, wanted)
    assert "etag" not in headers
    status, headers, picture = client.ask("/render", character="anna", size=20, format="webp")
    assert headers["content-type"] == "image/webp"
    assert Image.open(BytesIO(picture)).size == (20, 20)


def test_what_was_clipped_is_told(client):
    _, headers, clipped = client.ask("/render", character="anna", eyes=2, mouth=-7, pose=0)
    assert headers["x-clipped"] == "eyes, mouth"
    _, headers, ends = client.ask("/render", character="anna", eyes=1, mouth=-1, pose=0)
    assert "x-clipped" not in headers
    assert clipped == ends


def test_a_picture_that_the_client_has_is_not_sent(client):
    _, headers, _ = client.ask("/render", character="anna", eyes=0.1)
    assert headers["cache-control"] == "no-cache"
    for given in (headers["etag"], f'"x", W/{headers["etag"]}', "*"):
        status, again, body = client.ask(
            "/render", headers={"If-None-Match": given}, character="anna", eyes=0.1
        )
        assert (status, body, again["etag"]) == (304, b"", headers["etag"])
    status, _, _ = client.ask(
        "/render", headers={"If-None-Match": headers["etag"]}, character="anna", eyes=0.2
    )
    assert status == 200


def test_head_has_no_body(client):
    status, headers, body = client.ask("/render", "HEAD", character="anna")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 0


REFUSED = {
    "/nothing": 404,
    "/characters/bert/thumbnail": 404,
    "/characters/..%2f..%2fetc/thumbnail": 404,
    "/render": 400,
    "/render?character=bert": 404,
    "/render?character=anna&nose=1": 400,
    "/render?character=anna&eyes=a": 400,
    "/render?character=anna&eyes=%ff%00": 400,
    "/render?character=anna&eyes=1&eyes=1": 400,
    "/render?character=anna&size=99999": 400,
    "/render?character=anna&format=exe": 400,
    "/render?character=anna&" + "x" * 2_048: 413,
}


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path[:40])
def test_refusals_are_json(client, path):
    assert client.refused(path)[0] == REFUSED[path]


def test_bodies_are_bounded(client, running):
    assert client.refused("/render", "DELETE")[0] == 405
    assert client.refused("/render", "POST", "{}", {"Content-Type": "text/plain"})[0] == 415
    assert client.refused("/render", "POST", "{}", JSON)[0] == 400
    for body in (b" " * 20_000, iter([b" " * 9_000, b" " * 9_000])):  # of a length, and in parts
        with closing(Client(running.address).connection) as connection:
            connection.request("POST", "/render", body, JSON, encode_chunked=True)
            assert connection.getresponse().status == 413


def test_a_foreign_host_is_refused(client):
    assert client.refused("/", headers={"Host": "evil.example"})[0] == 403


def test_rubbish_does_not_end_the_server(client, running):
    where = urlsplit(running.address)
    for rubbish in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"a" * 40_000):
        with socket.create_connection((where.hostname, where.port), 10) as connection:
            connection.sendall(rubbish)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4_096):
                pass
    assert client.ask("/")[0] == 200


def test_many_at_once_get_what_they_asked_for(running, anna, generator):
    draws = random.Random(0)
    rows = [{name: round(draws.uniform(-1, 1), 2) for name in anna.properties} for _ in range(40)]
    alone = anna.attached(generator)
    wanted = [encoded(alone.render(**row)) for row in rows]
    asked = [number % len(rows) for number in range(200)]
    local = threading.local()

    def ask(number):
        if not hasattr(local, "client"):
            local.client = Client(running.address)
        return local.client.ask("/render", character="anna", **rows[number])

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, asked))
    assert [status for status, _, _ in answers] == [200] * 200
    assert all(answers[i][2] == wanted[number] for i, number in enumerate(asked))


def test_a_rate_is_kept(serve):
    with serve(rate=2) as running, closing(Client(running.address).connection) as connection:
        client = Client(running.address)
        client.connection = connection
        assert [client.ask("/")[0] for _ in range(2)] == [200, 200]
        status, headers, _ = client.ask("/")
        assert (status, headers["retry-after"]) == (429, "1")


class Slow(ManyThreads):
    """Draws when it is let, or fails."""

    def __init__(self, inner):
        super().__init__(inner)
        self.go, self.begun = threading.Event(), threading.Semaphore(0)
        self.go.set()
        self.error = None

    def synthesize(self, latents, layer):
        self.begun.release()
        assert self.go.wait(60)
        if self.error:
            raise self.error
        return self.inner.synthesize(latents, layer)


@pytest.fixture
def slow(generator):
    each = Slow(generator)
    yield each
    each.go.set()


def test_a_full_queue_is_refused_and_what_waits_is_answered(serve, slow):
    with serve(network=slow, workers=1, queue=1) as running, ThreadPoolExecutor(2) as threads:
        while slow.begun.acquire(blocking=False):
            pass
        slow.go.clear()

        def ask(eyes):
            return Client(running.address).ask("/render", character="anna", eyes=eyes)

        first = threads.submit(ask, 0.1)
        assert slow.begun.acquire(timeout=60)
        second = threads.submit(ask, 0.2)
        while running.endpoint._waiting < 2:
            pass
        status, headers, body = ask(0.3)
        assert (status, headers["retry-after"]) == (503, "1")
        assert "too many pictures wait" in json.loads(body)["error"]
        assert Client(running.address).ask("/characters")[0] == 200
        slow.go.set()
        assert [each.result(60)[0] for each in (first, second)] == [200, 200]


def test_what_runs_at_the_end_is_finished(serve, slow):
    with ThreadPoolExecutor(1) as threads, serve(network=slow, workers=1) as running:
        while slow.begun.acquire(blocking=False):
            pass
        slow.go.clear()
        client = Client(running.address)
        answer = threads.submit(client.ask, "/render", character="anna", eyes=0.6)
        assert slow.begun.acquire(timeout=60)
        threading.Timer(0.3, slow.go.set).start()  # after the end has begun
    assert answer.result(60)[0] == 200
    with pytest.raises(ConnectionRefusedError):
        Client(running.address).ask("/")


@pytest.mark.parametrize("error", [RuntimeError("boom"), MemoryError()])
def test_an_error_of_the_generator_is_told_to_whom_it_concerns(serve, slow, error):
    said = []
    with serve(said, slow) as running:
        client, slow.error = Client(running.address), error
        status, told = client.refused("/render", character="anna")
        assert status == 500
        assert "boom" not in told
        slow.error = None
        assert client.ask("/render", character="anna")[0] == 200
        client.connection.close()
    assert said == [f"error: /render: {type(error).__name__}: {error}"]


def test_other_origins_are_let_in_if_asked_for(serve):
    origin = "http://localhost:5173"
    with serve(allow_origin=origin, rate=1) as running:
        client = Client(running.address)
        preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        status, headers, _ = client.ask("/render", "OPTIONS", headers=preflight)
        assert (status, headers["access-control-allow-origin"]) == (200, origin)
        for wanted in (200, 429):  # refusals can be read, too
            status, headers, _ = client.ask("/", headers={"Origin": origin})
            assert (status, headers["access-control-allow-origin"]) == (wanted, origin)
        assert "X-Clipped" in headers["access-control-expose-headers"]
        _, headers, _ = client.ask("/", headers={"Origin": "http://evil.example"})
        assert "access-control-allow-origin" not in headers
        client.connection.close()


def test_workers_suit_the_generator(anna, generator, models):
    pytest.importorskip("starlette", reason="needs the extra studio")
    from joblib import cpu_count

    from vectorfind.studio.serving.application import Endpoint
    from vectorfind.studio.serving.entries import Entry

    for network, workers in ((generator, cpu_count()), (models.generator, 1)):
        endpoint = Endpoint({"anna": Entry.of("anna", anna.attached(network))})
        assert endpoint.workers == workers
        endpoint.close()


def test_threads_of_workers_compute_alone(running):
    import torch

    counts = [running.endpoint._pool.submit(torch.get_num_threads).result() for _ in range(4)]
    assert set(counts) == {1}
    assert np.ndim(counts) == 1
