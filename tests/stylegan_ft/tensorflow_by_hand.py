"""NVIDIA's TensorFlow networks in small: variables, pickles, and their definition in NumPy."""

from __future__ import annotations

import io
import math
import pickle
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
from scipy.signal import convolve2d, correlate2d

Parts = dict[str, dict[str, np.ndarray]]
"""Component ("" for the network itself) -> name of the variable -> its numbers."""

Z, W, HIDDEN, DENSE = 6, 8, 7, 3

SOURCE = "import numpy as np\nimport tensorflow as tf\ndef G_style(z, gain=np.sqrt(2)): pass\n"


def mapping_variables(rng: np.random.Generator, label: str, labels: int) -> dict:
    """Variables of G_mapping; `label` names the scope that labels enter by."""
    found, inputs = {}, Z
    if labels:
        width = 5 if label == "LabelEmbed" else Z
        found[f"{label}/weight"] = rng.normal(size=(labels, width))
        if label == "LabelEmbed":
            found[f"{label}/bias"] = rng.normal(size=width)
        inputs += width
    for k in range(DENSE):
        outputs = W if k == DENSE - 1 else HIDDEN
        found[f"Dense{k}/weight"] = rng.normal(size=(inputs, outputs)) * 100
        found[f"Dense{k}/bias"] = rng.normal(size=outputs) * 30
        inputs = outputs
    return found


def stylegan1_parts(channels: tuple[int, ...], labels: int = 0, seed: int = 0) -> Parts:
    """Variables of a StyleGAN, random, by component."""
    rng = np.random.default_rng(seed)
    held, inputs = {"lod": np.float32(0)}, channels[0]

    def layer(scope: str, count: int) -> None:
        held[f"{scope}/Noise/weight"] = rng.normal(size=count) * 0.3
        held[f"{scope}/bias"] = rng.normal(size=count) * 0.3
        held[f"{scope}/StyleMod/weight"] = rng.normal(size=(W, 2 * count)) * 0.3
        held[f"{scope}/StyleMod/bias"] = rng.normal(size=2 * count) * 0.3

    for k, count in enumerate(channels):
        scope = f"{4 * 2**k}x{4 * 2**k}"
        for j in range(2):
            held[f"noise{2 * k + j}"] = rng.normal(size=(1, 1, 4 * 2**k, 4 * 2**k))
        if k == 0:
            held[f"{scope}/Const/const"] = rng.normal(size=(1, count, 4, 4))
            names = ("Const", "Conv")
        else:
            names = ("Conv0_up", "Conv1")
            held[f"{scope}/Conv0_up/weight"] = rng.normal(size=(3, 3, inputs, count))
        held[f"{scope}/{names[1]}/weight"] = rng.normal(size=(3, 3, count, count))
        for name in names:
            layer(f"{scope}/{name}", count)
        image = f"ToRGB_lod{len(channels) - 1 - k}"
        held[f"{image}/weight"] = rng.normal(size=(1, 1, count, 3))
        held[f"{image}/bias"] = rng.normal(size=3) * 0.3
        inputs = count
    own = {"lod": np.float32(0), "dlatent_avg": rng.normal(size=W)}
    parts = {
        "": own,
        "synthesis": held,
        "mapping": mapping_variables(rng, "LabelConcat", labels),
    }
    return _float32(parts)


def stylegan2_parts(
    channels: tuple[int, ...], architecture: str = "skip", labels: int = 0, seed: int = 0
) -> Parts:
    """Variables of a StyleGAN2; "revised" is the architecture of configurations B to D."""
    rng = np.random.default_rng(seed)
    held, inputs = {}, channels[0]

    def modulated(scope: str, side: int, inputs: int, outputs: int) -> None:
        held[f"{scope}/weight"] = rng.normal(size=(side, side, inputs, outputs))
        held[f"{scope}/mod_weight"] = rng.normal(size=(W, inputs))
        held[f"{scope}/mod_bias"] = rng.normal(size=inputs) * 0.3
        held[f"{scope}/bias"] = rng.normal(size=outputs) * 0.3

    def layer(scope: str, noise: int, inputs: int, outputs: int, size: int) -> None:
        modulated(scope, 3, inputs, outputs)
        held[f"{scope}/noise_strength"] = rng.normal() * 0.3
        held[f"noise{noise}"] = rng.normal(size=(1, 1, size, size))

    for k, count in enumerate(channels):
        size = 4 * 2**k
        scope = f"{size}x{size}"
        if k == 0:
            held[f"{scope}/Const/const"] = rng.normal(size=(1, count, 4, 4))
            layer(f"{scope}/Conv", 0, count, count, size)
        else:
            layer(f"{scope}/Conv0_up", 2 * k - 1, inputs, count, size)
            layer(f"{scope}/Conv1", 2 * k, count, count, size)
            if architecture == "resnet":
                held[f"{scope}/Skip/weight"] = rng.normal(size=(1, 1, inputs, count))
        if architecture == "revised":
            modulated(f"ToRGB_lod{len(channels) - 1 - k}", 1, count, 3)
        elif architecture == "skip" or k == len(channels) - 1:
            modulated(f"{scope}/ToRGB", 1, count, 3)
        inputs = count
    if architecture == "revised":
        held["lod"] = np.float32(0)
    own = {"lod": np.float32(0), "dlatent_avg": rng.normal(size=W)}
    parts = {
        "": own,
        "synthesis": held,
        "mapping": mapping_variables(rng, "LabelEmbed", labels),
    }
    return _float32(parts)


