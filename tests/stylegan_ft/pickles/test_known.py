"""Names in pickles: an exact list, no way around it, and every source in a file is looked at."""

from __future__ import annotations

import argparse
import importlib
import pickle
import random
from collections import OrderedDict

import numpy as np
import pytest
import torch

from property_cnn.common.errors import CheckpointError
from stylegan_ft.pickles.known import KNOWN, LAYERS
from stylegan_ft.pickles.machine import interpret
from tests.stylegan_ft.foreign_files import Persistent, Reduced, nvlabs_modules

RECONSTRUCT = b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n"


def text(value: str) -> bytes:
    return b"X" + len(value.encode()).to_bytes(4, "little") + value.encode()


def named(module: str, name: str, protocol: int) -> bytes:
    """A pickle of a name alone."""
    if protocol == 2:
        return f"\x80\x02c{module}\n{name}\n.".encode("latin-1")
    return b"\x80\x04" + text(module) + text(name) + b"\x93."


def described(source: str, more: bytes = b"") -> bytes:
    """A network's description, which a pickle's opcodes put together."""
    return b"}(" + text("module_src") + text(source) + more + b"u"


def test_layers_are_those_of_torch():
    for module, names in LAYERS.items():
        held = importlib.import_module(f"torch.nn.modules.{module}")
        for name in names.split():
            assert issubclass(getattr(held, name), torch.nn.Module)
            assert getattr(held, name).__module__ == held.__name__


def test_every_name_that_is_known_is_a_single_one():
    assert all(name.isidentifier() for names in KNOWN.values() for name in names.split())


