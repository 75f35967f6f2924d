"""The networks that a fine-tuning run starts from: what a variant adds, and what it trains."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import Tensor, nn

from property_cnn.common.errors import InputError
from property_cnn.network.cnn import PropertyCNN
from property_cnn.properties import LABELS
from stylegan_ft.architectures.stylegan1.discriminator import Discriminator
from stylegan_ft.architectures.stylegan1.network import NEW_STD, GeneratorNetwork
from stylegan_ft.architectures.stylegan1.settings import GeneratorConfig
from stylegan_ft.finetune.property_discriminator import PropertyDiscriminator
from stylegan_ft.finetune.settings import Variant

DISCRIMINATOR_CHANNELS = (128, 96, 64, 32, 16)
"""Feature maps of a new discriminator for 64 × 64 pixels, 4 × 4 first."""

RGB = 3


def with_labels(network: GeneratorNetwork, labels: tuple[str, ...], seed: int) -> GeneratorNetwork:
    """A copy whose label holds these properties.

    A network without labels gets an embedding of N(0, 0.15²), so small that the images hardly
    change: what pixel norm over more numbers adds, the equalised rate of more inputs takes away.
    One whose label holds the seven properties of `LABELS` keeps the rows of those wanted.

    Raises:
        InputError: the network has other labels.
    """
    config = network.config
    wanted = replace(config, label_dim=len(labels), label_embedding=config.label_embedding or 16)
    if config.label_dim == 0:
        rng = torch.Generator().manual_seed(seed)
        state = dict(network.state_dict())
        embedding = (wanted.label_dim, wanted.label_embedding)
        state["mapping.label_weight"] = torch.randn(embedding, generator=rng) * NEW_STD
        first = state["mapping.dense0.weight"].cpu()
        new = torch.randn(len(first), wanted.label_embedding, generator=rng) / config.lr_mul
        state["mapping.dense0.weight"] = torch.cat([first, new], dim=1)
        return _network(wanted, state)
    if config.label_dim != len(LABELS) or not set(labels) <= set(LABELS):
        raise InputError(
            f"the base has labels of {config.label_dim} numbers; give a base without labels, or "
            f"with the {len(LABELS)} of {', '.join(LABELS)}"
        )
    state = dict(network.state_dict())
    rows = [LABELS.index(name) for name in labels]
    state["mapping.label_weight"] = state["mapping.label_weight"][rows]
    return _network(wanted, state)


def with_split(network: GeneratorNetwork, seed: int) -> GeneratorNetwork:
    """A copy with the split mapping; the old layers keep their weights, new ones are N(0, 0.15²).

    One that has the split already stays what it is.
    """
    if network.config.split:
        return copy.deepcopy(network)
    config = replace(network.config, split=True, wide_dim=network.config.wide_dim or 2048)
    new = GeneratorNetwork(config, seed=seed).state_dict()
    return _network(config, {**new, **network.state_dict()})


def _network(config: GeneratorConfig, state: dict[str, Tensor]) -> GeneratorNetwork:
    network = GeneratorNetwork(config)
    network.load_state_dict(state)
    return network


def starting_generator(base: GeneratorNetwork, variant: Variant, seed: int) -> GeneratorNetwork:
    """A copy of the base with what the variant adds; only what it trains requires gradients.

    Raises:
        InputError: the base's images are not RGB, or it has other labels.
    """
    if base.config.image_channels != RGB:
        raise InputError(
            f"the base's images have {base.config.image_channels} channels; fine-tuning takes {RGB}"
        )
    network = copy.deepcopy(base).cpu()
    if variant.labels:
        network = with_labels(network, variant.labels, seed)
    if variant.split:
        network = with_split(network, seed)
    last = len(network.config.channels) - 1
    for name, parameter in network.named_parameters():
        runs = not name.startswith("synthesis.output") or name.startswith(f"synthesis.output{last}")
        trained = any(name.startswith(start) for start in variant.generator_trains)
        parameter.requires_grad_(runs and trained)  # smaller resolutions' outputs do not run
    return network.train()


def starting_discriminator(
    variant: Variant,
    resolution: int,
    base: Discriminator | None = None,
    scorer: PropertyCNN | None = None,
    seed: int = 0,
) -> Discriminator | PropertyDiscriminator:
    """The variant's discriminator; only what it trains requires gradients.

    Args:
        base: one to go on from; without it a new one is trained as a whole, whatever the variant.
        scorer: the property CNN that v5's is built from.

    Raises:
        InputError: the base is for images of another size, or the scorer is missing.
    """
    labels = len(variant.labels)
    if variant.property_discriminator:
        if scorer is None:
            raise InputError(f"{variant.name} needs the scorer; give one of our own kind")
        return PropertyDiscriminator(scorer, variant.labels, seed=seed).requires_grad_(True)
    if base is None:
        network = Discriminator(resolution, _channels(resolution), labels, seed=seed)
        return _train_only(network, first=0)
    if base.resolution != resolution:
        raise InputError(
            f"the discriminator is for {base.resolution} pixels, the generator for {resolution}; "
            "give one of that size, or none"
        )
    network = _with_label_outputs(base, labels, seed)
    return _train_only(network, _first_trained(network, variant))


def _channels(resolution: int) -> tuple[int, ...]:
    blocks = resolution.bit_length() - 2
    narrow = DISCRIMINATOR_CHANNELS[-1:] * max(0, blocks - len(DISCRIMINATOR_CHANNELS))
    return (*DISCRIMINATOR_CHANNELS, *narrow)[:blocks]


def _with_label_outputs(base: Discriminator, labels: int, seed: int) -> Discriminator:
    """A copy with one unconditional output and one a label; those known keep their weights."""
    if base.label_dim == labels:
        return copy.deepcopy(base).cpu()
    if base.label_dim:
        raise InputError(
            f"the discriminator has labels of {base.label_dim} numbers, the variant {labels}; "
            "give one without labels, or none"
        )
    network = Discriminator(base.resolution, base.channels, labels, seed=seed, group=base.group)
    state = network.state_dict()
    for name, tensor in base.state_dict().items():
        if tensor.shape == state[name].shape:
            state[name] = tensor
        else:  # the last layer: its rows are the outputs
            state[name] = torch.cat([tensor.cpu(), NEW_STD * state[name][len(tensor) :]])
    network.load_state_dict(state)
    return network


def _first_trained(network: Discriminator, variant: Variant) -> int:
    """Number of the first layer that the variant trains."""
    return {
        "all": 0,
        "last 3": 2 * network.blocks - 2,  # of 2 * blocks + 1
        "from 16": 2 * max(0, network.blocks - 3),  # 16 × 16 is the third resolution from below
    }[variant.discriminator_trains]


def _train_only(network: Discriminator, first: int) -> Discriminator:
    """Only layers from the first one on require gradients; inputs of smaller images never run."""
    trained = {f"layer{i}" for i in range(first, 2 * network.blocks + 1)}
    trained |= {"input0"} if first == 0 else set()
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name.split(".")[0] in trained)
    return network


def trained_parameters(network: nn.Module) -> list[nn.Parameter]:
    """The parameters that require gradients."""
    return [parameter for parameter in network.parameters() if parameter.requires_grad]