def progressive_variables(
    channels: tuple[int, ...], labels: int = 0, fused: bool = True, images: int = 3, seed: int = 0
) -> dict[str, np.ndarray]:
    """Variables of G_paper, random."""
    rng = np.random.default_rng(seed)
    first, inputs = channels[0], channels[0]
    held = {
        "lod": np.float32(0),
        "4x4/Dense/weight": rng.normal(size=(Z + labels, 16 * first)),
        "4x4/Dense/bias": rng.normal(size=first) * 0.3,
        "4x4/Conv/weight": rng.normal(size=(3, 3, first, first)),
        "4x4/Conv/bias": rng.normal(size=first) * 0.3,
    }
    for k, count in enumerate(channels):
        scope = f"{4 * 2**k}x{4 * 2**k}"
        if k:
            name = f"{scope}/Conv0_up" if fused else f"{scope}/Conv0"
            axes = (count, inputs) if fused else (inputs, count)
            held[f"{name}/weight"] = rng.normal(size=(3, 3, *axes))
            held[f"{name}/bias"] = rng.normal(size=count) * 0.3
            held[f"{scope}/Conv1/weight"] = rng.normal(size=(3, 3, count, count))
            held[f"{scope}/Conv1/bias"] = rng.normal(size=count) * 0.3
        level = len(channels) - 1 - k
        held[f"ToRGB_lod{level}/weight"] = rng.normal(size=(1, 1, count, images))
        held[f"ToRGB_lod{level}/bias"] = rng.normal(size=images) * 0.3
        inputs = count
    return _float32({"": held})[""]


def _float32(parts: Parts) -> Parts:
    """All variables as TensorFlow gives them: arrays, or numbers, in float32."""
    return {
        part: {name: np.asarray(v, np.float32)[()] for name, v in held.items()}
        for part, held in parts.items()
    }


# Pickles


class Network:
    """What dnnlib.tflib.network.Network keeps of itself; its class is not there on reading."""

    def __init__(self, name: str, function: str, parts: Parts, arguments: Mapping[str, Any]):
        self.state = {
            "version": 3,
            "name": name,
            "static_kwargs": dict(arguments),
            "components": {},
            "build_module_src": SOURCE,
            "build_func_name": function,
            "variables": list(parts.get("", parts).items()),
        }

    def part(self, name: str, function: str, variables: dict) -> None:
        """Adds a component."""
        own = Network(f"G_{name}", function, {"": variables}, self.state["static_kwargs"])
        self.state["components"][name] = own

    def __getstate__(self) -> dict:
        return self.state

    def __setstate__(self, state: dict) -> None:
        exec(state["build_module_src"], {})


Network.__module__, Network.__qualname__ = "dnnlib.tflib.network", "Network"


class FormerNetwork(Network):
    """What tfutil.Network keeps, of the project of progressive GAN: it has no components."""

    def __init__(self, function: str, variables: dict, arguments: Mapping[str, Any]):
        super().__init__("Gs", function, {"": variables}, arguments)
        self.state["version"] = 2
        del self.state["components"]


FormerNetwork.__module__, FormerNetwork.__name__ = "tfutil", "Network"
FormerNetwork.__qualname__ = "Network"


