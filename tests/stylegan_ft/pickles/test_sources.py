"""Source code in pickles: what networks' modules are made of passes, what would act does not."""

from __future__ import annotations

import pickle

import pytest

from property_cnn.common.errors import CheckpointError
from stylegan_ft.pickles.machine import interpret
from stylegan_ft.pickles.sources import LONGEST, check_source
from tests.stylegan_ft.foreign_files import Persistent, Reduced, nvlabs_modules

NETWORKS = '''# A module of networks, as NVlabs write them.
"""Its text."""

import os
import numpy as np
import scipy.signal
import torch
from torch_utils import misc
from torch_utils import persistence
from torch_utils.ops import bias_act

bands = {"a": [0.5, -0.5], "b": [2 ** 0.3, 1 / 3]}
gain, offset = np.sqrt(2), 1e-8
try:
    import timm
except ImportError:
    timm = None

@misc.profiled_function
def normalize(x, dim=1, eps=1e-8):
    return os.path.join(x) * eval("x")  # what a function holds does not run when it is made

@persistence.persistent_class
class Layer(torch.nn.Module):
    count: int = 3
    def __init__(self, channels, f=[1, 3, 3, 1], dtype=torch.float32, stop=2 ** 2.1):
        super().__init__()
        for k in range(channels):
            setattr(self, f"fc{k}", torch.zeros(k))

    @staticmethod
    def design(taps, width=None):
        assert taps >= 1
        return scipy.signal.firwin(taps, width)

    def extra_repr(self):
        return "\\d"

@persistence.persistent_class
class Generator(Layer):
    @torch.no_grad()
    def forward(self, z, c, psi: float = 1.0, key=lambda x: open(x)) -> torch.Tensor:
        with torch.autograd.profiler.record_function("input"):
            return normalize(z)
'''


def test_modules_of_networks_pass():
    check_source(NETWORKS)
    check_source("")


ACTS = {
    "import os; os.system('exit')": "call 'os.system' in line 1",
    "import os as torch\ntorch.system('exit')": "call 'torch.system' in line 2",
    "from os import system as no_grad\nno_grad('exit')": "call 'no_grad'",
    "__import__('os')": "call '__import__'",
    "exec('1')": "call 'exec'",
    "x = [eval('1')]": "call 'eval'",
    "open('x', 'w').write('x')": "call the result",
    "def f(x=open('x', 'w')): pass": "call 'open'",
    "def f(x: print(1)): pass": "call 'print'",
    "def f() -> print(1): pass": "call 'print'",
    "f = lambda x=print(1): x": "call 'print'",
    "class A:\n    x = print(1)": "call 'print' in line 2",
    "class A(print(1)): pass": "call 'print'",
    "class A(metaclass=B): pass": "make a class in a way of its own",
    "class A:\n    def __setstate__(self, state): pass": "define '__setstate__'",
    "class A:\n    def __init_subclass__(cls): pass": "define '__init_subclass__'",
    "from evil import f as __getattr__": "define '__getattr__'",
    "class A:\n    __new__ = None": "define '__new__'",
    "@exec\n@input\nclass A: pass": "call 'exec'",
    "def staticmethod(f): pass\n@staticmethod\ndef g(): pass": "call 'staticmethod'",
    "import torch\ntorch = 1\n@torch.no_grad\ndef g(): pass": "call 'torch.no_grad'",
    "from .persistence import persistent_class as f\n@f\nclass A: pass": "call 'f'",
    "import torch\ntorch.load = print": "change an object",
    "import os\nos.environ['x'] = 'y'": "change an object",
    "from os import *": "import all names of 'os'",
    "for x in y: pass": "run a 'For'",
    "while True: pass": "run a 'While'",
    "x = [f for f in g]": "run a 'ListComp'",
    "with x: pass": "run a 'With'",
    "if True:\n    print(1)": "call 'print'",
    "try:\n    import a\nexcept ImportError:\n    print(1)": "call 'print'",
    "del x": "run a 'Delete'",
    "f'{x}'": "run a 'JoinedStr'",
    "import torch\ntorch.hub.load('x')": "call 'torch.hub.load'",
}


@pytest.mark.parametrize("source", ACTS)
def test_sources_that_act_on_import_are_refused_with_what_they_do(source):
    with pytest.raises(CheckpointError, match=f"would {ACTS[source]}.*nothing of it was run"):
        check_source(source)


@pytest.mark.parametrize(
    "source",
    [
        "class",
        "a\0b",
        "-" * 30_000 + "1",
        "a" + ".a" * 15_000,
        "1" + "+1" * 15_000,
        "(" * 30_000,
        "not " * 30_000 + "1",
        "if 1:a\n" + "elif 1:a\n" * 5_000,
        "a\n" * 20_000,
        "#" * (LONGEST + 1),
    ],
)
def test_sources_that_no_parser_takes_are_refused(source):
    with pytest.raises(CheckpointError, match=r"no Python|letters"):
        check_source(source)


def test_every_source_of_a_pickle_is_checked():
    acting = Persistent("A", {}, "print(1)")
    unseen = Persistent("A", {})
    entries = Reduced(list, list(acting.meta.items()))
    unseen.meta = Reduced(dict, entries)  # a dictionary of what a call makes
    with nvlabs_modules():
        for value in ([acting], {"a": (acting,)}, Persistent("B", {"inner": acting})):
            with pytest.raises(CheckpointError, match="would call 'print'"):
                interpret(pickle.dumps(value, 4))
        with pytest.raises(CheckpointError, match="without its source"):
            interpret(pickle.dumps(unseen, 4))
        many = [Persistent("A", {}, f"x = {k}") for k in range(40)]
        with pytest.raises(CheckpointError, match="more parts"):
            interpret(pickle.dumps(many, 4))


def test_a_source_cannot_be_replaced_unseen():
    again = b"X\x0a\x00\x00\x00module_src"
    head = b"\x80\x02ctorch_utils.persistence\n_reconstruct_persistent_obj\n}" + again
    honest, acting = b"X\x04\x00\x00\x00passs", b"X\x08\x00\x00\x00print(1)s"
    assert interpret(head + honest + b"\x85R.").value.args == ({"module_src": "pass"},)
    with pytest.raises(CheckpointError, match="sets the state"):  # by attributes that are entries
        interpret(head + honest + b"N}" + again + acting + b"\x86b\x85R.")
    with pytest.raises(CheckpointError, match="would call 'print'"):  # replaced once it has run
        interpret(head + acting + b"q\x00\x85R0h\x00" + again + honest + b".")
