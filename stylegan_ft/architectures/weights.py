"""Weights of a state dict put into a network that was made on the "meta" device, without numbers.

So nothing is drawn or allocated that the weights would replace, and settings which do not fit them
take no memory.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from torch import Tensor, nn

from property_cnn.common.errors import CheckpointError


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
