"""Choice of the device that the networks run on."""

from __future__ import annotations

import torch

from property_cnn.errors import InputError


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
