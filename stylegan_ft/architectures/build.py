"""From settings and a state dict to a network, and settings as JSON.

A network is made on the "meta" device, without numbers, and then given its weights: so nothing is
drawn or allocated that the weights would replace, and settings which do not fit them take no
memory.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from property_cnn.common.errors import CheckpointError
from stylegan_ft.architectures.mapping import MappingNetwork
from stylegan_ft.architectures.mobile.network import MobileStyleGAN
from stylegan_ft.architectures.mobile.settings import MobileConfig
from stylegan_ft.architectures.network import StyleGANNetwork
from stylegan_ft.architectures.pggan.network import PGGAN
from stylegan_ft.architectures.pggan.settings import PGGANConfig
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork, infer_config
from stylegan_ft.architectures.stylegan1.settings import GeneratorConfig
from stylegan_ft.architectures.stylegan2.network import StyleGAN2
from stylegan_ft.architectures.stylegan2.settings import StyleGAN2Config
from stylegan_ft.architectures.stylegan3.network import StyleGAN3
from stylegan_ft.architectures.stylegan3.settings import StyleGAN3Config
from stylegan_ft.shapes import without_numbers

Config = GeneratorConfig | StyleGAN2Config | StyleGAN3Config | PGGANConfig | MobileConfig
Network = GeneratorNetwork | StyleGANNetwork | PGGAN
Module = TypeVar("Module", bound=nn.Module)

KINDS = {
    "stylegan1": (GeneratorConfig, GeneratorNetwork),
    "stylegan2": (StyleGAN2Config, StyleGAN2),
    "stylegan3": (StyleGAN3Config, StyleGAN3),
    "pggan": (PGGANConfig, PGGAN),
    "mobilestylegan": (MobileConfig, MobileStyleGAN),
}
"""Architecture -> its settings and its network."""

COMPUTED = ("resample_filter", "up_filter", "down_filter")
"""Last parts of the names of buffers that follow from the settings: a file may lack them."""

UNUSED = ".conv1.resample_filter"
"""End of the names of filters of StyleGAN2's layers that keep the resolution: whatever a file has
there, nothing reads it."""

W_AVG = "mapping.w_avg"
"""Name of the mean w of StyleGAN2 and 3."""

W_AVG_SAMPLES = 4096
"""Latents whose mean w is taken where a checkpoint has none."""

W_AVG_STEPS = 2**14
"""Steps in a unit of w that such a mean is rounded to."""


def build(
    config: Config | None,
    state: dict[str, Tensor],
    source: str = "the weights",
    move: bool = False,
) -> Network:
    """The network with these settings and weights: float32, on the CPU, for inference.

    Where the state of a StyleGAN2 or 3 has no mean w, the mean over latents of a fixed seed takes
    its place.

    Args:
        config: None for a StyleGAN 1, whose sizes its weights tell.
        source: what errors call the weights.
        move: take the tensors out of the state, so that none is held twice.

    Raises:
        CheckpointError: names or shapes of the weights are not those of the settings.
    """
    config = told_config(state, source) if config is None else config
    kind = KINDS[architecture_of(config)][1]
    if isinstance(config, StyleGAN2Config):
        state = state if move else dict(state)
        for name in [name for name in state if name.endswith(UNUSED)]:
            del state[name]
    if isinstance(config, MobileConfig):
        state = {name: tensor for name, tensor in state.items() if config.needs(name)}
    measured = issubclass(kind, StyleGANNetwork) and W_AVG not in state and not config.c_dim
    network = filled(lambda: kind(config), state, source, move, {W_AVG} if measured else ())
    if measured:
        network.mapping.w_avg = mean_w(network.mapping, config.z_dim)
    return network


@torch.no_grad()
def mean_w(mapping: MappingNetwork, z_dim: int) -> Tensor:
    """The mean w (w_dim,) over latents of a fixed seed, the same number on every processor.

    So that files that hold it are the same everywhere: products are taken in float64, and the mean
    is rounded to steps far below what an image shows.
    """
    rng = torch.Generator().manual_seed(0)
    z = torch.randn(W_AVG_SAMPLES, z_dim, generator=rng).double()
    return rounded_mean(copy.deepcopy(mapping).double()(z)["w"])


def rounded_mean(ws: Tensor) -> Tensor:
    """The mean (w_dim,) of w (N, w_dim) in float64, rounded to steps as `mean_w` says."""
    return (ws.mean(dim=0) * W_AVG_STEPS).round().div(W_AVG_STEPS).float()


def told_config(state: Mapping[str, Tensor], source: str = "the weights") -> GeneratorConfig:
    """The settings of the StyleGAN 1 that weights with genforce's names are of.

    Raises:
        CheckpointError: weights are missing.
    """
    try:
        return infer_config(state)
    except (KeyError, IndexError, ValueError) as error:
        raise CheckpointError(
            f"{source}: not a StyleGAN generator with genforce's names of weights ({error})"
        ) from error


def filled(
    make: Callable[[], Module],
    state: dict[str, Tensor],
    source: str = "the weights",
    move: bool = False,
    spare: Collection[str] = (),
) -> Module:
    """A network with these weights, in its own types, for inference.

    Args:
        make: makes the network; what it computes from settings alone has its numbers all the same.
        state: its weights; they may lack what is `COMPUTED`.
        source: what errors call them.
        move: take the tensors out of the state, so that none is held twice.
        spare: further names that the state may lack.

    Raises:
        CheckpointError: they are not those of the network.
    """
    with without_numbers():
        network = make()
    computed = {name for name in network.state_dict() if name.rpartition(".")[2] in COMPUTED}
    check_state(network, state, source, computed.union(spare))
    fill(network, state, move)
    return network


def architecture_of(config: Config) -> str:
    """The name of the architecture that settings are of."""
    return next(name for name, (kind, _) in KINDS.items() if isinstance(config, kind))


def config_to_dict(config: Config) -> dict[str, Any]:
    """The settings in plain values that JSON keeps; those of StyleGAN2 and 3 with its name."""
    settings, architecture = dataclasses.asdict(config), architecture_of(config)
    if architecture == "stylegan1":
        return settings
    return {"architecture": architecture, "settings": settings}


def config_from_dict(given: Mapping[str, Any]) -> Config:
    """The settings that `config_to_dict` gave, also after a way through JSON.

    Raises:
        CheckpointError: it is another dictionary, or a setting is not an allowed one.
    """
    try:
        if "architecture" in given:
            return KINDS[given["architecture"]][0](**given["settings"])
        return GeneratorConfig(**given)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"not a generator's settings ({error})") from error


def check_state(
    network: nn.Module,
    state: Mapping[str, Tensor],
    source: str = "the weights",
    spare: Collection[str] = (),
) -> None:
    """Tells whether weights are those of a network.

    Args:
        source: what errors call the weights.
        spare: names that the state may lack.

    Raises:
        CheckpointError: with the first faults: weights are missing, foreign, of another shape, or
            no floats.
    """
    wanted = network.state_dict()
    faults = [f"lacks {name}" for name in wanted if name not in state and name not in spare]
    faults += [f"has a foreign {name}" for name in state if name not in wanted]
    for name, tensor in wanted.items():
        given = state.get(name, tensor)
        if given.shape != tensor.shape:
            shapes = f"{tuple(given.shape)}, not {tuple(tensor.shape)}"
            faults.append(f"has {name} of shape {shapes}")
        elif not given.is_floating_point():
            faults.append(f"has {name} in {given.dtype}, which is no kind of weights")
    if faults:
        more = f" and {len(faults) - 4} more" if len(faults) > 4 else ""
        raise CheckpointError(
            f"{source}: not the weights of its settings, it {', '.join(faults[:4])}{more}"
        )


def fill(network: nn.Module, state: dict[str, Tensor], move: bool = False) -> None:
    """Gives a network its weights, in its own types; what the state lacks stays as it is.

    Args:
        state: checked by `check_state`.
        move: take the tensors out of the state, so that none is held twice.
    """
    taken = {}
    for name, own in network.state_dict().items():
        if name in state:
            tensor = state.pop(name) if move else state[name]
            taken[name] = tensor.to(own.dtype, copy=not move)
    network.load_state_dict(taken, strict=False, assign=True)
    network.eval().requires_grad_(False)
