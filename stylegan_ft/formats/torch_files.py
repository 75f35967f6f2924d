"""State dicts in files of torch.save: which entry holds them, and the network that they are of."""

from __future__ import annotations

from property_cnn.common.errors import CheckpointError
from stylegan_ft.formats.families import identify, listed
from stylegan_ft.formats.genforce.spreads import TELLING
from stylegan_ft.formats.records import Checkpoint
from stylegan_ft.pickles.reading import Data
from stylegan_ft.pickles.saved import Saved
from stylegan_ft.pickles.symbols import INSTEAD, Call
from stylegan_ft.pickles.tensors import StoredTensor, read_state

ENTRIES = (
    "g_ema", "G_ema", "generator_smooth", "average", "params_ema", "generator", "g", "network",
    "state_dict", "model",
)  # fmt: skip
"""Entries of a file that may hold a state dict: the averaged weights first."""

OUTER = "models"
"""Entry under which genforce keeps the others."""

PARALLEL = "module."
"""Beginning of all names where the network was wrapped for several GPUs."""

DECODER = "decoder."
"""Beginning of the generator's names where an encoder stands beside it, as in pSp's and e4e's."""

OTHERS = {
    "eigvec": "a file of SeFa's factors, directions of w and no generator; `vectorfind find` takes "
    "them from the generator itself, by `--method sefa`",
    "discriminator": "a file with a discriminator alone; give the generator's",
    "d": "a file with a discriminator alone; give the generator's",
    "D": "a file with a discriminator alone; give the generator's",
}
"""An entry of files that hold no generator, and what they are."""

MEAN = "latent_avg"
"""Entry of rosinality's, pSp's and e4e's files that holds the mean w."""


def read_state_dict(saved: Saved, data: Data, payload: bool = True) -> Checkpoint:
    """The network whose weights a file holds by name.

    Args:
        payload: False leaves large tensors unread; see `stylegan_ft.pickles.tensors`.

    Raises:
        CheckpointError: it holds none, or one that is not known.
    """
    entry, stored = find_state(saved)
    mean = saved.tensor(saved.value.get(MEAN)) if entry else None
    if mean is not None:
        stored[MEAN] = mean
    state = read_state(stored, data, payload)
    if not payload:  # some tell by their numbers what their network is
        state |= read_state({name: stored[name] for name in TELLING if name in stored}, data)
    mean_w = state.pop(MEAN) if mean is not None else None
    return identify(state, entry, mean_w)


def find_state(saved: Saved) -> tuple[str, dict[str, StoredTensor]]:
    """The entry of a file that holds a network's weights ("" for the file itself), and these; where
    an encoder stands beside its generator, those of the generator.

    Raises:
        CheckpointError: there are none, or they do not fit the file.
    """
    value = saved.value
    if isinstance(value, dict):
        value = value.get(OUTER, value)
    entry, held = "", value
    if isinstance(value, dict):
        entry = next((name for name in ENTRIES if isinstance(value.get(name), dict)), "")
        held = value[entry] if entry else value
    tensors = {}
    for name, part in held.items() if isinstance(held, dict) else ():
        tensor = saved.tensor(part)
        if tensor is None or not isinstance(name, str):
            break
        tensors[name] = tensor
    if not tensors or len(tensors) < len(held):
        foreign = next((what for name, what in OTHERS.items() if _holds(value, name)), None)
        if foreign is not None:
            raise CheckpointError(f"it is {foreign}")
        raise CheckpointError(
            f"it holds no state dict by itself or under {', '.join(ENTRIES)}; it has {_told(held)}"
        )
    if all(name.startswith(PARALLEL) for name in tensors):
        tensors = {name.removeprefix(PARALLEL): tensor for name, tensor in tensors.items()}
    decoder = {name: tensor for name, tensor in tensors.items() if name.startswith(DECODER)}
    if decoder:
        entry = f"{entry} decoder".strip()
        tensors = {name.removeprefix(DECODER): tensor for name, tensor in decoder.items()}
    return entry, tensors


def _told(held: object) -> str:
    """What a file has in place of weights."""
    parts = held if isinstance(held, dict) else {"": held}
    for name, part in parts.items():
        if isinstance(part, Call) and part.foreign:
            where = f"under {str(name)[:60]!r} " if isinstance(name, str) and name else ""
            return f"{where}a {part.name[:80]!r}, whose code is not run; {INSTEAD}"
    return listed(held) if isinstance(held, dict) else "something else"


def _holds(value: object, name: str) -> bool:
    return isinstance(value, dict) and name in value
