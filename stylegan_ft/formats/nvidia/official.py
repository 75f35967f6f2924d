"""NVlabs' pickles of StyleGAN2-ADA and StyleGAN3: networks with the source code that made them.

Each module of such a network is a call of torch_utils.persistence with its class's name, the
source of the class, and its attributes. The source is never run (see
`stylegan_ft.pickles.sources` for what it may hold): the network is built here from the arguments
and tensors among the attributes. Its classes must be those that NVlabs' generators are made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from property_cnn.common.errors import CheckpointError
from stylegan_ft.architectures.settings import training_arguments
from stylegan_ft.architectures.stylegan2 import settings as stylegan2
from stylegan_ft.architectures.stylegan3 import settings as stylegan3
from stylegan_ft.formats.records import Checkpoint
from stylegan_ft.pickles.known import RECONSTRUCT
from stylegan_ft.pickles.reading import Data
from stylegan_ft.pickles.saved import Saved
from stylegan_ft.pickles.symbols import Call
from stylegan_ft.pickles.tensors import StoredTensor, read_state

ENTRIES = ("G_ema", "G")
"""Entries that may hold the generator: the averaged one first."""

GENERATOR = "Generator"

CLASSES = frozenset(
    "Generator MappingNetwork SynthesisNetwork SynthesisBlock SynthesisLayer ToRGBLayer "
    "FullyConnectedLayer Conv2dLayer SynthesisInput".split()
)
"""Classes of the modules that generators are made of."""

ARGUMENTS = (
    "z_dim", "c_dim", "w_dim", "img_resolution", "img_channels", "mapping_kwargs",
    "synthesis_kwargs",
)  # fmt: skip
"""Names of the generator's arguments in their order."""

MOST_NETWORKS = 4
"""Networks in a file that is a tuple or list of them."""

MAX_PARTS = 2**15
"""Modules and tensors that no generator exceeds."""

MAX_NAME, MAX_LENGTH, MAX_DEPTH = 256, 64, 3
"""Letters of a module's name, entries of an argument and of those in it, and how deep they lie."""


@dataclass(frozen=True)
class Network:
    """A network in a pickle: its entry, class, attributes."""

    entry: str
    class_name: str
    attributes: Mapping[object, object]


def find_network(saved: Saved) -> Network | None:
    """The generator that a file holds as a whole object; None if it holds none.

    Of a tuple or list, as (G, D, G_ema), it is the last one, which is the averaged one.
    """
    value = saved.value
    if isinstance(value, tuple | list):
        return _last_generator(value)
    if not isinstance(value, dict):
        return _as_network("", value)
    found = (_as_network(entry, value.get(entry)) for entry in ENTRIES)
    return next((network for network in found if network is not None), None)


def read_network(network: Network, saved: Saved, data: Data, payload: bool = True) -> Checkpoint:
    """The settings and weights of a generator.

    Args:
        payload: False leaves large tensors unread; see `stylegan_ft.pickles.tensors`.

    Raises:
        CheckpointError: it has classes of other networks, or arguments that are not known.
    """
    if network.class_name != GENERATOR:
        raise _foreign(network.entry, network.class_name)
    tensors = dict(_tensors(network, saved))
    arguments = _arguments(network)
    third = "synthesis.input.freqs" in tensors
    config = (stylegan3 if third else stylegan2).config_from_official(arguments)
    return Checkpoint(
        kind=f"NVlabs pickle ({network.entry or 'a generator alone'})",
        architecture="stylegan3" if third else "stylegan2",
        config=config,
        state=read_state(tensors, data, payload),
        notes=("its embedded source code was not run", *_ignored(arguments)),
    )


def _last_generator(values: Sequence[object]) -> Network | None:
    if not 0 < len(values) <= MOST_NETWORKS:
        return None
    places = [f"{k + 1} of {len(values)}" for k in range(len(values))]
    found = [_as_network(place, value) for place, value in zip(places, values, strict=True)]
    networks = [network for network in found if network is not None]
    generators = [network for network in networks if network.class_name == GENERATOR]
    return next(reversed(generators or networks), None)


