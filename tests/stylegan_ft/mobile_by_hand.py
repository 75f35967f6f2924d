"""A tiny MobileStyleGAN restated in float64, and its files in the layouts of the originals."""

from __future__ import annotations

import math
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from scipy.signal import correlate2d

CHANNELS = (16, 8, 8, 12)
Z, W = 6, 10
LAYERS = 3


def weights(seed: int = 0) -> dict[str, np.ndarray]:
    """Student and mapping by their names in the original's checkpoint, float32."""
    rng = np.random.default_rng(seed)
    state: dict[str, np.ndarray] = {}

    def add(name: str, *shape: int, scale: float = 1.0, shift: float = 0.0) -> None:
        state[name] = (rng.standard_normal(shape) * scale + shift).astype(np.float32)

    for k in range(LAYERS):
        add(f"mapping_net.layers.{k + 1}.weight", W, Z if k == 0 else W, scale=100)
        add(f"mapping_net.layers.{k + 1}.bias", W, scale=20)
    add("student.input.input", 1, CHANNELS[0], 4, 4)

    def modulation(name: str, channels: int) -> None:
        add(f"{name}.modulation.weight", channels, W, scale=0.2)
        add(f"{name}.modulation.bias", channels, scale=0.2, shift=1)

    def layer(name: str, inputs: int, outputs: int, side: int, full: bool) -> None:
        modulation(f"{name}.conv", inputs)
        if full:
            add(f"{name}.conv.weight", outputs, inputs, 3, 3)
        else:
            add(f"{name}.conv.weight_dw", inputs, 1, 3, 3)
            add(f"{name}.conv.weight_permute", outputs, inputs, 1, 1)
        add(f"{name}.conv.style_inv", 1, 1, inputs, 1, 1, scale=0.2, shift=1)
        add(f"{name}.noise.weight", 1)
        add(f"{name}.noise.noise", 1, 1, side, side)
        add(f"{name}.bias", 1, outputs, 1, 1)

    def head(name: str, inputs: int) -> None:
        modulation(f"{name}.conv", inputs)
        add(f"{name}.conv.weight", 12, inputs, 1, 1)
        add(f"{name}.bias", 1, 12, 1, 1)

    layer("student.conv1", CHANNELS[0], CHANNELS[0], 4, full=True)
    head("student.to_img1", CHANNELS[0])
    for k, (inputs, outputs) in enumerate(pairwise(CHANNELS)):
        name = f"student.layers.{k}"
        modulation(f"{name}.up", inputs)
        layer(f"{name}.conv1", inputs // 4, outputs, 8 * 2**k, full=False)
        layer(f"{name}.conv2", outputs, outputs, 8 * 2**k, full=False)
        head(f"{name}.to_img", outputs)
    return state


def mapped(state: dict[str, np.ndarray], z: np.ndarray) -> np.ndarray:
    """w of one z, by the paper's words."""
    x = z.astype(np.float64) / math.sqrt(np.mean(z.astype(np.float64) ** 2) + 1e-8)
    for k in range(LAYERS):
        weight = state[f"mapping_net.layers.{k + 1}.weight"].astype(np.float64)
        bias = state[f"mapping_net.layers.{k + 1}.bias"].astype(np.float64)
        x = weight @ x * (0.01 / math.sqrt(weight.shape[1])) + bias * 0.01
        x = np.where(x < 0, 0.2 * x, x) * math.sqrt(2)
    return x


def image(state: dict[str, np.ndarray], ws: np.ndarray, head: str) -> np.ndarray:
    """The image (3, R, R) of ws (num_ws, W) by the head of that name, e.g. "layers.2.to_img"."""
    s = {name: value.astype(np.float64) for name, value in state.items()}
    x = _styled(s, "student.conv1", s["student.input.input"][0], ws[0])
    if head == "to_img1":
        return _image(s, "student.to_img1", x, ws[1])
    for k in range(len(CHANNELS) - 1):
        name = f"student.layers.{k}"
        x = _haar(x * _style(s, f"{name}.up", ws[3 * k + 1])[:, None, None])
        x = _styled(s, f"{name}.conv1", x, ws[3 * k + 1])
        x = _styled(s, f"{name}.conv2", x, ws[3 * k + 2])
        if head == f"layers.{k}.to_img":
            return _image(s, f"{name}.to_img", x, ws[3 * k + 3])
    raise KeyError(head)


def _style(s: dict[str, np.ndarray], name: str, w: np.ndarray) -> np.ndarray:
    return s[f"{name}.modulation.weight"] @ w + s[f"{name}.modulation.bias"]


def _full(s: dict[str, np.ndarray], conv: str) -> np.ndarray:
    """The layer's whole weights, (O, I, 3, 3), brought to unit norm."""
    if f"{conv}.weight" in s:
        weight = s[f"{conv}.weight"]
    else:
        weight = s[f"{conv}.weight_permute"] * s[f"{conv}.weight_dw"].transpose(1, 0, 2, 3)
    scale = 1 / math.sqrt(weight[0].size)
    scaled = weight * scale * s[f"{conv}.style_inv"][0]
    norm = 1 / np.sqrt((scaled**2).sum(axis=(1, 2, 3), keepdims=True) + 1e-8)
    return weight * scale * norm


def _styled(s: dict[str, np.ndarray], name: str, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    weight = _full(s, f"{name}.conv")
    x = x * _style(s, f"{name}.conv", w)[:, None, None]
    y = np.stack([
        sum(correlate2d(plane, kernel, mode="same") for plane, kernel in zip(x, row, strict=True))
        for row in weight
    ])  # fmt: skip
    y = y + s[f"{name}.noise.weight"] * s[f"{name}.noise.noise"][0] + s[f"{name}.bias"][0]
    return np.where(y < 0, 0.2 * y, y)


def _image(s: dict[str, np.ndarray], name: str, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    scale = 1 / math.sqrt(len(x))
    x = x * (_style(s, f"{name}.conv", w) * scale)[:, None, None]
    weight = s[f"{name}.conv.weight"][:, :, 0, 0]
    return _haar(np.einsum("oc,chw->ohw", weight, x) + s[f"{name}.bias"][0])


def _haar(bands: np.ndarray) -> np.ndarray:
    """The image of wavelets: each block of 2 x 2 from one low and three high coefficients."""
    count = len(bands) // 4
    out = np.zeros((count, 2 * bands.shape[1], 2 * bands.shape[2]))
    for c in range(count):
        high = bands[count + 3 * c : count + 3 * c + 3]
        for row in (0, 1):
            for column in (0, 1):
                signs = (-1) ** row, (-1) ** column, (-1) ** (row + column)
                total = bands[c] + sum(a * b for a, b in zip(signs, high, strict=True))
                out[c, row::2, column::2] = total / 2
    return out


def write_checkpoint(path: Path, state: dict[str, np.ndarray]) -> Path:
    """The original's file: a trainer's checkpoint, with other networks beside the two."""
    tensors = {name: torch.from_numpy(value) for name, value in state.items()}
    tensors |= {"loss.weight": torch.zeros(3), "style_mean": torch.zeros(1, W)}
    torch.save({"epoch": 3, "state_dict": tensors}, path)
    return path


def write_ir(folder: Path, state: dict[str, np.ndarray]) -> Path:
    """The files of the IR: constants folded, most without names, in the converter's order."""
    folder.mkdir(parents=True, exist_ok=True)
    mapping = [("var_eps", np.full((1, 1), 1e-8))]
    for k in range(LAYERS):
        weight = state[f"mapping_net.layers.{k + 1}.weight"].astype(np.float64)
        mapping.append((f"{170 + k}", weight * (0.01 / math.sqrt(weight.shape[1]))))
        bias = state[f"mapping_net.layers.{k + 1}.bias"].astype(np.float64)
        mapping += [(f"{180 + k}", bias * 0.01), (f"slope{k}", np.array([0.2]))]
    _write(folder, "MappingNetwork", mapping)
    s = {name.replace("student.", "m."): value for name, value in state.items()}
    s = {name: value.astype(np.float64) for name, value in s.items()}
    last = f"m.layers.{len(CHANNELS) - 2}"
    names = [f"{last}.to_img.conv"]
    for k in reversed(range(len(CHANNELS) - 1)):
        names += [f"m.layers.{k}.{part}" for part in ("conv2.conv", "conv1.conv", "up")]
    synthesis = []
    for name in [*names, "m.conv1.conv"]:
        synthesis += [(f"{name}.modulation.weight", s[f"{name}.modulation.weight"])]
        synthesis += [(f"{name}.modulation.bias", s[f"{name}.modulation.bias"][None])]

    def tail(name: str) -> list:
        noise = s[f"{name}.noise.weight"] * s[f"{name}.noise.noise"]
        return [(f"noise of {name}", noise), (f"{name}.bias", s[f"{name}.bias"])]

    scale = math.sqrt(CHANNELS[0] * 9)
    synthesis.append(("m.input.input", s["m.input.input"]))
    synthesis.append(("Mul_39_copy", _full(s, "m.conv1.conv") * scale))
    synthesis += tail("m.conv1")
    for k in range(len(CHANNELS) - 1):
        synthesis.append((f"filter {k}", np.full((CHANNELS[k] // 4, 1, 1, 2, 1), 0.7)))
        for part in ("conv1", "conv2"):
            name = f"m.layers.{k}.{part}"
            depthwise = s[f"{name}.conv.weight_dw"]
            whole, pointwise = _full(s, f"{name}.conv"), s[f"{name}.conv.weight_permute"]
            norm = (whole / (pointwise * depthwise.transpose(1, 0, 2, 3)))[:, :1, :1, :1]
            folded = pointwise * norm * math.sqrt(whole[0].size)
            synthesis.append((f"{name}.conv.weight_dw", depthwise[:, None]))
            synthesis += [(f"copy of {name}", folded), *tail(name)]
    for part in ("conv.weight", "bias"):
        synthesis.append((f"{last}.to_img.{part}", s[f"{last}.to_img.{part}"]))
    _write(folder, "SynthesisNetwork", synthesis)
    return folder


def _write(folder: Path, name: str, constants: list[tuple[str, np.ndarray]]) -> None:
    layers = ['<layer id="0" name="style" type="Parameter"><data shape="1, 10"/></layer>']
    numbers = b""
    for index, (title, value) in enumerate(constants, start=1):
        data = np.ascontiguousarray(value, dtype=np.float32).tobytes()
        shape = ", ".join(map(str, value.shape))
        layers.append(
            f'<layer id="{index}" name="{title}" type="Const"><data element_type="f32" '
            f'shape="{shape}" offset="{len(numbers)}" size="{len(data)}"/></layer>'
        )
        layers.append(
            f'<layer id="i{index}" name="axis{index}" type="Const"><data element_type="i64" '
            f'shape="1" offset="0" size="8"/></layer>'
        )
        numbers += data
    text = f'<?xml version="1.0" ?>\n<net name="{name}" version="10"><layers>'
    (folder / f"{name}.xml").write_text(text + "".join(layers) + "</layers></net>")
    (folder / f"{name}.bin").write_bytes(numbers)


def write_wheel(path: Path, folder: Path) -> Path:
    """A wheel of the distribution that carries the IR's files."""
    about = "random_face-2021.7.21.1.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(folder.iterdir()):
            archive.write(part, f"random_face/data/{part.name}")
        archive.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: random-face\nVersion: 2021.7.21.1\n"
        )
        archive.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{about}/RECORD", "")
    return path
