"""Shapes without numbers are those of PyTorch's own computation, and take no compiler."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from stylegan_ft.shapes import shapes_alone, without_numbers
from stylegan_ft.shipped import SHIPPED

OPERATIONS = {
    "scaled": lambda a, b: a / 3.0,
    "scaled from the left": lambda a, b: 2 * a,
    "products": lambda a, b: a * b,
    "half and float": lambda a, b: a.half() * b,
    "whole numbers": lambda a, b: torch.ones(2, dtype=torch.int64, device=a.device) + 1.5,
    "roots": lambda a, b: a.square().sqrt() + b.rsqrt(),
    "joined": lambda a, b: torch.cat([a, a, b[None]], dim=0),
    "outer": lambda a, b: torch.outer(b, a[0]),
    "flipped": lambda a, b: a.flip(0, 1).T.flip([0]),
    "drawn": lambda a, b: torch.randn(
        2, 3, generator=torch.Generator().manual_seed(0), device=a.device
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_shapes_and_types_are_those_of_numbers(name):
    compute = OPERATIONS[name]
    real = compute(torch.ones(5, 4), torch.ones(4))
    with shapes_alone():
        found = compute(torch.empty(5, 4, device="meta"), torch.empty(4, device="meta"))
    assert found.is_meta
    assert (found.shape, found.dtype) == (real.shape, real.dtype)


def test_numbers_stay_where_there_are_some():
    with shapes_alone():
        assert torch.equal(torch.ones(2) * 3 + torch.arange(2), torch.tensor([3.0, 4.0]))
    with without_numbers():
        assert torch.zeros(2).is_meta


def test_neither_a_description_nor_a_generator_imports_the_compiler():
    program = f"""
import sys
from stylegan_ft.formats.describe import describe_file
from stylegan_ft.generator import load_generator
describe_file({str(SHIPPED["base"])!r})
load_generator({str(SHIPPED["base"])!r}, "cpu")
sys.exit("torch._dynamo" in sys.modules or "matplotlib" in sys.modules)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr
