"""Whose network a state dict is of, told from the names of its weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from torch import Tensor

from property_cnn.common.errors import CheckpointError
from stylegan_ft.architectures.stylegan2.settings import StyleGAN2Config
from stylegan_ft.formats.genforce import older, pggan, stylegan1, stylegan2
from stylegan_ft.formats.mobile.files import from_checkpoint
from stylegan_ft.formats.records import Checkpoint
from stylegan_ft.formats.rosinality import convert_rosinality

FAMILIES = {
    "synthesis.early_layer.const": "genforce StyleGAN2",
    "mapping.dense0.weight": "genforce",
    "mapping.dense0.linear.weight": "InterFaceGAN StyleGAN",
    "mapping.dense0.fc.weight": "HiGAN StyleGAN",
    "output0.weight": "genforce PGGAN",
    "layer1.conv.weight": "InterFaceGAN or HiGAN PGGAN",
    "synthesis.b4.const": "NVlabs",
    "synthesis.input.freqs": "NVlabs StyleGAN3",
    "student.input.input": "MobileStyleGAN",
    "input.input": "rosinality",
    "eyes_score_cnn.conv1.0.weight": "property CNN",
}
"""A weight that only one project's network has, and whose it is."""

VARIANTS = {
    "iwt.ll": "a SWAGAN of rosinality's, whose wavelets no network here has; give a StyleGAN2",
    "synthesis.early_layer.weight": "a StyleGAN2 of genforce's that has no constant input, which "
    "no network here has",
}
"""A weight of variants of networks that are read, and what they are."""

FOREIGN = {
    "epilogue.fc.weight": "a discriminator; give the generator's weights",
    "b4.fc.weight": "a discriminator; give the generator's weights",
    "final_linear.0.weight": "a discriminator; give the generator's weights",
    "input0.weight": "a discriminator of genforce's; give the generator's weights",
    "encoder.input_layer.0.weight": "an encoder of pSp or e4e without its `decoder`, the generator",
    "input_layer.0.weight": "an encoder of faces, which makes no images; give a generator",
}
"""A weight of networks that are met in the same places, and what they are."""

UNTOLD = (
    "clamp, activation and learning-rate multiplier are not in the file; NVlabs' defaults are taken"
)


def identify(
    state: Mapping[str, Tensor],
    entry: str = "",
    mean: Tensor | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Checkpoint:
    """The checkpoint that a state dict without settings is.

    Args:
        entry: of the file, that holds it.
        mean: the mean w, where the file keeps it apart.
        metadata: text that the file keeps.

    Raises:
        CheckpointError: it is of no network that is known, or not whole.
    """
    family = _family(state)
    kind = f"{family} state dict" + (f" ({entry})" if entry else "")
    metadata = metadata or {}
    if family == "rosinality":
        config, state = convert_rosinality(state, mean, source="it")
        return Checkpoint(kind, "stylegan2", config, state, metadata)
    if family == "MobileStyleGAN":
        return from_checkpoint(state, kind)
    if family == "NVlabs":
        config = settings_of_stylegan2(state)
        return Checkpoint(kind, "stylegan2", config, state, metadata, (UNTOLD,))
    if family == "NVlabs StyleGAN3":
        raise CheckpointError(
            "it is a StyleGAN3 without its settings, which the weights do not tell; give NVlabs' "
            "pickle of it"
        )
    if family == "property CNN":
        return Checkpoint(kind, "property_cnn", None, state, metadata)
    return _of_genforce(family, kind, dict(state), metadata)


def _of_genforce(
    family: str, kind: str, state: dict[str, Tensor], metadata: Mapping[str, str]
) -> Checkpoint:
    """The checkpoint of genforce's networks, by its names, whose options are still to be applied;
    see `stylegan_ft.formats.options`.
    """
    if family == "genforce StyleGAN2":
        found = stylegan2.OPTIONS
        return Checkpoint(kind, "stylegan2", None, state, metadata, options=found)
    if family == "genforce PGGAN":
        return Checkpoint(kind, "pggan", None, state, metadata, options=pggan.OPTIONS)
    if family.endswith("PGGAN"):
        state = older.pggan_state(state)
        return Checkpoint(kind, "pggan", None, state, metadata, options=pggan.OLDER_OPTIONS)
    if family.endswith("StyleGAN"):
        state = older.stylegan1_state(state)
        return Checkpoint(kind, "stylegan1", None, state, metadata, (older.TRUNCATED,))
    return Checkpoint(kind, "stylegan1", None, state, metadata, options=stylegan1.OPTIONS)


def is_known(names: Collection[str]) -> bool:
    """Whether `identify` knows whose weights have these names."""
    return any(name in names for name in FAMILIES)


def settings_of_stylegan2(state: Mapping[str, Tensor]) -> StyleGAN2Config:
    """The settings of a StyleGAN2 in NVlabs' names, as far as its weights tell them.

    What they do not tell (clamp, precision, activation, learning-rate multiplier) is as NVlabs'
    stylegan3 has it by default.

    Raises:
        CheckpointError: weights are missing.
    """
    try:
        channels = []
        while (name := f"synthesis.b{4 * 2 ** len(channels)}.conv1.weight") in state:
            channels.append(state[name].shape[0])
        last = f"synthesis.b{2 * 2 ** len(channels)}"
        layers = next(k for k in range(64) if f"mapping.fc{k}.weight" not in state)
        embed = state.get("mapping.embed.weight")
        features, c_dim = embed.shape if embed is not None else (0, 0)
        skip, torgb = "synthesis.b8.skip.weight" in state, "synthesis.b4.torgb.weight" in state
        taps = state.get("synthesis.b4.resample_filter")
        return StyleGAN2Config(
            img_resolution=2 * 2 ** len(channels),
            channels=tuple(channels),
            z_dim=state["mapping.fc0.weight"].shape[1] - features,
            c_dim=c_dim,
            w_dim=state[f"mapping.fc{layers - 1}.weight"].shape[0],
            img_channels=state[f"{last}.torgb.weight"].shape[0],
            mapping_layers=layers,
            embed_features=features,
            layer_features=state["mapping.fc0.weight"].shape[0],
            architecture="resnet" if skip else "skip" if torgb else "orig",
            use_noise="synthesis.b4.conv1.noise_const" in state,
            conv_clamp=256.0,
            num_fp16_res=4,
            **({} if taps is None else {"resample_filter": _line(taps)}),
        )
    except (KeyError, IndexError, TypeError, ValueError, StopIteration) as error:
        raise CheckpointError(f"it is no whole StyleGAN2 with NVlabs' names ({error})") from error


def _line(taps: Tensor) -> tuple[float, ...]:
    """The taps of a filter that is kept as a line, or as the square that a line makes."""
    return tuple((taps if taps.ndim == 1 else taps.sum(dim=0)).tolist())


def listed(names: Collection[object]) -> str:
    """The first few names, for errors."""
    shown = ", ".join(repr(name)[:60] for name in list(names)[:4])
    return f"{shown} and {len(names) - 4} more" if len(names) > 4 else shown or "nothing"


def _family(names: Collection[str]) -> str:
    variant = next((what for name, what in VARIANTS.items() if name in names), None)
    if variant is not None:
        raise CheckpointError(f"it is {variant}")
    for name, family in FAMILIES.items():
        if name in names:
            return family
    foreign = next((what for name, what in FOREIGN.items() if name in names), None)
    if foreign is not None:
        raise CheckpointError(f"it is {foreign}")
    raise CheckpointError(
        "it is not a StyleGAN generator with the names of weights of NVlabs, rosinality or "
        f"genforce, nor a property CNN; it has {listed(names)}"
    )
