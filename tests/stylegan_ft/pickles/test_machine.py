"""The pickle interpreter: plain values as pickle gives them, symbols for the rest, nothing run."""

from __future__ import annotations

import argparse
import builtins
import functools
import os
import pickle
import pickletools
import struct
import subprocess
from collections import OrderedDict
from pathlib import Path

import pytest

from property_cnn.common.errors import CheckpointError
from stylegan_ft.pickles import machine
from stylegan_ft.pickles.machine import COST, interpret
from stylegan_ft.pickles.reading import bytes_of
from stylegan_ft.pickles.symbols import Call, Global, Persistent, Span
from tests.stylegan_ft.foreign_files import Reduced

PLAIN = {
    "numbers": [0, 1, 255, 256, 65535, 65536, -1, -(2**31), 2**40, -(2**70), 1.5, -0.0, 1e300],
    "constants": (None, True, False, (), [], {}),
    "texts": ["", "a", "é€😀", "x" * 300],
    "nested": {"a": {"b": [(1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)]}},
    3: "a number as a key",
    "ordered": OrderedDict([("b", 1), ("a", 2)]),
}


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_are_those_of_pickle(protocol):
    shared = ["one list"]
    value = {**PLAIN, "twice": [shared, shared]}
    found = interpret(pickle.dumps(value, protocol)).value
    assert found == value
    assert found["twice"][0] is found["twice"][1]


def test_a_pickle_may_stand_in_the_middle_of_a_file():
    data = b"before" + pickle.dumps([1, "two"], 4) + b"behind"
    found = interpret(data, 6)
    assert found.value == [1, "two"]
    assert data[found.end :] == b"behind"


@pytest.mark.parametrize("size", [5, 5000])
def test_bytes_and_long_texts_stay_in_the_file(size):
    data = pickle.dumps([b"b" * size, "t" * 5000], 4)
    held, text = interpret(data).value
    assert isinstance(held, Span)
    assert isinstance(text, Span)
    assert data[held.start : held.start + held.length] == b"b" * size
    assert data[text.start : text.start + text.length] == b"t" * 5000


def test_calls_stay_symbols_with_their_arguments_and_states():
    path = Path("a/b")
    value = interpret(pickle.dumps({"path": path, "type": OrderedDict, "c": 1 + 2j}, 4)).value
    assert (value["path"].name, value["path"].args) == (
        f"pathlib.{type(path).__name__}",
        ("a", "b"),
    )
    assert value["type"] == Global("collections.OrderedDict")
    assert (value["c"].name, value["c"].args) == ("builtins.complex", (1.0, 2.0))
    namespace = pickle.dumps(argparse.Namespace(batch=4), 2)
    assert interpret(namespace).value.state == {"batch": 4}


def test_keys_that_hash_unevenly_are_kept_apart():
    found = interpret(pickle.dumps({(1, 2): "a", 2**70: "b", 1.5: "c"}, 4)).value
    assert list(found.values()) == ["a", "b", "c"]
    assert all(isinstance(key, Call) for key in found)


def test_what_lies_outside_is_named():
    held = b"\x80\x02X\x01\x00\x00\x00kQ."
    found = interpret(held)
    assert found.value == Persistent("k")
    assert found.persistents == (Persistent("k"),)


class SetsState:
    """Has the call that loading would make in its state."""

    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return argparse.Namespace, (), {"__setstate__": Reduced(*self.call)}


