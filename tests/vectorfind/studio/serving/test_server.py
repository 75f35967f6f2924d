"""Where a server listens, what keeps it from starting, and how the command ends."""

import os
import signal
import socket
import subprocess
import sys
import threading

import pytest
from click.testing import CliRunner

from property_cnn.common.errors import CheckpointError, InputError, MissingError
from tests.vectorfind.studio.serving.conftest import Client
from vectorfind.cli import main
from vectorfind.studio.serving import server as module
from vectorfind.studio.serving.server import address_of, listening, serving
from vectorfind.studio.serving.settings import ServeSettings


def test_a_free_port_is_found():
    with listening("127.0.0.1", 0) as listener:
        host, port = listener.getsockname()
        assert host == "127.0.0.1"
        assert address_of(listener) == f"http://127.0.0.1:{port}"


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_an_address_of_ipv6_stands_in_brackets():
    try:
        listener = listening("::1", 0)
    except InputError:
        pytest.skip("this machine has no ::1")
    with listener:
        assert address_of(listener).startswith("http://[::1]:")


def test_a_taken_port_is_told_before_anything_is_loaded(folder, tmp_path):
    pytest.importorskip("uvicorn", reason="needs the extra studio")
    with listening("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        told = CliRunner().invoke(main, ["serve", str(tmp_path / "gone"), "--port", str(port)])
    assert told.exit_code == 2
    assert told.stderr == (
        f"Error: port {port} of 127.0.0.1 is taken; give another by --port, 0 for any free one\n"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "a" * 70 + ".b", ""])
def test_a_host_of_no_use_is_refused(host):
    if host == "":
        with listening(host, 0) as listener:  # as sockets know it: all addresses
            assert listener.getsockname()[0] == "0.0.0.0"
        return
    with pytest.raises(InputError, match="is no address of this machine"):
        listening(host, 0)


def test_what_cannot_be_loaded_frees_the_port(folder, tmp_path):
    pytest.importorskip("uvicorn", reason="needs the extra studio")
    with listening("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    (tmp_path / "a.safetensors").write_bytes(b"no character")
    before = threading.active_count()
    with pytest.raises(CheckpointError, match=r"a\.safetensors"):
        with serving([tmp_path], ServeSettings(port=port)):
            raise AssertionError
    listening("127.0.0.1", port).close()
    assert threading.active_count() == before


def test_a_missing_extra_is_told(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "starlette", None)
    with pytest.raises(MissingError, match=r"pip install 'vectorfind\[studio\]'"):
        with serving([tmp_path]):
            raise AssertionError
    assert module.EXTRA == "studio"


HELP = """
import sys
from click.testing import CliRunner
from vectorfind.cli import main
for words in (["--help"], ["serve", "--help"]):
    assert CliRunner().invoke(main, words).exit_code == 0
print(sorted({"torch", "starlette", "uvicorn"} & set(sys.modules)))
"""


def test_help_loads_neither_networks_nor_server():
    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


PROGRAM = """
import sys
from unittest import mock
from tests.vectorfind.conftest import ToyGenerator
from vectorfind import __main__
from vectorfind.characters import loading
with mock.patch.object(loading, "resolve_generator", lambda *_: ToyGenerator()):
    __main__.run()
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_signal_ends_it_in_one_line(folder):
    pytest.importorskip("uvicorn", reason="needs the extra studio")
    with listening("127.0.0.1", 0) as listener:
        address = address_of(listener)
    words = ["serve", str(folder), "--generator", "toy", "--port", address.rpartition(":")[2]]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout.readline() == f"serving at {address} (Ctrl+C ends it)\n"
        assert process.stdout.readline() == "  anna: eyes, mouth, pose\n"
        client = Client(address)  # stays open
        assert client.ask("/render", character="anna")[0] == 200
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert err == ""
    assert out.endswith("stopped: 1 picture was sent\n")
