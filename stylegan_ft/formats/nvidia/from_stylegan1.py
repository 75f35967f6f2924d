"""TensorFlow's StyleGAN: names, axes and kernels brought to those of our StyleGAN 1.

Karras et al., "A Style-Based Generator Architecture for GANs" (2019). Every scale of the weights
is applied at run time there and here. From 128 pixels up, TensorFlow upsamples and convolves in
one transposed convolution, which turns the kernel; so does our network.
"""

from __future__ import annotations

import dataclasses

from torch import Tensor

from property_cnn.common.errors import CheckpointError, InputError
from stylegan_ft.architectures.settings import Keywords
from stylegan_ft.architectures.stylegan1.layers import FUSED_FROM, Blur
from stylegan_ft.architectures.stylegan1.network import infer_config
from stylegan_ft.architectures.stylegan1.settings import GeneratorConfig
from stylegan_ft.formats.nvidia.variables import Variables, check_arguments

FIXED = {
    "use_styles": True,
    "const_input_layer": True,
    "use_noise": True,
    "use_wscale": True,
    "use_pixel_norm": False,
    "use_instance_norm": True,
    "normalize_latents": True,
    "nonlinearity": "lrelu",
    "mapping_nonlinearity": "lrelu",
    "blur_filter": (1, 2, 1),
    "dtype": "float32",
}
"""Arguments that must be as NVIDIA's defaults are."""


def stylegan1(variables: Variables, given: Keywords) -> tuple[GeneratorConfig, dict[str, Tensor]]:
    """Settings and state dict of a generator that G_style builds.

    Raises:
        CheckpointError: variables are missing, or arguments are not those of our network.
    """
    fused = given.take("fused_scale", "auto")
    if fused not in (True, False, "auto"):
        raise CheckpointError(f"its fused_scale is {str(fused)[:60]!r}, not True, False or 'auto'")
    state = _mapping(variables)
    state["truncation.w_avg"] = variables.take("dlatent_avg", axes=1)
    state["synthesis.lod"] = variables.take("lod", axes=0)
    variables.drop("synthesis/lod")  # which the other one is written to before images are made
    blocks = 0
    while f"synthesis/ToRGB_lod{blocks}/weight" in variables:
        blocks += 1
    for k in range(blocks):
        state |= _block(variables, k, fused)
        image = f"synthesis/ToRGB_lod{blocks - 1 - k}"
        state[f"synthesis.output{k}.weight"] = variables.kernel(f"{image}/weight")
        state[f"synthesis.output{k}.bias"] = variables.take(f"{image}/bias", axes=1)
    try:
        config = infer_config(state)
        config = dataclasses.replace(config, lr_mul=given.take("mapping_lrmul", config.lr_mul))
    except (KeyError, IndexError, InputError) as error:
        raise CheckpointError(f"it is no whole StyleGAN of TensorFlow ({error})") from error
    sizes = {
        "resolution": config.resolution, "num_channels": config.image_channels,
        "latent_size": config.z_dim, "label_size": config.label_dim, "dlatent_size": config.w_dim,
        "mapping_layers": config.mapping_layers, "mapping_fmaps": config.hidden_dim,
    }  # fmt: skip
    check_arguments(given, FIXED, sizes)
    return config, state


def _mapping(variables: Variables) -> dict[str, Tensor]:
    state, k = {}, 0
    if "mapping/LabelConcat/weight" in variables:
        state["mapping.label_weight"] = variables.take("mapping/LabelConcat/weight", axes=2)
    while f"mapping/Dense{k}/weight" in variables:
        state[f"mapping.dense{k}.weight"] = variables.matrix(f"mapping/Dense{k}/weight")
        state[f"mapping.dense{k}.bias"] = variables.take(f"mapping/Dense{k}/bias", axes=1)
        k += 1
    return state


def _block(variables: Variables, k: int, fused: bool | str) -> dict[str, Tensor]:
    """The two layers of a resolution."""
    size = 4 * 2**k
    scope = f"synthesis/{size}x{size}"
    first, second = f"synthesis.layer{2 * k}", f"synthesis.layer{2 * k + 1}"
    if k == 0:
        state = {f"{first}.const": variables.image(f"{scope}/Const/const")}
        names = ("Const", "Conv")
    else:
        here = size >= FUSED_FROM
        turned = fused != "auto" and fused != here
        weight = variables.kernel(f"{scope}/Conv0_up/weight", turned)
        state = {f"{first}.weight": weight, f"{first}.blur.kernel": Blur(len(weight)).kernel}
        names = ("Conv0_up", "Conv1")
    state[f"{second}.weight"] = variables.kernel(f"{scope}/{names[1]}/weight")
    for j, (ours, name) in enumerate(zip((first, second), names, strict=True)):
        theirs = f"{scope}/{name}"
        state |= {
            f"{ours}.bias": variables.take(f"{theirs}/bias", axes=1),
            f"{ours}.apply_noise.weight": variables.take(f"{theirs}/Noise/weight", axes=1),
            f"{ours}.apply_noise.noise": variables.image(f"synthesis/noise{2 * k + j}"),
            f"{ours}.style.weight": variables.matrix(f"{theirs}/StyleMod/weight"),
            f"{ours}.style.bias": variables.take(f"{theirs}/StyleMod/bias", axes=1),
        }
    return state
