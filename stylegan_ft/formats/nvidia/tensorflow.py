"""NVIDIA's pickles of TensorFlow: progressive GAN, StyleGAN, StyleGAN2 and StyleGAN2-ADA.

Such a file holds (G, D, Gs), objects of dnnlib.tflib.network.Network: the source code and the name
of a function that builds the network, its keyword arguments, its variables by name as NumPy
arrays, and its components, networks in turn. TensorFlow's reader runs the source; here the arrays
and arguments are read as data, and the layout of the variables is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from property_cnn.common.errors import CheckpointError
from stylegan_ft.architectures.settings import Keywords
from stylegan_ft.formats.families import listed
from stylegan_ft.formats.nvidia.from_pggan import TELLING, progressive
from stylegan_ft.formats.nvidia.from_stylegan1 import stylegan1
from stylegan_ft.formats.nvidia.from_stylegan2 import stylegan2
from stylegan_ft.formats.nvidia.official import plain_value
from stylegan_ft.formats.nvidia.variables import Variables
from stylegan_ft.formats.records import Checkpoint
from stylegan_ft.pickles.arrays import stored_array
from stylegan_ft.pickles.known import NETWORKS, RECONSTRUCTOR
from stylegan_ft.pickles.reading import Data
from stylegan_ft.pickles.saved import Saved
from stylegan_ft.pickles.symbols import Call, Global
from stylegan_ft.pickles.tensors import StoredTensor, read_state

COMPONENTS = ("mapping", "synthesis")

MAX_VARIABLES = 2**12
"""Variables that no generator's network exceeds."""

NOTE = (
    "its embedded source code was not run; TensorFlow's own reader, dnnlib, runs it on opening the "
    "file"
)

PROGRESSIVE = "G_paper"
"""Function that builds a progressive GAN, which has no components."""


@dataclass(frozen=True)
class Network:
    """A network as TensorFlow's pickles have it.

    Attributes:
        name: as "Gs", the averaged generator.
        function: name of the function that builds it.
        arguments: its keyword arguments.
        variables: name -> where its numbers are.
        components: the networks in it, by name.
    """

    name: str
    function: str
    arguments: Mapping[str, Any]
    variables: Mapping[str, Any]
    components: Mapping[str, Network] = field(default_factory=dict)


Conversion = Callable[[Variables, Keywords], tuple[Any, dict[str, Tensor]]]

CONVERSIONS: dict[str, tuple[str, Conversion]] = {
    "4x4/Conv/mod_weight": ("stylegan2", stylegan2),
    "4x4/Conv/StyleMod/weight": ("stylegan1", stylegan1),
}
"""A variable that only one synthesis has -> its architecture, and what converts it."""

FUNCTIONS = frozenset(
    "G_paper G_style G_main G_mapping G_synthesis G_synthesis_stylegan2 "
    "G_synthesis_stylegan_revised".split()
)
"""NVIDIA's functions that build generators and their components."""


def find_generator(saved: Saved) -> Call | None:
    """The averaged generator of a file of (G, D, Gs), or the one that it is; None if it is none."""
    value = saved.value
    if isinstance(value, tuple | list) and 0 < len(value) <= 4:
        return value[-1] if all(map(_is_network, value)) else None
    return value if _is_network(value) else None


def read_generator(value: Call, data: Data, payload: bool = True) -> Checkpoint:
    """The settings and weights of a generator.

    Args:
        payload: False leaves large tensors unread; see `stylegan_ft.pickles.tensors`.

    Raises:
        CheckpointError: it is damaged, or of an architecture that this library does not have.
    """
    network = _network(value, depth=2)
    architecture, convert = _conversion(network)
    arguments: dict[str, Any] = {}
    stored: dict[str, StoredTensor] = dict(network.variables)
    for name, part in network.components.items():
        arguments |= part.arguments
        stored |= {f"{name}/{key}": array for key, array in part.variables.items()}
    arguments |= network.arguments
    variables = Variables(read_state(stored, data, payload))
    config, state = convert(variables, Keywords("the generator's arguments", arguments))
    variables.finish()
    kind = f"NVlabs TensorFlow pickle ({network.name[:60] or 'a generator alone'})"
    return Checkpoint(kind, architecture, config, state, notes=(NOTE, *_doubts(network)))


def _conversion(network: Network) -> tuple[str, Conversion]:
    """The architecture of a network, told from its variables, and what converts it."""
    if not network.components and (network.function == PROGRESSIVE or TELLING in network.variables):
        return "pggan", progressive
    if network.function not in FUNCTIONS and not network.components:
        raise _unknown(network.function)
    for name in COMPONENTS:
        if name not in network.components:
            raise CheckpointError(f"its generator lacks its {name} network; it is damaged")
    synthesis = network.components["synthesis"]
    found = next((CONVERSIONS[name] for name in CONVERSIONS if name in synthesis.variables), None)
    if found is None:
        raise _unknown(synthesis.function)
    return found


def _doubts(network: Network) -> tuple[str, ...]:
    """A note where functions build the network that are not NVIDIA's by name."""
    functions = [network.function, *(part.function for part in network.components.values())]
    foreign = [name for name in functions if name not in FUNCTIONS]
    if not foreign:
        return ()
    return (
        f"functions {listed(foreign)} build it; by its variables and arguments it was taken for "
        "NVIDIA's network",
    )


def _is_network(value: object) -> bool:
    """Whether a symbol stands for a network; protocols 0 and 1 make it by a function's call."""
    if isinstance(value, Call) and value.name == RECONSTRUCTOR and value.args:
        return isinstance(value.args[0], Global) and value.args[0].name in NETWORKS
    return isinstance(value, Call) and value.name in NETWORKS


def _network(value: object, depth: int) -> Network:
    """The network that a symbol stands for, with those in it down to a depth."""
    state = value.state if _is_network(value) and depth else None
    if not isinstance(state, dict):
        raise CheckpointError("its TensorFlow network has no content; it is damaged")
    function, components = state.get("build_func_name"), state.get("components", {})
    variables = state.get("variables")
    if not isinstance(function, str) or not isinstance(components, dict):
        raise CheckpointError("its TensorFlow network has no function or parts; it is damaged")
    if not isinstance(variables, list | tuple) or len(variables) > MAX_VARIABLES:
        raise CheckpointError("its TensorFlow network has no list of variables; it is damaged")
    arguments = plain_value("arguments", state.get("static_kwargs", {}))
    if not isinstance(arguments, dict):
        raise CheckpointError("the arguments of its TensorFlow network are damaged")
    stored = {}
    for variable in variables:
        pair = isinstance(variable, list | tuple) and len(variable) == 2
        if not pair or not isinstance(variable[0], str):
            raise CheckpointError("a variable of its TensorFlow network has no name; it is damaged")
        array = stored_array(variable[1])
        if array is None:
            raise CheckpointError(f"its variable {variable[0][:60]} is no array of numbers")
        stored[variable[0]] = array
    held = {name: components[name] for name in components if name in COMPONENTS}
    inner = {name: _network(part, depth - 1) for name, part in held.items()}
    name = state.get("name")
    return Network(name if isinstance(name, str) else "", function, arguments, stored, inner)


def _unknown(function: str) -> CheckpointError:
    return CheckpointError(
        f"it is a TensorFlow network that {function[:60]!r} builds; NVIDIA's progressive GAN, "
        "StyleGAN and StyleGAN2 are read"
    )
