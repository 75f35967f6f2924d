"""MobileStyleGAN from where it can be had: a wheel or a folder with its IR, or its checkpoint.

The PyPI wheel `random-face` carries the network as OpenVINO's IR, with its constants folded; the
original project's `.ckpt` has the student under `student.` and the mapping under `mapping_net.`.
Belousov, "MobileStyleGAN: A Lightweight Convolutional Neural Network for High-Fidelity Image
Synthesis" (2021), https://github.com/bes-dev/MobileStyleGAN.pytorch.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import bytes_digest, load_tensors, reading
from property_cnn.fetching import Wheel
from stylegan_ft.architectures.mobile.settings import MobileConfig
from stylegan_ft.formats.mobile.openvino_ir import Constants, read_constants
from stylegan_ft.formats.records import Checkpoint
from stylegan_ft.pickles.reading import Data
from stylegan_ft.shipped import PHOTOGRAPHS

ARCHITECTURE = "mobilestylegan"

MOBILESTYLEGAN = Wheel(
    PHOTOGRAPHS,
    "random-face",
    "2021.7.21.1",
    "e5d10e2be7df63f06123855ec591ca35dcb1d059eba47ddcb175d7d26b4019b5",
    "MobileStyleGAN by S. Belousov (Apache-2.0); its weights were distilled from NVIDIA's FFHQ "
    "network, whose licence allows no commercial use",
)
"""Where the weights can be had; they are never shipped."""

PARTS = ("MappingNetwork.xml", "MappingNetwork.bin", "SynthesisNetwork.xml", "SynthesisNetwork.bin")
"""Files of the IR, in a folder or anywhere in a wheel."""

SHIPPED_HEADS = Path(__file__).parents[2] / "weights" / "mobilestylegan_heads.safetensors"
"""Heads of lower resolutions, ours; see their card."""

LARGEST_PART = 2**28
"""Bytes of the largest of them; the original's have 32 MiB at most."""

STUDENT, MAPPING = "student.", "mapping_net."
"""Beginnings of the names of weights in the original's checkpoint."""

DRAWN = "its noise, which the original draws anew for every image, was drawn once from fixed seeds"


def heads_mark(state: Mapping[str, Tensor]) -> str:
    """Names the weights that heads are of; the same where they were halved in precision."""
    return bytes_digest(state["synthesis.const"].half().numpy().tobytes())


