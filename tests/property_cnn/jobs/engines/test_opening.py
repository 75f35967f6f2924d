"""Opening an engine: threads by default; what is missing or does not answer is told at once."""

import socket
import sys
import time

import pytest

from property_cnn.common.errors import InputError, MissingError
from property_cnn.common.tasks import in_threads
from property_cnn.jobs.engines.opening import engine


@pytest.mark.parametrize("name", [None, "threads"])
def test_threads_are_the_default(name):
    with engine(name) as opened:
        assert opened is None
        assert in_threads()


@pytest.mark.parametrize(("kind", "package"), [("dask", "distributed"), ("ray", "ray")])
def test_a_missing_package_is_told_with_its_extra(kind, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingError, match=rf"needs {package}.*vectorfind\[{kind}\]"):
        engine(f"{kind}-local:2").__enter__()


@pytest.mark.parametrize("kind", ["dask", "ray"])
def test_nothing_at_an_address_is_told_at_once(kind):
    pytest.importorskip({"dask": "distributed"}.get(kind, kind), reason=f"needs the extra {kind}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.monotonic()
    with pytest.raises(InputError, match=f"nothing answers at 127.0.0.1, port {port}"):
        engine(f"{kind}://127.0.0.1:{port}").__enter__()
    assert time.monotonic() - started < 20


def test_a_local_cluster_that_no_task_needed_is_never_started():
    pytest.importorskip("distributed", reason="needs the extra dask")
    with engine("dask-local:2") as opened:
        assert not in_threads()
        assert opened.client is None
    assert in_threads()
