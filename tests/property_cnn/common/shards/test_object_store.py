"""Stores on a server that speaks S3, as two processes and the workers of an engine use them."""

from __future__ import annotations

import json
import logging
from functools import partial

import numpy as np
import pytest

from property_cnn.common.errors import FileError, InputError
from property_cnn.common.folders import LOCK
from property_cnn.common.shards import places
from property_cnn.common.shards.places import CACHE, is_there, place_of, write
from property_cnn.common.shards.store import open_store
from property_cnn.common.tasks import run_tasks
from property_cnn.jobs.engines.opening import engine
from property_cnn.jobs.verify import verify

for package in ("upath", "boto3"):
    pytest.importorskip(package, reason=f"{package} is not installed")
s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed")
server = pytest.importorskip("moto.server", reason="moto is not installed")

ONE = {"format": "toy numbers", "made_from": "one"}


@pytest.fixture(scope="module", autouse=True)
def bucket():
    """An empty bucket on a server of its own."""
    import boto3

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "name")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        boto3.client("s3").create_bucket(Bucket="bucket")
        yield
    running.stop()


@pytest.fixture(autouse=True)
def own_copies(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))


def numbers(start, count, names):
    rows = np.arange(start, start + count, dtype=np.float32)
    return {name: rows[:, None].repeat(3, 1) for name in names}


def fill(url, n, run=None):
    with open_store(url, ONE, 4, option="--store") as store:
        store.fill(n, ("a", "b"), numbers, **({} if run is None else {"run": run}), whole=True)
        return store.rows("a", n).whole()[:, 0].tolist()


def test_it_is_filled_grown_read_and_verified():
    assert fill("s3://bucket/one", 9) == list(range(9))
    assert fill("s3://bucket/one", 17) == list(range(17))
    checked = verify("s3://bucket/one")
    assert checked.whole
    assert len(checked.files) == 1 + 5 + 2 * 5
    assert not is_there(place_of("s3://bucket/one") / LOCK)


def test_workers_of_an_engine_write_there():
    pytest.importorskip("distributed", reason="Dask is not installed")
    fill("s3://bucket/here", 21)
    with engine("dask-local:2"):
        assert fill("s3://bucket/workers", 21, partial(run_tasks)) == list(range(21))
    here, there = verify("s3://bucket/here"), verify("s3://bucket/workers")
    assert there.whole
    assert there.files == here.files


def test_two_processes_are_told_apart_by_the_servers_own_condition(monkeypatch):
    monkeypatch.setattr(places, "BEAT", 0.1)
    monkeypatch.setattr(places, "SILENCE", 0.5)
    with (
        open_store("s3://bucket/held", ONE, 4),
        pytest.raises(InputError, match="another process works in s3://bucket/held"),
    ):
        fill("s3://bucket/held", 4)
    lock = place_of("s3://bucket/held") / LOCK
    write(lock, json.dumps({"token": "of one that died", "process": "process 1"}))
    assert fill("s3://bucket/held", 4) == list(range(4))


def test_no_bucket_and_no_server_are_errors_of_one_line(monkeypatch):
    with pytest.raises(InputError, match="bucket does not exist"):
        fill("s3://nowhere/store", 4)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()  # each goes on with the server that it began with
    with pytest.raises(FileError, match=r"cannot reach s3://bucket/one.*Could not connect"):
        verify("s3://bucket/one")
    s3fs.S3FileSystem.clear_instance_cache()