@contextmanager
def dnnlib_modules() -> Iterator[None]:
    """Stand-ins for the modules that such pickles name."""
    names = ("dnnlib", "dnnlib.tflib", "dnnlib.tflib.network", "tfutil")
    made = {name: types.ModuleType(name) for name in names}
    made["dnnlib.tflib.network"].Network = Network
    made["tfutil"].Network = FormerNetwork
    sys.modules.update(made)
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]


def generator(
    parts: Parts, function: str, synthesis: str, arguments: Mapping[str, Any], name: str = "Gs"
) -> Network:
    network = Network(name, function, parts, arguments)
    network.part("mapping", "G_mapping", parts["mapping"])
    network.part("synthesis", synthesis, parts["synthesis"])
    return network


def written(value: object, protocol: int = 4, python: int = 3) -> bytes:
    """A pickle, as Python 3 or Python 2 writes it: there, strings and bytes are the same."""
    out = io.BytesIO()
    with dnnlib_modules():
        (pickle._Pickler if python == 3 else _FormerPickler)(out, protocol).dump(value)
    return out.getvalue()


class _FormerPickler(pickle._Pickler):
    """Writes texts and bytes as Python 2 writes its strings."""

    dispatch: ClassVar[dict] = dict(pickle._Pickler.dispatch)

    def save_string(self, value: str | bytes) -> None:
        raw = value.encode("latin-1") if isinstance(value, str) else value
        if not self.bin:
            self.write(b"S" + repr(raw)[1:].encode() + b"\n")
        elif len(raw) < 256:
            self.write(b"U" + bytes([len(raw)]) + raw)
        else:
            self.write(b"T" + len(raw).to_bytes(4, "little") + raw)
        self.memoize(value)

    dispatch[str] = dispatch[bytes] = save_string


# The networks, as their definitions have them, in float64


def _lrelu(x: np.ndarray, gain: float = 1.0) -> np.ndarray:
    return np.where(x > 0, x, 0.2 * x) * gain


def _normalized(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-8)


def _dense(x: np.ndarray, weight: np.ndarray, gain: float = 1.0) -> np.ndarray:
    return x @ (weight * (gain / math.sqrt(len(weight))))


def _double(parts: Parts, name: str) -> dict[str, np.ndarray]:
    return {key: np.asarray(value, np.float64) for key, value in parts[name].items()}


def w_by_hand(parts: Parts, z: np.ndarray, label: np.ndarray | None, second: bool) -> np.ndarray:
    """w (N, W) of a StyleGAN, or StyleGAN2, of latents (N, Z)."""
    held = _double(parts, "mapping")
    if label is None:
        x = _normalized(z)
    elif second:  # StyleGAN2-ADA: embedded, normalised each by itself
        embedded = _dense(label, held["LabelEmbed/weight"]) + held["LabelEmbed/bias"]
        x = np.concatenate([_normalized(z), _normalized(embedded)], axis=1)
    else:
        x = _normalized(np.concatenate([z, label @ held["LabelConcat/weight"]], axis=1))
    for k in range(DENSE):
        gain = 0.01 if second else 0.01 * math.sqrt(2.0)
        x = _dense(x, held[f"Dense{k}/weight"], gain) + 0.01 * held[f"Dense{k}/bias"]
        x = _lrelu(x, math.sqrt(2.0) if second else 1.0)
    return x


