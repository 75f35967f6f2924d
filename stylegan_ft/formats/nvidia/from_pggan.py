"""TensorFlow's progressive GAN: names, axes and kernels brought to those of our PGGAN.

Karras et al., "Progressive Growing of GANs for Improved Quality, Stability, and Variation" (2018).
Its first layer is dense, with its maps' pixels as outputs; ours convolves a single pixel. A layer
that upsamples and convolves in one has its kernel turned, with its outputs before its inputs.
"""

from __future__ import annotations

from torch import Tensor

from property_cnn.common.errors import CheckpointError, InputError
from stylegan_ft.architectures.pggan.settings import PGGANConfig
from stylegan_ft.architectures.settings import Keywords
from stylegan_ft.formats.nvidia.variables import Variables, check_arguments

FIXED = {
    "normalize_latents": True,
    "use_wscale": True,
    "use_pixelnorm": True,
    "pixelnorm_epsilon": 1e-8,
    "use_leakyrelu": True,
    "dtype": "float32",
}
"""Arguments that must be as NVIDIA's defaults are."""

TELLING = "4x4/Dense/weight"
"""A variable that no other network of NVIDIA's has."""

PARTS = ("weight", "bias")


def progressive(variables: Variables, given: Keywords) -> tuple[PGGANConfig, dict[str, Tensor]]:
    """Settings and state dict of a generator that G_paper builds.

    Raises:
        CheckpointError: variables are missing, it is still growing, or arguments are not those of
            our network.
    """
    lod = variables.number("lod")
    if lod:
        raise CheckpointError(
            f"its growth is not finished, {lod:.2f} levels are missing; give a later file of the "
            "training"
        )
    state = _first(variables)
    blocks, fused = 1, False
    while f"{4 * 2**blocks}x{4 * 2**blocks}/Conv1/weight" in variables:
        scope, layer = f"{4 * 2**blocks}x{4 * 2**blocks}", f"layers.{2 * blocks}"
        fused = f"{scope}/Conv0_up/weight" in variables
        if fused:
            weight = variables.kernel(f"{scope}/Conv0_up/weight", turned=True)
            state[f"{layer}.weight"] = weight.transpose(0, 1).contiguous()
            state[f"{layer}.bias"] = variables.take(f"{scope}/Conv0_up/bias", axes=1)
        else:
            state |= _convolution(variables, f"{scope}/Conv0", layer)
        state |= _convolution(variables, f"{scope}/Conv1", f"layers.{2 * blocks + 1}")
        blocks += 1
    state |= _convolution(variables, "ToRGB_lod0", "output")
    for level in range(1, blocks):  # images of lower resolutions, which are made while it grows
        for part in PARTS:
            variables.drop(f"ToRGB_lod{level}/{part}")
    label_dim = given.take("label_size", 0)
    inputs = state["layers.0.weight"].shape[1]
    try:
        config = PGGANConfig(
            resolution=2 * 2**blocks,
            channels=tuple(len(state[f"layers.{2 * k + 1}.weight"]) for k in range(blocks)),
            z_dim=inputs - label_dim,
            label_dim=label_dim,
            image_channels=len(state["output.weight"]),
            joint_label=True,
        )
    except (InputError, TypeError) as error:
        raise CheckpointError(f"the generator's arguments: {error}") from error
    sizes = {
        "resolution": config.resolution,
        "num_channels": config.image_channels,
        "latent_size": config.z_dim,
        "fused_scale": fused if blocks > 1 else None,
    }
    check_arguments(given, FIXED, sizes)
    return config, state


def _first(variables: Variables) -> dict[str, Tensor]:
    """The layers of 4 × 4 pixels."""
    bias = variables.take("4x4/Dense/bias", axes=1)
    weight = variables.matrix(TELLING)  # (outputs * 16, inputs)
    if len(weight) != 16 * len(bias):
        raise CheckpointError(f"its {TELLING} has {len(weight)} outputs, not {16 * len(bias)}")
    weight = weight.unflatten(0, (len(bias), 4, 4)).movedim(-1, 1)  # (outputs, inputs, 4, 4)
    return {
        # the pixel that it convolves lies in the middle of zeros: kernels meet it turned
        "layers.0.weight": weight.flip(2, 3).contiguous(),
        "layers.0.bias": bias,
        **_convolution(variables, "4x4/Conv", "layers.1"),
    }


def _convolution(variables: Variables, old: str, new: str) -> dict[str, Tensor]:
    return {
        f"{new}.weight": variables.kernel(f"{old}/weight"),
        f"{new}.bias": variables.take(f"{old}/bias", axes=1),
    }
