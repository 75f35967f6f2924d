"""State of a training, kept so that it goes on after a stop as if there had been none."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import atomic_path


def fingerprint(**marks: Any) -> str:
    """Names settings and data by plain values, so that no checkpoint goes on with others."""
    text = json.dumps(marks, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def save_state(path: str | os.PathLike, kind: str, marks: str, state: Mapping[str, Any]) -> None:
    """Writes tensors and plain values of a training, atomically."""
    with atomic_path(path) as temporary:
        torch.save({**state, "format": kind, "fingerprint": marks}, temporary)


def load_state(path: str | os.PathLike | None, kind: str, marks: str) -> dict[str, Any] | None:
    """The state that fits; None if there is none, or one of other settings or data.

    Raises:
        CheckpointError: the file is damaged, or of another kind.
    """
    if path is None or not Path(path).is_file():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        foreign = state["format"] != kind
    except (RuntimeError, EOFError, OSError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"{path} is damaged or no checkpoint; remove it") from error
    if foreign:
        raise CheckpointError(f"{path} is a checkpoint of something else; name another file")
    return state if state["fingerprint"] == marks else None
