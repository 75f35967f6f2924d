"""TensorFlow's StyleGAN2 and StyleGAN2-ADA: names, axes and kernels brought to those of NVlabs.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (2020). Configurations E
and F have the architectures skip, resnet or orig; B to D grow, and are the architecture orig once
they have grown. Layers that double the resolution have their kernels turned here, and styles have
a bias of one more.
"""

from __future__ import annotations

import dataclasses

from torch import Tensor

from property_cnn.common.errors import CheckpointError, InputError
from stylegan_ft.architectures.settings import Keywords
from stylegan_ft.architectures.stylegan2.settings import StyleGAN2Config
from stylegan_ft.formats.families import settings_of_stylegan2
from stylegan_ft.formats.nvidia.variables import Variables, check_arguments

NEAREST = (1.0, 1.0)
"""Taps that TensorFlow's `resample_kernel` stands for where it is None: pixels are repeated."""

FIXED = {"normalize_latents": True, "use_wscale": True, "dtype": "float32"}
"""Arguments that must be as NVIDIA's defaults are."""


def stylegan2(variables: Variables, given: Keywords) -> tuple[StyleGAN2Config, dict[str, Tensor]]:
    """Settings and state dict of a generator that G_main builds.

    Raises:
        CheckpointError: variables are missing, or arguments are not those of our network.
    """
    state = _mapping(variables)
    state["mapping.w_avg"] = variables.take("dlatent_avg", axes=1)
    lod = variables.number("lod")
    grown = "synthesis/ToRGB_lod0/weight" in variables
    if grown and lod:
        raise CheckpointError(
            f"its growth is not finished, {lod:.2f} levels are missing; give a later file of the "
            "training"
        )
    variables.drop("synthesis/lod")
    noisy, k = "synthesis/noise0" in variables, 0
    while k == 0 or f"synthesis/{4 * 2**k}x{4 * 2**k}/Conv1/weight" in variables:
        state |= _block(variables, k, noisy)
        k += 1
    if grown:
        state |= _to_image(variables, "synthesis/ToRGB_lod0", f"synthesis.b{2 * 2**k}")
        for lower in range(1, k):  # images of lower resolutions, which are made while it grows
            for part in ("weight", "bias", "mod_weight", "mod_bias"):
                variables.drop(f"synthesis/ToRGB_lod{lower}/{part}")
    told = settings_of_stylegan2(state)
    settings = {
        "lr_multiplier": given.take("mapping_lrmul", 0.01),
        "mapping_activation": given.take("mapping_nonlinearity", "lrelu"),
        "activation": given.take("nonlinearity", "lrelu"),
        "resample_filter": given.take("resample_kernel", told.resample_filter) or NEAREST,
        "conv_clamp": given.take("conv_clamp", None),
        "num_fp16_res": given.take("num_fp16_res", 0),
    }
    try:
        config = dataclasses.replace(told, **settings)
    except (InputError, TypeError) as error:
        raise CheckpointError(f"the generator's arguments: {error}") from error
    sizes = {
        "resolution": config.img_resolution, "num_channels": config.img_channels,
        "latent_size": config.z_dim, "label_size": config.c_dim, "dlatent_size": config.w_dim,
        "mapping_layers": config.mapping_layers, "mapping_fmaps": config.layer_features,
        "label_fmaps": config.embed_features or None, "use_noise": config.use_noise,
        "architecture": config.architecture,
    }  # fmt: skip
    check_arguments(given, FIXED, sizes)
    return config, state


def _mapping(variables: Variables) -> dict[str, Tensor]:
    if "mapping/LabelConcat/weight" in variables:
        raise CheckpointError(
            "its StyleGAN2 has labels that are normalised together with z, which no network of "
            "this library does; StyleGAN2-ADA's are read"
        )
    state, k = {}, 0
    if "mapping/LabelEmbed/weight" in variables:
        state["mapping.embed.weight"] = variables.matrix("mapping/LabelEmbed/weight")
        state["mapping.embed.bias"] = variables.take("mapping/LabelEmbed/bias", axes=1)
    while f"mapping/Dense{k}/weight" in variables:
        state[f"mapping.fc{k}.weight"] = variables.matrix(f"mapping/Dense{k}/weight")
        state[f"mapping.fc{k}.bias"] = variables.take(f"mapping/Dense{k}/bias", axes=1)
        k += 1
    return state


def _block(variables: Variables, k: int, noisy: bool) -> dict[str, Tensor]:
    """The layers of a resolution."""
    size = 4 * 2**k
    theirs, ours = f"synthesis/{size}x{size}", f"synthesis.b{size}"
    if k == 0:
        state = {f"{ours}.const": variables.image(f"{theirs}/Const/const")[0]}
        layers = {"conv1": ("Conv", 0)}
    else:
        state, layers = {}, {"conv0": ("Conv0_up", 2 * k - 1), "conv1": ("Conv1", 2 * k)}
    for layer, (name, noise) in layers.items():
        new, old = f"{ours}.{layer}", f"{theirs}/{name}"
        state[f"{new}.weight"] = variables.kernel(f"{old}/weight", turned=layer == "conv0")
        state[f"{new}.bias"] = variables.take(f"{old}/bias", axes=1)
        state |= _affine(variables, old, new)
        if noisy:
            strength = variables.take(f"{old}/noise_strength", axes=0)
            state[f"{new}.noise_strength"] = strength
            state[f"{new}.noise_const"] = _noise(variables, f"synthesis/noise{noise}")
    if f"{theirs}/Skip/weight" in variables:
        state[f"{ours}.skip.weight"] = variables.kernel(f"{theirs}/Skip/weight", turned=True)
    if f"{theirs}/ToRGB/weight" in variables:
        state |= _to_image(variables, f"{theirs}/ToRGB", ours)
    return state


def _noise(variables: Variables, name: str) -> Tensor:
    image = variables.image(name)
    if image.shape[1] != 1:
        raise CheckpointError(f"its {name} has {image.shape[1]} channels, not one")
    return image[0, 0]


def _to_image(variables: Variables, old: str, block: str) -> dict[str, Tensor]:
    return {
        f"{block}.torgb.weight": variables.kernel(f"{old}/weight"),
        f"{block}.torgb.bias": variables.take(f"{old}/bias", axes=1),
        **_affine(variables, old, f"{block}.torgb"),
    }


def _affine(variables: Variables, old: str, new: str) -> dict[str, Tensor]:
    return {
        f"{new}.affine.weight": variables.matrix(f"{old}/mod_weight"),
        f"{new}.affine.bias": variables.take(f"{old}/mod_bias", axes=1) + 1.0,
    }