def _conv(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """tf.nn.conv2d with padding SAME: (N, I, H, W), (k, k, I, O) -> (N, O, H, W)."""
    side = weight.shape[0] // 2
    return _valid(np.pad(x, ((0, 0), (0, 0), (side, side), (side, side))), weight)


def _valid(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return np.stack([
        [
            sum(
                correlate2d(row[i], weight[:, :, i, o], mode="valid")
                for i in range(weight.shape[2])
            )
            for o in range(weight.shape[3])
        ]
        for row in x
    ])  # fmt: skip


def _transposed(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """tf.nn.conv2d_transpose of stride 2 with padding SAME, with (4, 4, O, I)."""
    n, _, height, width = x.shape
    out = np.zeros((n, weight.shape[2], 2 * height + 2, 2 * width + 2))
    for a in range(4):
        for b in range(4):
            moved = np.einsum("nihw,oi->nohw", x, weight[a, b])
            out[:, :, a : a + 2 * height : 2, b : b + 2 * width : 2] += moved
    return out[:, :, 1:-1, 1:-1]


def _repeated(x: np.ndarray) -> np.ndarray:
    return x.repeat(2, axis=2).repeat(2, axis=3)


def stylegan1_by_hand(
    parts: Parts, ws: np.ndarray, fused: bool | str = "auto", lod: float = 0.0
) -> np.ndarray:
    """Images (N, 3, R, R) of a StyleGAN of w for each layer (N, L, W); lod below 1."""
    held = _double(parts, "synthesis")
    blur = np.outer([1.0, 2.0, 1.0], [1.0, 2.0, 1.0]) / 16.0
    gain = math.sqrt(2.0)

    def epilogue(x: np.ndarray, scope: str, index: int) -> np.ndarray:
        noise = held[f"noise{index}"] * held[f"{scope}/Noise/weight"][None, :, None, None]
        x = _lrelu(x + noise + held[f"{scope}/bias"][None, :, None, None])
        x = x - x.mean(axis=(2, 3), keepdims=True)
        x = x / np.sqrt((x**2).mean(axis=(2, 3), keepdims=True) + 1e-8)
        style = _dense(ws[:, index], held[f"{scope}/StyleMod/weight"])
        style = (style + held[f"{scope}/StyleMod/bias"]).reshape(len(ws), 2, -1, 1, 1)
        return x * (style[:, 0] + 1.0) + style[:, 1]

    def weight(name: str, gain: float) -> np.ndarray:
        found = held[name]
        return found * (gain / math.sqrt(np.prod(found.shape[:3])))

    def enlarged(x: np.ndarray, scope: str) -> np.ndarray:
        kernel = weight(f"{scope}/weight", gain)
        if fused is False or (fused == "auto" and 2 * x.shape[2] < 128):
            x = _conv(_repeated(x), kernel)
        else:
            kernel = np.pad(kernel.transpose(0, 1, 3, 2), ((1, 1), (1, 1), (0, 0), (0, 0)))
            kernel = kernel[1:, 1:] + kernel[:-1, 1:] + kernel[1:, :-1] + kernel[:-1, :-1]
            x = _transposed(x, kernel)
        return np.array([[convolve2d(c, blur, mode="same") for c in row] for row in x])

    def image(x: np.ndarray, level: int) -> np.ndarray:
        bias = held[f"ToRGB_lod{level}/bias"][None, :, None, None]
        return _conv(x, weight(f"ToRGB_lod{level}/weight", 1.0)) + bias

    blocks = sum(name.startswith("ToRGB_lod") and name.endswith("/bias") for name in held)
    x = epilogue(held["4x4/Const/const"].repeat(len(ws), axis=0), "4x4/Const", 0)
    x = epilogue(_conv(x, weight("4x4/Conv/weight", gain)), "4x4/Conv", 1)
    before = x
    for k in range(1, blocks):
        scope, before = f"{4 * 2**k}x{4 * 2**k}", x
        x = epilogue(enlarged(x, f"{scope}/Conv0_up"), f"{scope}/Conv0_up", 2 * k)
        x = epilogue(_conv(x, weight(f"{scope}/Conv1/weight", gain)), f"{scope}/Conv1", 2 * k + 1)
    return image(x, 0) + (_repeated(image(before, 1)) - image(x, 0)) * lod


def progressive_by_hand(
    held: Mapping[str, np.ndarray], z: np.ndarray, label: np.ndarray | None = None
) -> np.ndarray:
    """Images (N, C, R, R) of a progressive GAN that has grown, of latents (N, Z)."""
    held = {name: np.asarray(value, np.float64) for name, value in held.items()}
    gain = math.sqrt(2.0)

    def finished(x: np.ndarray, scope: str) -> np.ndarray:
        return _normalized(_lrelu(x + held[f"{scope}/bias"][None, :, None, None]))

    def conv(x: np.ndarray, scope: str, gain: float = gain) -> np.ndarray:
        weight = held[f"{scope}/weight"]
        return _conv(x, weight * (gain / math.sqrt(np.prod(weight.shape[:3]))))

    def fused(x: np.ndarray, scope: str) -> np.ndarray:
        weight = held[f"{scope}/weight"]  # (3, 3, outputs, inputs)
        weight = weight * (gain / math.sqrt(9 * weight.shape[3]))
        kernel = np.zeros((4, 4, *weight.shape[2:]))
        for a in range(2):
            for b in range(2):
                kernel[a : a + 3, b : b + 3] += weight
        return _transposed(x, kernel)

    x = _normalized(z if label is None else np.concatenate([z, label], axis=1))
    x = _dense(x, held["4x4/Dense/weight"], gain / 4).reshape(len(z), -1, 4, 4)
    x = finished(x, "4x4/Dense")
    x = finished(conv(x, "4x4/Conv"), "4x4/Conv")
    size = 8
    while f"{size}x{size}/Conv1/weight" in held:
        scope = f"{size}x{size}"
        if f"{scope}/Conv0_up/weight" in held:
            x = finished(fused(x, f"{scope}/Conv0_up"), f"{scope}/Conv0_up")
        else:
            x = finished(conv(_repeated(x), f"{scope}/Conv0"), f"{scope}/Conv0")
        x = finished(conv(x, f"{scope}/Conv1"), f"{scope}/Conv1")
        size *= 2
    return conv(x, "ToRGB_lod0", 1.0) + held["ToRGB_lod0/bias"][None, :, None, None]


USUAL = (1.0, 3.0, 3.0, 1.0)


def _stuffed(
    x: np.ndarray, before: int, behind: int, taps: tuple[float, ...] = USUAL
) -> np.ndarray:
    """Zeros behind each pixel, padded, and filtered with the brightness kept."""
    out = np.zeros((*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3]))
    out[:, :, ::2, ::2] = x
    out = np.pad(out, ((0, 0), (0, 0), (before, max(behind, 0)), (before, max(behind, 0))))
    cut = out.shape[2] + min(behind, 0)
    out = out[:, :, :cut, :cut]
    kernel = np.outer(taps, taps) * (4.0 / sum(taps) ** 2)
    return np.array([[convolve2d(c, kernel, mode="valid") for c in row] for row in out])


def stylegan2_by_hand(
    parts: Parts,
    ws: np.ndarray,
    clamp: float = math.inf,
    taps: tuple[float, ...] = USUAL,
    activation: Callable[[np.ndarray], np.ndarray] = lambda x: _lrelu(x, math.sqrt(2.0)),
) -> np.ndarray:
    """Images (N, 3, R, R) of a StyleGAN2 of w for each layer (N, L, W), of every architecture."""
    held = _double(parts, "synthesis")
    before, behind = (len(taps) + 1) // 2, (len(taps) - 2) // 2

    def modulated(x, scope, w, up=False, demodulate=True):
        weight = held[f"{scope}/weight"]
        weight = weight / math.sqrt(np.prod(weight.shape[:3]))
        style = _dense(w, held[f"{scope}/mod_weight"]) + held[f"{scope}/mod_bias"] + 1.0
        rows = []
        for row, s in zip(x, style, strict=True):
            own = weight * s[None, None, :, None]
            if demodulate:
                own = own / np.sqrt((own**2).sum(axis=(0, 1, 2)) + 1e-8)
            row = row[None]  # upsample_2d, then conv2d, padded once
            if up:
                rows.append(_valid(_stuffed(row, before + 1, behind + 1, taps), own))
            else:
                rows.append(_conv(row, own))
        return np.concatenate(rows)

    def layer(x, scope, index, up=False):
        x = modulated(x, scope, ws[:, index], up)
        x = x + held[f"noise{index}"] * held[f"{scope}/noise_strength"]
        x = activation(x + held[f"{scope}/bias"][None, :, None, None])
        return x.clip(-clamp, clamp)

    def image(x, scope, index):
        x = modulated(x, scope, ws[:, index], demodulate=False)
        return (x + held[f"{scope}/bias"][None, :, None, None]).clip(-clamp, clamp)

    x = layer(held["4x4/Const/const"].repeat(len(ws), axis=0), "4x4/Conv", 0)
    found = image(x, "4x4/ToRGB", 1) if "4x4/ToRGB/weight" in held else None
    k = 1
    while f"{4 * 2**k}x{4 * 2**k}/Conv1/weight" in held:
        scope, source = f"{4 * 2**k}x{4 * 2**k}", x
        x = layer(x, f"{scope}/Conv0_up", 2 * k - 1, up=True)
        x = layer(x, f"{scope}/Conv1", 2 * k)
        if f"{scope}/Skip/weight" in held:
            weight = held[f"{scope}/Skip/weight"]
            side = _stuffed(source, before, behind, taps)
            side = _valid(side, weight / math.sqrt(weight.shape[2]))
            x = (x + side) / math.sqrt(2.0)
        if f"{scope}/ToRGB/weight" in held:
            added = image(x, f"{scope}/ToRGB", 2 * k + 1)
            found = added if found is None else _stuffed(found, before, behind, taps) + added
        k += 1
    return image(x, "ToRGB_lod0", 2 * k - 1) if found is None else found
