"""The studio's command and server: ports, what is missing, and each refusal in one line."""

import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner

from property_cnn.common.errors import InputError, MissingError
from vectorfind.cli import main
from vectorfind.studio import server


@pytest.fixture
def taken():
    with socket.socket() as held:
        held.bind((server.HOST, 0))
        held.listen()
        yield held.getsockname()[1]


def refusal(*words):
    """What the command says, in one line and with exit code 2."""
    result = CliRunner().invoke(main, ["studio", *map(str, words)])
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.fixture
def there(monkeypatch):
    monkeypatch.setattr(server, "extra_module", lambda name, extra: None)


def test_a_port_that_is_taken_is_refused_and_another_found(taken, monkeypatch):
    with pytest.raises(InputError, match=f"port {taken} of 127.0.0.1 is taken"):
        server.free_port(server.HOST, taken)
    monkeypatch.setattr(server, "PORT", taken)
    assert taken < server.free_port(server.HOST) < taken + server.TRIED
    monkeypatch.setattr(server, "TRIED", 1)
    with pytest.raises(InputError, match="are taken; give a --port"):
        server.free_port(server.HOST)


@pytest.mark.parametrize(
    ("host", "port", "told"),
    [
        ("127.0.0.1", 0, "port"),
        ("127.0.0.1", 70_000, "port"),
        ("203.0.113.7", 7860, "no address of this machine"),
        ("no such host", 7860, "there is no host"),
    ],
)
def test_what_is_no_address_is_told(host, port, told):
    with pytest.raises(InputError, match=told):
        server.free_port(host, port)


def test_without_the_extra_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(MissingError):
        server.check_extra()
    assert "pip install 'vectorfind[studio]'" in refusal()


def test_refusals_of_the_command_are_one_line(there, taken, tmp_path):
    assert f"port {taken} of 127.0.0.1 is taken" in refusal("--port", taken)
    assert "no directions are shipped for mobilestylegan" in refusal(
        "--generator", "mobilestylegan"
    )
    damaged = tmp_path / "anna.safetensors"
    damaged.write_bytes(b"no character")
    assert "anna.safetensors" in refusal(damaged)
    assert "gone.safetensors" in refusal(tmp_path / "gone.safetensors")
    assert "no folder of a run" in refusal(tmp_path) or "config" in refusal(tmp_path)


def test_without_a_browser_the_address_is_printed(monkeypatch):
    class Blocks:
        local_url, closed = "http://127.0.0.1:7860/", False

        def close(self, verbose):
            self.closed = True

    def stop(_):
        raise KeyboardInterrupt

    blocks, said = Blocks(), []
    monkeypatch.setattr(server, "start", lambda *given: blocks)
    monkeypatch.setattr(server.webbrowser, "open", lambda address: False)
    monkeypatch.setattr(server.time, "sleep", stop)
    with pytest.raises(KeyboardInterrupt):
        server.serve(None, None, say=said.append)
    assert said[-1] == "no browser was found here; open http://127.0.0.1:7860/ in one"
    assert blocks.closed


def test_help_loads_neither_torch_nor_gradio():
    program = (
        "import sys\nfrom vectorfind.cli import main\n"
        "main(['studio', '--help'], standalone_mode=False)\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'gradio')))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr
