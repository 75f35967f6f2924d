"""Trained networks: their names, their files, and running them on batches of images."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from property_cnn.common.checks import check_count
from property_cnn.common.devices import choose_device
from property_cnn.common.files import save_tensors, weights_digest_of
from property_cnn.common.prompt import Shown, brief


class BatchedNetwork(Shown):
    """A trained network ready to run on batches of images.

    Args:
        network: trained; it is put in evaluation mode and on the device.
        device: where it runs; see `property_cnn.common.devices.choose_device`.
        batch_size: the most images that run at once; changes nothing but rounding.

    Attributes:
        digest: 16 hexadecimal digits that name the weights.
        network: the network itself.
        thread_safe: True: several threads may use it at once.
    """

    thread_safe = True

    def __init__(self, network: nn.Module, device: str | torch.device | None, batch_size: int):
        check_count("batch_size", batch_size)
        self.batch_size = batch_size
        self.digest = weights_digest(network.state_dict())
        self.network = network.eval().requires_grad_(False)
        self.to(choose_device(device))

    def facts(self) -> dict[str, str]:
        """What it reads, if it says so, which weights it has, and where it runs."""
        facts = {"digest": self.digest, "device": str(self.device)}
        properties = getattr(self, "properties", None)
        return facts if properties is None else {"properties": brief(properties), **facts}

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.network.parameters()).device

    def to(self, device: str | torch.device) -> Self:
        """Moves the weights; returns itself."""
        self.network.to(device, memory_format=torch.channels_last)
        return self


def differentiable(method: Callable) -> Callable:
    """Makes a network's method run in inference mode, unless its first tensor asks for gradients.

    Gradients then go through the network to that tensor.
    """

    @wraps(method)
    def run(self, tensor: Tensor, *args, **options):
        wanted = torch.is_grad_enabled() and getattr(tensor, "requires_grad", False)
        with torch.inference_mode(not wanted):
            return method(self, tensor, *args, **options)

    return run


def weights_digest(state: Mapping[str, Tensor]) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the names and values of weights."""
    return weights_digest_of({name: tensor_bytes(tensor) for name, tensor in state.items()})


def tensor_bytes(tensor: Tensor) -> memoryview:
    """The values of a tensor of any type and device, as bytes in the order of its indices."""
    return memoryview(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())


def large(name: str, tensor: Tensor) -> bool:
    """Whether a tensor is a matrix or more: what half precision saves memory by."""
    return tensor.ndim > 1


def in_dtype(
    tensors: Mapping[str, Tensor],
    dtype: torch.dtype = torch.float16,
    chosen: Callable[[str, Tensor], bool] = lambda name, tensor: True,
) -> dict[str, Tensor]:
    """The floating-point tensors in a smaller type; one that overflows in it stays as it is.

    Args:
        tensors: name -> tensor.
        dtype: the type.
        chosen: which of them; all if not given.
    """
    return {
        name: _smaller(tensor, dtype)
        if tensor.is_floating_point() and chosen(name, tensor)
        else tensor
        for name, tensor in tensors.items()
    }


def _smaller(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    stored = tensor.to(dtype)
    return stored if stored.isfinite().all() else tensor


def save_network(
    path: str | Path,
    network: nn.Module,
    key: str,
    card: Mapping[str, Any],
    dtype: torch.dtype = torch.float16,
) -> None:
    """Writes a network's weights, and its card as one entry of the file's metadata.

    Args:
        path: a .safetensors file.
        network: trained.
        key: of the entry.
        card: plain values.
        dtype: of the large weights in the file.
    """
    tensors = in_dtype(network.state_dict(), dtype, large)
    save_tensors(path, tensors, {key: json.dumps(dict(card), sort_keys=True)})