def with_heads(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint with our heads of lower resolutions, where it is what these were made of."""
    const = checkpoint.state.get("synthesis.const")
    if const is None or const.is_meta or not SHIPPED_HEADS.is_file():
        return checkpoint
    tensors, metadata = load_tensors(SHIPPED_HEADS)
    if metadata.get("heads_of") != heads_mark(checkpoint.state):
        return checkpoint
    more = {name: tensor.float() for name, tensor in tensors.items()}
    sizes = {int(name.split(".")[2]) for name in more}
    config = replace(checkpoint.config, heads=tuple(sorted({*checkpoint.config.heads, *sizes})))
    return replace(checkpoint, config=config, state={**more, **checkpoint.state})


def is_wheel(data: Data) -> bool:
    """Whether a ZIP file's directory names the IR."""
    return PARTS[2].encode() in data[max(0, len(data) - 2**16) :]


def read_wheel(data: Data) -> Checkpoint:
    """The network in a wheel.

    Raises:
        CheckpointError: it is damaged, or its IR is of another network.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {PurePosixPath(info.filename).name: info for info in archive.infolist()}
            parts = {}
            for name in PARTS:
                if name not in members:
                    raise CheckpointError(f"the archive lacks {name}")
                if members[name].file_size > LARGEST_PART:
                    raise CheckpointError(f"{name} unpacks to more than {LARGEST_PART:,} bytes")
                parts[name] = archive.read(members[name])
    except CheckpointError:
        raise
    except Exception as error:  # zipfile and zlib each have their own
        raise CheckpointError(f"it is no whole archive ({error!s:.80}); fetch it again") from error
    return _from_parts(parts, "MobileStyleGAN in a wheel")


def read_folder(folder: Path) -> Checkpoint:
    """The network in a folder with the files of the IR; its digest is theirs.

    Raises:
        CheckpointError: a file is missing, too large, or of another network.
    """
    parts = {}
    for name in PARTS:
        path = folder / name
        if not path.is_file():
            raise CheckpointError(f"it is a folder without {name}; those of the IR are read")
        with reading(path):
            if path.stat().st_size > LARGEST_PART:
                raise CheckpointError(f"{name} has more than {LARGEST_PART:,} bytes")
            parts[name] = path.read_bytes()
    return _from_parts(parts, "MobileStyleGAN in OpenVINO's IR")


def from_checkpoint(state: Mapping[str, Tensor], kind: str) -> Checkpoint:
    """The network of the original's checkpoint, whose heads stand at every resolution.

    Args:
        state: the student's and the mapping's weights, by their names there.
        kind: what wrote the file.

    Raises:
        CheckpointError: weights are missing, or it is of the later version, whose layers differ.
    """
    if f"{STUDENT}layers.0.up.modulation.weight" not in state:
        raise CheckpointError(
            "it is a MobileStyleGAN without modulated wavelets, as the project trained them from "
            "2023 on; this library has the version of 2021"
        )

    def take(name: str) -> Tensor:
        if name not in state:
            raise CheckpointError(f"it lacks {name}")
        return state[name]

    drawn: list[str] = []

    def layer(name: str, side: int) -> dict[str, Tensor]:
        here = f"{STUDENT}{name}."
        noise = state.get(f"{here}noise.noise")
        if noise is None:
            rng = torch.Generator().manual_seed(len(drawn))
            noise = torch.randn(side, side, generator=rng)
            drawn.append(name)
        return {"noise": noise.reshape(side, side) * take(f"{here}noise.weight")}

    weights, channels = _student(take, layer, set(state))
    heads = {}
    sides = [4 * 2**k for k in range(len(channels))]
    for side, name in zip(sides, ["to_img1", *_heads(len(channels))], strict=True):
        if f"{STUDENT}{name}.bias" in state:
            heads |= _head(take, f"{STUDENT}{name}.", 2 * side)
    mapping = {}
    for k in range(_count(state, f"{MAPPING}layers.{{}}.weight", 1)):
        for part in ("weight", "bias"):
            mapping[f"mapping.fc{k}.{part}"] = take(f"{MAPPING}layers.{k + 1}.{part}")
    return _checkpoint(mapping | weights | heads, channels, kind, (DRAWN,) if drawn else ())


def _from_parts(parts: Mapping[str, bytes], kind: str) -> Checkpoint:
    mapping = read_constants("MappingNetwork", parts[PARTS[0]], parts[PARTS[1]])
    synthesis = read_constants("SynthesisNetwork", parts[PARTS[2]], parts[PARTS[3]])
    state = _mapping_of(mapping)

    def take(name: str) -> Tensor:
        if name.endswith(".weight_permute"):  # folded, without a name of its own
            return synthesis.after(name.replace(".weight_permute", ".weight_dw"))
        if name == "m.conv1.conv.weight":
            return _first_weight(synthesis)
        return synthesis.take(name)

    def layer(name: str, side: int) -> dict[str, Tensor]:
        if name == "conv1":
            index = list(synthesis.tensors).index("m.conv1.bias") - 1
            noise = list(synthesis.tensors.values())[index]
        else:
            noise = synthesis.after(f"m.{name}.conv.weight_dw", 2)
        if noise.numel() != side * side:
            raise CheckpointError(f"SynthesisNetwork has no noise of {side} x {side} for {name}")
        return {"noise": noise.reshape(side, side)}

    weights, channels = _student(take, layer, set(synthesis.tensors), "m.", folded=True)
    last = len(channels) - 2
    state |= weights | _head(take, f"m.layers.{last}.to_img.", 8 * 2 ** (last + 1))
    checkpoint = _checkpoint(state, channels, kind, ())
    digest = bytes_digest(b"".join(bytes_digest(parts[name]).encode() for name in PARTS))
    return replace(checkpoint, digest=digest)


def _student(
    take: Callable[[str], Tensor],
    noise: Callable[[str, int], dict[str, Tensor]],
    names: set[str],
    prefix: str = STUDENT,
    folded: bool = False,
) -> tuple[dict[str, Tensor], list[int]]:
    """Weights of synthesis, but for the heads, and the channels at each resolution.

    Args:
        take: gives a weight by its name in the source.
        noise: gives the noise of a layer, given its name and side.
        names: all that the source has.
        folded: whether the weights hold the demodulation already.
    """
    const = take(f"{prefix}input.input")
    channels = [const.shape[1]]
    affine = _affine(take, f"{prefix}conv1.conv.modulation", "synthesis.first.affine")
    first = take(f"{prefix}conv1.conv.weight")
    if not folded:
        first = first * _demodulation(first, take(f"{prefix}conv1.conv.style_inv"))[..., None, None]
    state = {
        "synthesis.const": const.squeeze(0),
        **affine,
        "synthesis.first.weight": first / math.sqrt(first[0].numel()),
        "synthesis.first.bias": take(f"{prefix}conv1.bias").flatten(),
        "synthesis.first.noise": noise("conv1", const.shape[-1])["noise"],
    }
    count = _count(names, f"{prefix}layers.{{}}.up.modulation.weight")
    if not count:
        raise CheckpointError(f"it lacks {prefix}layers.0.up.modulation.weight")
    for k in range(count):
        ours, theirs = f"synthesis.blocks.{k}.", f"layers.{k}."
        state |= _affine(take, f"{prefix}{theirs}up.modulation", f"{ours}up")
        for part in ("conv1", "conv2"):
            conv = f"{prefix}{theirs}{part}.conv."
            depthwise = take(f"{conv}weight_dw")
            depthwise = depthwise.reshape(-1, 1, *depthwise.shape[-2:])
            pointwise = take(f"{conv}weight_permute").flatten(1)
            if not folded:
                full = depthwise.transpose(0, 1) * pointwise[..., None, None]
                pointwise = pointwise * _demodulation(full, take(f"{conv}style_inv"))
            state |= _affine(take, f"{conv}modulation", f"{ours}{part}.affine")
            state[f"{ours}{part}.depthwise"] = depthwise
            scale = math.sqrt(depthwise.numel())
            state[f"{ours}{part}.pointwise"] = pointwise / scale
            state[f"{ours}{part}.bias"] = take(f"{prefix}{theirs}{part}.bias").flatten()
            state[f"{ours}{part}.noise"] = noise(f"{theirs}{part}", 8 * 2**k)["noise"]
        channels.append(pointwise.shape[0])
    return state, channels


def _demodulation(weight: Tensor, style_inv: Tensor) -> Tensor:
    """What brings each output's weights, scaled by the mean style, to unit norm: (O, 1)."""
    scaled = weight * style_inv.reshape(1, -1, 1, 1) / math.sqrt(weight[0].numel())
    return (scaled.square().sum(dim=(1, 2, 3)) + 1e-8).rsqrt()[:, None]


def _affine(take: Callable[[str], Tensor], theirs: str, ours: str) -> dict[str, Tensor]:
    weight, bias = take(f"{theirs}.weight"), take(f"{theirs}.bias")
    return {f"{ours}.weight": weight, f"{ours}.bias": bias.flatten()}


def _head(take: Callable[[str], Tensor], theirs: str, size: int) -> dict[str, Tensor]:
    """Weights of the head that gives images of that size."""
    ours = f"synthesis.heads.{size}."
    weight = take(f"{theirs}conv.weight").flatten(1)
    return {
        **_affine(take, f"{theirs}conv.modulation", f"{ours}affine"),
        f"{ours}weight": weight / math.sqrt(weight.shape[1]),
        f"{ours}bias": take(f"{theirs}bias").flatten(),
    }


def _heads(count: int) -> list[str]:
    return [f"layers.{k}.to_img" for k in range(count - 1)]


def _count(names: Iterable[str], name: str, start: int = 0) -> int:
    """How many names there are with whole numbers in a row in the place of {}."""
    names, count = set(names), 0
    while name.format(start + count) in names:
        count += 1
    return count


def _first_weight(synthesis: Constants) -> Tensor:
    """The full 3 x 3 convolution, whose demodulation is folded into it."""
    wanted = (synthesis.take("m.conv1.bias").numel(),) * 2 + (3, 3)
    for tensor in synthesis.tensors.values():
        if tuple(tensor.shape) == wanted:
            return tensor
    raise CheckpointError(f"SynthesisNetwork lacks the first convolution's weights {wanted}")


def _mapping_of(mapping: Constants) -> dict[str, Tensor]:
    """The mapping's weights, which the IR has in their order, scaled but for the gain."""
    pairs, tensors = [], list(mapping.tensors.values())
    for index, weight in enumerate(tensors):
        if weight.ndim == 2 and min(weight.shape) > 1:
            bias = next((other for other in tensors[index + 1 :] if other.numel() > 1), None)
            if bias is None or bias.shape != weight.shape[:1]:
                raise CheckpointError("MappingNetwork is none of dense layers with biases")
            pairs.append((weight, bias))
    if not pairs:
        raise CheckpointError("MappingNetwork has no dense layers; it is another network")
    state = {}
    for k, (weight, bias) in enumerate(pairs):
        scale = MobileConfig.lr_multiplier / math.sqrt(weight.shape[1])
        state[f"mapping.fc{k}.weight"] = weight / scale
        state[f"mapping.fc{k}.bias"] = bias / MobileConfig.lr_multiplier
    return state


def _checkpoint(
    state: dict[str, Tensor], channels: list[int], kind: str, notes: tuple[str, ...]
) -> Checkpoint:
    heads = (name for name in state if name.startswith("synthesis.heads."))
    sizes = sorted({int(name.split(".")[2]) for name in heads})
    if not sizes:
        raise CheckpointError("it has no head that makes images")
    first = state["mapping.fc0.weight"]
    config = MobileConfig(
        tuple(channels),
        heads=tuple(sizes),
        size=sizes[-1],
        z_dim=first.shape[1],
        w_dim=first.shape[0],
        mapping_layers=sum(name.startswith("mapping.fc") for name in state) // 2,
    )
    return Checkpoint(kind, ARCHITECTURE, config, state, notes=notes)