def _as_network(entry: str, value: object) -> Network | None:
    if not isinstance(value, Call) or value.name != RECONSTRUCT:
        return None
    meta = value.args[0] if len(value.args) == 1 else None
    if not isinstance(meta, dict):
        raise CheckpointError(f"its network {entry or ''} has no description; it is damaged")
    name, attributes = meta.get("class_name"), meta.get("state")
    if not isinstance(name, str) or not isinstance(attributes, dict):
        raise CheckpointError(f"its network {entry or ''} has no class or no state; it is damaged")
    return Network(entry, name, attributes)


def _tensors(network: Network, saved: Saved) -> Iterator[tuple[str, StoredTensor]]:
    """The parameters and buffers of a network and its modules, named as in a state dict."""
    waiting, left = [("", network)], MAX_PARTS
    while waiting:
        prefix, module = waiting.pop()
        if module.class_name not in CLASSES:
            raise _foreign(prefix.rstrip(".") or network.entry, module.class_name)
        parameters, buffers, modules = (
            _held(module, kind) for kind in ("_parameters", "_buffers", "_modules")
        )
        left -= 1 + len(parameters) + len(buffers) + len(modules)
        if left < 0 or len(prefix) > MAX_NAME:  # as where modules hold each other
            raise CheckpointError("its network has more parts than any generator")
        for name, value in (*parameters.items(), *buffers.items()):
            tensor = saved.tensor(value)
            if tensor is not None:
                yield prefix + name, tensor
            elif value is not None:
                raise CheckpointError(f"its {prefix}{name} is no tensor")
        for name, value in modules.items():
            child = _as_network(network.entry, value)
            if child is not None:
                waiting.append((f"{prefix}{name}.", child))
            elif value is not None:
                raise CheckpointError(f"its {prefix}{name} is no module of NVlabs' generators")


def _held(module: Network, kind: str) -> dict[str, object]:
    """The parameters, buffers or modules of a module; None for those that are not there."""
    held = module.attributes.get(kind, {})
    if not isinstance(held, dict) or not all(isinstance(name, str) for name in held):
        raise CheckpointError(f"{kind} of a {module.class_name} is damaged")
    return held


def _arguments(network: Network) -> dict[str, object]:
    """The arguments that the generator was made with, by name."""
    given = network.attributes.get("_init_args", ())
    named = network.attributes.get("_init_kwargs", {})
    if not isinstance(given, tuple) or len(given) > len(ARGUMENTS) or not isinstance(named, dict):
        raise CheckpointError("the arguments of its generator are damaged")
    return plain_value("arguments", dict(zip(ARGUMENTS, given, strict=False)) | named)


def plain_value(name: str, value: object, depth: int = 0) -> object:
    """The value itself, if nothing in it is a symbol and it is not too large for an argument."""
    if isinstance(value, str | bool | int | float | None):
        return value
    inside = depth < MAX_DEPTH and isinstance(value, dict | list | tuple)
    if not inside or len(value) > MAX_LENGTH:
        raise CheckpointError(f"{name[:60]} of its generator is no plain value")
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise CheckpointError(f"{name[:60]} of its generator has names that are no texts")
        return {key: plain_value(key, part, depth + 1) for key, part in value.items()}
    return tuple(plain_value(name, part, depth + 1) for part in value)


def _ignored(arguments: Mapping[str, object]) -> tuple[str, ...]:
    """A note of arguments that NVlabs' classes do not have and that change no image."""
    names = training_arguments(arguments)
    if not names:
        return ()
    return (f"arguments that change no image were left out: {', '.join(names)}",)


def _foreign(where: str, class_name: str) -> CheckpointError:
    return CheckpointError(
        f"{where or 'it'} is a {class_name[:60]!r}, which is no part of NVlabs' StyleGAN2 and "
        "StyleGAN3 generators; its source code in the file is not run"
    )
