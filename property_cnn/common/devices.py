"""Choice of the device and the precision that the networks run on and in."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from property_cnn.common.checks import DTYPES, choose
from property_cnn.common.errors import InputError

_FAST_BFLOAT16 = ("avx512_bf16", "amx_bf16")
"""What a processor that multiplies bfloat16 matrices fast can do, by PyTorch's names."""


def choose_device(device: str | torch.device | None = None) -> torch.device:
    """The device named, or the first GPU where there is one, else the CPU.

    Raises:
        InputError: the name is not a device, or that device is not on this machine.
    """
    if device is None or device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(1, device=chosen).item()  # the device "meta" holds no numbers
    except (RuntimeError, AssertionError, TypeError) as error:
        raise InputError(f"device {device!r} cannot be used here; try 'cpu', or 'auto'") from error
    return chosen


def autocast(device: str | torch.device, dtype: str) -> AbstractContextManager[object]:
    """Computes in "float32" or, where the layers allow it, in "bfloat16", inside.

    Raises:
        InputError: another precision.
    """
    if choose("dtype", dtype, DTYPES) == "float32":
        return nullcontext()
    return torch.autocast(torch.device(device).type, getattr(torch, dtype))


def quick_dtype(device: torch.device | str | None = None) -> str:
    """The precision to multiply in: "bfloat16" on a CPU that is fast at it, else "float32"."""
    if choose_device(device).type != "cpu" or not torch.backends.mkldnn.is_available():
        return "float32"
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    return "bfloat16" if any(capabilities.get(name) for name in _FAST_BFLOAT16) else "float32"
