"""Choice of the device and the precision that the networks run on and in."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from property_cnn.common.errors import InputError

DTYPES = ("float32", "bfloat16")
"""Precisions that networks can be trained in."""


def choose_device(device: str | torch.device | None = None) -> torch.device:
    """The device named, or the first GPU where there is one, else the CPU.

    Raises:
        InputError: the name is not a device, or that device is not on this machine.
    """
    if device is None or device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device {device!r} cannot be used here; try 'cpu', or 'auto'") from error
    return chosen


def autocast(device: str | torch.device, dtype: str) -> AbstractContextManager[object]:
    """Computes in "float32" or, where the layers allow it, in "bfloat16", inside.

    Raises:
        InputError: another precision.
    """
    if dtype not in DTYPES:
        raise InputError(f"unknown dtype {dtype!r}; choose one of {', '.join(DTYPES)}")
    if dtype == "float32":
        return nullcontext()
    return torch.autocast(torch.device(device).type, getattr(torch, dtype))
