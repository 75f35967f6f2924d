"""From settings and a state dict to a network, and settings as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from property_cnn.common.errors import CheckpointError, InputError
from stylegan_ft.architectures.stylegan2.network import StyleGAN2
from stylegan_ft.architectures.stylegan2.settings import StyleGAN2Config
from stylegan_ft.architectures.stylegan3.network import StyleGAN3
from stylegan_ft.architectures.stylegan3.settings import StyleGAN3Config
from stylegan_ft.architectures.weights import check_state, fill

Config = StyleGAN2Config | StyleGAN3Config
Network = StyleGAN2 | StyleGAN3

KINDS = {"stylegan2": (StyleGAN2Config, StyleGAN2), "stylegan3": (StyleGAN3Config, StyleGAN3)}
"""Architecture -> its settings and its network."""

COMPUTED = ("resample_filter", "up_filter", "down_filter")
"""Last parts of the names of buffers that follow from the settings: a file may lack them."""

W_AVG = "mapping.w_avg"
"""Name of the mean w."""

W_AVG_SAMPLES = 4096
"""Latents whose mean w is taken where a checkpoint has none."""


def build(
    config: Config,
    state: dict[str, Tensor],
    source: str = "the weights",
    move: bool = False,
) -> Network:
    """The network with these settings and weights: float32, on the CPU, for inference.

    Where the state has no mean w, the mean over latents of a fixed seed takes its place.

    Args:
        source: what errors call the weights.
        move: take the tensors out of the state, so that none is held twice.

    Raises:
        CheckpointError: names or shapes of the weights are not those of the settings.
    """
    kind = next(network for settings, network in KINDS.values() if isinstance(config, settings))
    with torch.device("meta"):  # what is computed from the settings has its numbers all the same
        network = kind(config)
    spare = {name for name in network.state_dict() if name.rpartition(".")[2] in COMPUTED}
    measured = W_AVG not in state and not config.c_dim
    check_state(network, state, source, spare | ({W_AVG} if measured else set()))
    fill(network, state, move)
    if measured:
        rng = torch.Generator().manual_seed(0)
        z = torch.randn(W_AVG_SAMPLES, config.z_dim, generator=rng)
        network.mapping.w_avg = network.mapping(z)["w"].mean(dim=0)
    return network


def config_to_dict(config: Config) -> dict[str, Any]:
    """The settings in plain values that JSON keeps, with the name of the architecture."""
    architecture = next(name for name, (kind, _) in KINDS.items() if isinstance(config, kind))
    return {"architecture": architecture, "settings": dataclasses.asdict(config)}


def config_from_dict(given: Mapping[str, Any]) -> Config:
    """The settings that `config_to_dict` gave, also after a way through JSON.

    Raises:
        CheckpointError: it is another dictionary, or a setting is not an allowed one.
    """
    try:
        return KINDS[given["architecture"]][0](**given["settings"])
    except (KeyError, TypeError, InputError) as error:
        raise CheckpointError(f"not the settings of a StyleGAN2 or 3 ({error})") from error