HOSTILE = {
    "posix.system": lambda touch, path: Reduced(os.system, touch),
    "builtins.eval": lambda touch, path: Reduced(eval, f"open({str(path)!r}, 'w')"),
    "builtins.exec": lambda touch, path: Reduced(exec, f"open({str(path)!r}, 'w')"),
    "subprocess.run": lambda touch, path: Reduced(subprocess.run, ["touch", str(path)]),
    "builtins.getattr": lambda touch, path: Reduced(getattr(Path, "touch"), path),  # noqa: B009
    "functools.partial": lambda touch, path: Reduced(functools.partial(os.system, touch)),
    "io.open": lambda touch, path: Reduced(builtins.open, str(path), "w"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("wrap", ["alone", "deep", "key", "state"])
@pytest.mark.parametrize("protocol", [2, 4])
def test_a_call_is_refused_by_name_and_never_made(tmp_path, name, wrap, protocol):
    path = tmp_path / "made"
    hostile = HOSTILE[name](f"touch {path}", path)
    if wrap == "deep":
        hostile = {"G_ema": [1, ({"x": hostile},)]}
    elif wrap == "key":
        hostile = [{(hostile,): 1}]
    elif wrap == "state":
        hostile = SetsState(*hostile.call)
    data = pickle.dumps(hostile, protocol)
    with pytest.raises(CheckpointError, match="names") as caught:
        interpret(data)
    assert name.rpartition(".")[2] in str(caught.value) or name == "builtins.getattr"
    assert not path.exists()
    if name == "posix.system" and wrap == "alone":
        pickle.loads(data)  # the same bytes do run where they are loaded
        assert path.exists()


@pytest.mark.parametrize(
    "code",
    [
        b"cos\nsystem\n(X\x04\x00\x00\x00exittR.",
        b"(ios\nsystem\n.",
        b"(cos\nsystem\nX\x04\x00\x00\x00exito.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
        b"\x80\x02cos\nsystem\n0N.",  # named, and thrown away
        b"\x80\x02cbuiltins\neval\n)\x81.",
    ],
)
def test_every_way_to_name_a_function_is_refused(code):
    with pytest.raises(CheckpointError, match=r"names '(os\.system|builtins\.eval)'"):
        interpret(code)


def test_every_opcode_up_to_protocol_4_is_known():
    """But for those of a registry of extensions, which belongs to the one who reads."""
    codes = {op.name: ord(op.code) for op in pickletools.opcodes if op.proto <= 4}
    left = {name for name, code in codes.items() if code not in machine._ACTIONS}
    assert left == {"STOP", "EXT1", "EXT2", "EXT4"}


@pytest.mark.parametrize(
    ("code", "value"),
    [
        (b"(I1\nF2.5\nS'a\\'b'\nV\\u00e9\nl.", [1, 2.5, "a'b", "é"]),
        (b"(S'a'\nI01\nS'b'\n(lp0\nI2\nad.", {"a": True, "b": [2]}),
        (b"(lp17\ng17\n0L5L\na.", [5]),
        (b"U\x01aT\x02\x00\x00\x00bc\x86.", ("a", "bc")),
        (b"Pkey\n.", Persistent("key")),
    ],
)
def test_protocol_0_and_strings_of_python_2_are_read(code, value):
    assert interpret(code).value == value


@pytest.mark.parametrize("size", [3, 700, 5000])
@pytest.mark.parametrize("protocol", range(6))
def test_bytes_are_found_in_every_protocol(protocol, size):
    held = bytes(range(256)) * 20
    data = pickle.dumps(held[-size:], protocol)
    value = interpret(data).value
    if protocol < 3:
        assert (value.name, value.args[1]) == ("_codecs.encode", "latin1")
        value = value.args[0]
    assert bytes_of(data, value) == held[-size:]


@pytest.mark.parametrize("raw", [b"\0'\"\\\n\xff", b'"' * 3, b"\xfe" * 2000])
def test_bytes_are_found_in_the_strings_of_python_2(raw):
    text = repr(raw)[1:].encode()
    for data in (b"S" + text + b"\n.", b"T" + len(raw).to_bytes(4, "little") + raw + b"."):
        assert bytes_of(data, interpret(data).value) == raw


def test_every_truncation_is_refused():
    data = pickle.dumps({"a": [1, 2.5, "text", b"bytes", (None, True)], "p": Path("x")}, 4)
    for size in range(len(data)):
        with pytest.raises(CheckpointError):
            interpret(data[:size])


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (b"", "too early"),
        (b"\x80\x02.", "more than it has"),
        (b"\x80\x02R.", "more than it has"),
        (b"\x80\x02NNR.", "calls what is no function"),
        (b"\x80\x02ccollections\ndeque\nNR.", "calls what is no function"),
        (b"\x80\x02t.", "lacks a mark"),
        (b"\x80\x02h\x07.", "has not made"),
        (b"\x80\x02NNs.", "more than it has"),
        (b"\x80\x02NNNs.", "belong to nothing"),
        (b"\x80\x02N(NNNe.", "belong to nothing"),
        (b"\x80\x02}(Nu.", "belong to nothing"),
        (b"I1.5\n.", "a number that is none"),
        (b"L-L\n.", "a number that is none"),
        (b"L" + b"9" * 600 + b"L\n.", "a number that is none"),
        (b"\x80\x02NNb.", "sets the state"),
        (b"\x80\x02X\x02\x00\x00\x00\xff\xff.", "a text that is none"),
        (b"\x80\x02X\xff\xff\xff\xff.", "too early"),
        (b"\x80\x02c" + b"x" * 2000 + b"\nx\n.", "a line without an end"),
        (b"\x80\x04NN\x93.", "a name that is no text"),
        (b"\x80\x02\x82\x01.", "no pickle's opcode"),
        (b"\x80\x05\x97.", "no pickle's opcode"),
        (b"\x80\x02o.", "lacks a mark"),
        (b"S'a.", "a line without an end"),
        (b"S'a\n.", "a text that is none"),
        (b"Sa\n.", "a text that is none"),
        (b"S'\\x'\n.", "a text that is none"),
        (b"V\\u00\n.", "a text that is none"),
        (b"Fa\n.", "a number that is none"),
        (b"Np-1\n.", "a number that is none"),
        (b"g\xc2\xb2\n.", "a number that is none"),
        (b"(NNNd.", "belong to nothing"),
        (b"\x80\x02(o.", "calls what is no function"),
    ],
)
def test_nonsense_is_refused_with_the_reason(code, what):
    with pytest.raises(CheckpointError, match=what):
        interpret(code)


def test_sizes_are_bounded():
    for count in (256, 2**31 - 1):
        with pytest.raises(CheckpointError, match=r"integer of|too early"):
            interpret(b"\x80\x02\x8b" + struct.pack("<I", count) + b"\x01" * 256 + b".")
    allowance = 2**18
    many = allowance // COST + 1000
    for code in (b"N0", b"}", b"(", b"]0", b")\x94"):
        data = b"\x80\x04" + code * many
        with pytest.raises(CheckpointError, match="more parts"):
            interpret(data, allowance=allowance)


def test_deep_nesting_is_only_data():
    data = b"\x80\x02N" + b"\x85" * 20_000 + b"."
    assert isinstance(interpret(data).value, tuple)
    calls = b"\x80\x02cbuiltins\nlist\nq\x00" + b"h\x00" * 20_000 + b"N" + b"\x85R" * 20_000
    found = interpret(calls + b".").value
    assert isinstance(found, Call)
    assert len(repr(found)) < 200