def test_a_name_that_leads_out_of_its_module_is_refused(tmp_path):
    """Protocol 4 looks names up along their dots, and torch.nn.modules.module imports torch."""
    made = tmp_path / "made"
    module, name, argument = (
        b"torch.nn.modules.module",
        b"torch.os.system",
        f"touch {made}".encode(),
    )
    data = b"\x80\x04" + b"".join(b"\x8c%c%s" % (len(part), part) for part in (module, name))
    data += b"\x93\x8c%c%s" % (len(argument), argument) + b"\x85R."
    with pytest.raises(CheckpointError, match=r"names 'torch\.nn\.modules\.module\.torch\.os"):
        interpret(data)
    assert not made.exists()
    pickle.loads(data)  # the same bytes do run where they are loaded
    assert made.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("torch.nn.modules.linear", "Linear.__init__"),
        ("somewhere.else", "os.system"),
        ("builtins", "dict.fromkeys"),
        ("builtins", "exec"),
        ("__builtin__", "eval"),
        ("pathlib", "os"),
        ("os.path", "join"),
        ("importlib", "import_module"),
        ("collections", "OrderedDict.update"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_names_that_lead_elsewhere_or_into_pythons_library_are_refused(module, name, protocol):
    with pytest.raises(CheckpointError, match="names"):
        interpret(named(module, name, protocol))


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("torch.nn.modules.module", "torch"),
        ("torch.nn.modules", "Linear"),
        ("torch.nn.modules.linear", "math"),
        ("torch.hub", "load"),
        ("runners.running_stats", "RunningStats"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_other_names_are_foreign_and_told(module, name, protocol):
    assert interpret(named(module, name, protocol)).foreign == (f"{module}.{name}",)
    data = named(module, name, protocol).removesuffix(b".") + text("x") + b"\x85R}b."
    found = interpret(data)
    assert found.value.foreign
    assert (found.value.args, found.value.state) == (("x",), {})
    assert found.foreign == (f"{module}.{name}",)


def through_a_type(meta: object, depth: int = 1, arguments: type = tuple) -> Reduced:
    """_rebuild_from_type_v2(function, type, arguments, state) calls the function."""
    rebuild = torch._tensor._rebuild_from_type_v2
    function, args = Persistent("A", {}).__reduce__()[0], arguments([meta])
    for _ in range(depth - 1):
        function, args = rebuild, arguments([function, torch.Tensor, args, {}])
    return Reduced(rebuild, function, torch.Tensor, args, {})


@pytest.mark.parametrize("depth", [1, 2, 50])
@pytest.mark.parametrize("arguments", [tuple, list])
@pytest.mark.parametrize("protocol", [2, 4])
def test_a_source_is_looked_at_where_another_call_makes_the_network(
    tmp_path, depth, arguments, protocol
):
    made = tmp_path / "made"

    def built(source: str) -> bytes:
        meta = Persistent("A", {}, source).meta
        return pickle.dumps([through_a_type(meta, depth, arguments)], protocol)

    with nvlabs_modules():
        assert interpret(built("x = 1")).value[0].name.endswith("_rebuild_from_type_v2")
        acting = built(f"open({str(made)!r}, 'w')")
        with pytest.raises(CheckpointError, match="would call 'open'"):
            interpret(acting)
        assert not made.exists()
        with pytest.raises(AttributeError):  # of a dictionary that is no tensor, once it has run
            pickle.loads(acting)
        assert made.exists()


ACTING = "print(1)"


def wrapped(value: object, rng: random.Random) -> object:
    """A value deeper in what files of networks are made of; calls in the ways that there are."""
    rebuild = torch._tensor._rebuild_from_type_v2
    ways = [
        lambda: [1, value],
        lambda: {"a": {"b": value}},
        lambda: (None, (value,)),
        lambda: OrderedDict(a=value),
        lambda: argparse.Namespace(a=value),
        lambda: Persistent("B", {"_modules": {"a": value}}),
        lambda: Persistent("B", {}, *([f"x = {rng.random()}"] if rng.random() < 0.2 else [])),
        lambda: Reduced(dict, [("a", value)]),
        lambda: Reduced(torch._utils._rebuild_parameter, value, False, OrderedDict()),
        lambda: Reduced(torch._utils._rebuild_parameter_with_state, 1, False, {}, {"a": value}),
        lambda: Reduced(rebuild, argparse.Namespace, torch.Tensor, (), {"a": value}),
        lambda: Reduced(rebuild, rebuild, torch.Tensor, [list, list, ([value],), 0], {}),
        lambda: through_a_type(Persistent("C", {"a": value}).meta, rng.randint(1, 3)),
        lambda: np.array([value, None], dtype=object),
        lambda: {(1, 2): value, "twice": [value, value]},
    ]
    found = rng.choice(ways)()
    if isinstance(found, Persistent) and not found.meta["state"]:
        found.meta["state"] = {"held": value}
    return found


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_a_source_is_looked_at_wherever_it_hangs(protocol):
    rng, refused = random.Random(protocol), 0
    with nvlabs_modules():
        for _ in range(100):
            seed, depth = rng.random(), rng.randint(0, 6)
            for source in (ACTING, "y = 1"):
                meta = Persistent("A", {}, source).meta
                value: object = through_a_type(meta) if seed < 0.5 else Persistent("A", {}, source)
                choices = random.Random(seed)
                for _ in range(depth):
                    value = wrapped(value, choices)
                data = pickle.dumps(value, protocol)
                if source == ACTING:
                    with pytest.raises(CheckpointError, match="would call 'print'"):
                        interpret(data)
                    refused += 1
                else:
                    assert interpret(data).foreign == ()
    assert refused == 100


def replaced(how: bytes) -> bytes:
    """A harmless description, then another source put into it in some way, then the network."""
    return (
        b"\x80\x02"
        + described("pass")
        + b"q\x00"
        + how
        + b"0h\x00\x85q\x010"
        + (RECONSTRUCT + b"h\x01R.")
    )


@pytest.mark.parametrize(
    "how",
    [
        # a name that is equal to the entry's, but made by a call
        b"cbuiltins\nstr\n" + text("module_src") + b"\x85R" + text(ACTING) + b"s",
        # numpy's scalar of the type of objects is the object itself
        b"0cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\n"
        + text("O")
        + b"\x85Rh\x00\x86R"
        + text("module_src")
        + text(ACTING)
        + b"s",
        b"0ctorch._tensor\n_rebuild_from_type_v2\n(cnumpy.core.multiarray\nscalar\n"
        b"cbuiltins\ndict\n(cnumpy\ndtype\n"
        + text("O")
        + b"\x85Rh\x00tNtR"
        + text("module_src")
        + text(ACTING)
        + b"s",
        # arguments that only the call would list
        b"0ctorch._tensor\n_rebuild_from_type_v2\n(" + RECONSTRUCT + b"cbuiltins\ndict\n"
        b"cbuiltins\nlist\nh\x00\x85\x85RNtR",
    ],
)
def test_a_source_cannot_be_put_in_unseen(how):
    interpret(replaced(b"N"))
    with pytest.raises(CheckpointError, match=r"source code|a number that is none|no list"):
        interpret(replaced(how))


def test_the_entries_of_a_dictionary_that_a_call_makes_are_read():
    pairs = [["b", 1], ["a", 2]]
    assert interpret(pickle.dumps(Reduced(OrderedDict, pairs), 2)).value == {"b": 1, "a": 2}
    assert interpret(pickle.dumps(Reduced(dict, {"a": 1}), 2)).value == {"a": 1}
    unread = interpret(pickle.dumps(Reduced(dict, Reduced(list, ("ab",))), 2)).value
    assert (unread.name, unread.args[0].name) == ("builtins.dict", "builtins.list")


def test_new_dictionaries_are_empty_whatever_they_are_given():
    code = b"\x80\x02ccollections\nOrderedDict\n}" + text("a") + b"K\x01s\x85"
    with_init, without_init = code + b"R.", code + b"\x81."
    for data in (with_init, without_init):
        assert interpret(data).value == pickle.loads(data)
