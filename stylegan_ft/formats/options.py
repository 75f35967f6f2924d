"""Settings that files do not tell: how they are given, told from weights, or assumed.

genforce's classes take arguments that leave no trace in the names and shapes of their weights. A
generator's name may carry them behind a question mark: `g.pth?fused_scale=false&final_tanh=true`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import bytes_digest
from stylegan_ft.architectures.noise import CONST, check_noise, with_noise
from stylegan_ft.architectures.settings import LARGEST
from stylegan_ft.formats.genforce import pggan, stylegan1, stylegan2
from stylegan_ft.formats.records import Checkpoint

MARK, BETWEEN = "?", "&"
"""What stands before the options in a generator's name, and between them."""

NOISE = "noise"
"""The option that every generator takes."""

APPLIED = {
    "stylegan1": stylegan1.applied,
    "stylegan2": stylegan2.applied,
    "pggan": pggan.applied,
}
"""Architecture -> (checkpoint as its file has it, its options) -> checkpoint of the network here,
and the options that its weights told."""


def split_name(given: str | os.PathLike) -> tuple[str, dict[str, str]]:
    """The path in a generator's name, and the options behind it.

    Raises:
        InputError: what stands behind the mark are no options.
    """
    path, mark, rest = str(given).rpartition(MARK)
    if not mark or Path(given).exists():  # which some system allows in a file's name
        return str(given), {}
    pairs = [part.partition("=") for part in rest.split(BETWEEN)]
    if not all(name and value for name, _, value in pairs):
        raise InputError(f"{given}: write options as {path}{MARK}name=value{BETWEEN}name=value")
    return path, {name: value for name, _, value in pairs}


def with_name(given: str | os.PathLike, options: Mapping[str, object]) -> str:
    """The name of a generator with options; those that it has already give way to them."""
    path, before = split_name(given)
    options = {name: str(value).lower() for name, value in options.items()}
    pairs = BETWEEN.join(f"{name}={value}" for name, value in (before | options).items())
    return f"{path}{MARK}{pairs}" if pairs else path


def with_options(checkpoint: Checkpoint, given: Mapping[str, str]) -> Checkpoint:
    """The checkpoint of the network that a file and its options are of.

    Args:
        checkpoint: its `options` are those that the file leaves open, and what is taken for them.
        given: by name, as text; they change the digest. "noise" is one of every file, see
            `stylegan_ft.architectures.noise`.

    Raises:
        CheckpointError: the file does not leave such an option open, or its weights are not whole.
        InputError: a value is not one of those allowed.
    """
    given = dict(given)
    noise = check_noise(given.pop(NOISE, CONST))
    checkpoint = _with_options(checkpoint, given)
    if noise == CONST:
        return checkpoint
    digest = bytes_digest(f"{checkpoint.digest} {NOISE}={noise}".encode())
    return replace(
        checkpoint,
        state=with_noise(checkpoint.state, noise),
        digest=digest,
        notes=(*checkpoint.notes, f"given: {NOISE}={noise}"),
    )


def _with_options(checkpoint: Checkpoint, given: Mapping[str, str]) -> Checkpoint:
    open_options = checkpoint.options
    unknown = [name for name in given if name not in open_options]
    if unknown:
        known = ", ".join(open_options) or "none, since the file tells its settings"
        raise CheckpointError(f"option {', '.join(unknown)}: it takes {known}")
    if not open_options:
        return checkpoint
    chosen = {name: VALUES[name](name, value) for name, value in given.items()}
    try:
        applied, told = APPLIED[checkpoint.architecture](checkpoint, chosen)
    except (IndexError, RuntimeError, TypeError, ValueError, ZeroDivisionError) as error:
        text = f"its weights are no {checkpoint.kind}: other shapes ({error!s:.80})"
        raise CheckpointError(text) from error
    assumed = {k: v for k, v in open_options.items() if k not in chosen | told and v is not None}
    kinds = {
        "given": chosen,
        "told by the weights": told,
        "not told by the file, assumed": assumed,
    }
    notes = tuple(f"{kind}: {_listed(options)}" for kind, options in kinds.items() if options)
    digest = applied.digest
    if chosen:
        text = " ".join((digest, *(f"{name}={chosen[name]}" for name in sorted(chosen))))
        digest = bytes_digest(text.encode())
    return replace(applied, notes=(*applied.notes, *notes), digest=digest, options={})


def _listed(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={str(value).lower()}" for name, value in options.items())


def _word(*allowed: str) -> Callable[[str, str], bool | str]:
    def read(name: str, value: str) -> bool | str:
        text = str(value).lower()
        if text not in allowed:
            raise InputError(f"option {name}={value}: it must be {' or '.join(allowed)}")
        return {"true": True, "false": False}.get(text, text)

    return read


def _multiplier(name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0.0 < number <= LARGEST:
        raise InputError(f"option {name}={value}: it must be a number above 0, as 0.01")
    return number


def _size(name: str, value: str) -> int:
    if not str(value).isdecimal() or int(value) > LARGEST:
        raise InputError(f"option {name}={value}: it must be a whole number from 0 to {LARGEST}")
    return int(value)


VALUES = {
    "fused_scale": _word("true", "false", "auto"),
    "final_tanh": _word("true", "false"),
    "demodulate": _word("true", "false"),
    "use_wscale": _word("true", "false"),
    "mapping_lr_mul": _multiplier,
    "label_size": _size,
}
"""Option -> what reads its value; names are those of genforce's arguments."""
