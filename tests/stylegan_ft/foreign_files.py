"""Files as other projects write them, made here: NVlabs' pickles, rosinality's state dicts."""

from __future__ import annotations

import io
import itertools
import math
import os
import pickle
import struct
import sys
import types
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.architectures.stylegan1.settings import GeneratorConfig
from stylegan_ft.architectures.stylegan2.network import StyleGAN2
from stylegan_ft.architectures.stylegan2.settings import StyleGAN2Config
from stylegan_ft.architectures.stylegan3.network import StyleGAN3
from stylegan_ft.architectures.stylegan3.settings import StyleGAN3Config
from stylegan_ft.pickles.saved import MAGIC, STREAM

STYLEGAN1 = GeneratorConfig(
    resolution=8, z_dim=6, w_dim=5, label_dim=2, label_embedding=3, channels=(8, 8), hidden_dim=7,
    wide_dim=9,
)  # fmt: skip
STYLEGAN2 = StyleGAN2Config(
    img_resolution=16, channels=(6, 6, 4), z_dim=7, c_dim=2, w_dim=6, mapping_layers=3,
    conv_clamp=256.0, num_fp16_res=2,
)  # fmt: skip
STYLEGAN3 = StyleGAN3Config(
    img_resolution=16, z_dim=7, w_dim=6, channel_base=64, channel_max=8, num_layers=4,
    margin_size=2, num_fp16_res=2,
)  # fmt: skip

SIZES = {"z_dim": 7, "w_dim": 6, "img_resolution": 16, "img_channels": 3}
ADA = {
    **SIZES,
    "c_dim": 2,
    "mapping_kwargs": {"num_layers": 3},
    "synthesis_kwargs": {
        "channel_base": 64, "channel_max": 6, "num_fp16_res": 2, "conv_clamp": 256,
    },
}  # fmt: skip
"""The arguments of `STYLEGAN2` as stylegan2-ada-pytorch keeps them."""

THIRD = {
    **SIZES,
    "c_dim": 0,
    "mapping_kwargs": {},
    "channel_base": 64, "channel_max": 8, "num_layers": 4, "margin_size": 2, "num_fp16_res": 2,
    "magnitude_ema_beta": 0.9,
}  # fmt: skip
"""The arguments of `STYLEGAN3` as stylegan3 keeps them."""

BUFFERS = frozenset(
    "w_avg noise_const resample_filter magnitude_ema freqs phases transform up_filter "
    "down_filter".split()
)
CLASSES = {
    "": "Generator", "mapping": "MappingNetwork", "synthesis": "SynthesisNetwork",
    "input": "SynthesisInput", "torgb": "ToRGBLayer", "skip": "Conv2dLayer",
    "affine": "FullyConnectedLayer", "embed": "FullyConnectedLayer",
    "fc": "FullyConnectedLayer", "b": "SynthesisBlock", "conv": "SynthesisLayer",
    "L": "SynthesisLayer",
}  # fmt: skip
"""NVlabs' class of a module, by its name without numbers."""

HARMLESS_SOURCE = "class Generator: pass\n" * 100


def random_network(config: GeneratorConfig | StyleGAN2Config | StyleGAN3Config) -> nn.Module:
    """A network of these settings with random weights."""
    if isinstance(config, GeneratorConfig):
        return GeneratorNetwork(config, seed=4).eval().requires_grad_(False)
    network = (StyleGAN2 if isinstance(config, StyleGAN2Config) else StyleGAN3)(config)
    network.requires_grad_(False)
    rng = torch.Generator().manual_seed(0)
    for name, tensor in network.state_dict().items():
        last = name.rpartition(".")[2]
        if last not in ("resample_filter", "up_filter", "down_filter", "transform"):
            tensor.copy_(torch.randn(tensor.shape, generator=rng))
        if last == "magnitude_ema":
            tensor.abs_()
    return network.eval()


class Reduced:
    """Has a function called when it is loaded."""

    def __init__(self, function: Callable, *args: Any):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


class Persistent:
    """A module that torch_utils.persistence pickles, with the source that loading would run."""

    def __init__(self, class_name: str, state: Mapping[str, Any], source: str = HARMLESS_SOURCE):
        self.meta = {
            "type": "class", "version": 6, "module_src": source, "class_name": class_name,
            "state": dict(state),
        }  # fmt: skip

    def __reduce__(self):
        reconstruct = sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj
        return reconstruct, (self.meta,), None


@contextmanager
def nvlabs_modules() -> Iterator[type]:
    """Stand-ins for the modules that NVlabs' pickles name; gives their dictionary's class."""
    names = ("dnnlib", "dnnlib.util", "torch_utils", "torch_utils.persistence")
    made = {name: types.ModuleType(name) for name in names}
    easy = type("EasyDict", (dict,), {"__module__": "dnnlib.util"})

    def reconstruct(meta):
        exec(meta["module_src"], {})
        return meta

    reconstruct.__module__ = "torch_utils.persistence"
    reconstruct.__name__ = reconstruct.__qualname__ = "_reconstruct_persistent_obj"
    made["dnnlib.util"].EasyDict = easy
    made["torch_utils.persistence"]._reconstruct_persistent_obj = reconstruct
    sys.modules.update(made)
    try:
        yield easy
    finally:
        for name in names:
            del sys.modules[name]


def official(
    state: Mapping[str, Tensor], arguments: Mapping[str, Any], source: str = HARMLESS_SOURCE
) -> Persistent:
    """The network of a state dict as a tree of NVlabs' modules."""
    return _module("", dict(state), {"_init_args": (), "_init_kwargs": arguments}, source)


def write_official(path: Path, protocol: int = 4, **entries: Any) -> Path:
    """A pickle with these entries, as NVlabs' training writes it."""
    with nvlabs_modules() as easy:
        arguments = easy(class_name="training.dataset.ImageFolderDataset", resolution=16)
        held = {"training_set_kwargs": arguments, "D": None, "augment_pipe": None, **entries}
        path.write_bytes(pickle.dumps(held, protocol=protocol))
    return path


def _module(name: str, state: dict, attributes: Mapping[str, Any], source: str) -> Persistent:
    parameters, buffers, inner = OrderedDict(), OrderedDict(), OrderedDict()
    for key, tensor in state.items():
        head, _, rest = key.partition(".")
        if rest:
            inner.setdefault(head, {})[rest] = tensor
        elif head in BUFFERS:
            buffers[head] = tensor
        else:
            held = isinstance(tensor, Tensor)
            parameters[head] = nn.Parameter(tensor.clone()) if held else tensor
    modules = OrderedDict(
        (head, _module(head, part, {"activation": "lrelu"}, source)) for head, part in inner.items()
    )
    kept = {
        "training": False, "_parameters": parameters, "_buffers": {**buffers, "absent": None},
        "_non_persistent_buffers_set": set(), "_backward_hooks": OrderedDict(),
        "_modules": modules, "weight_gain": torch.tensor(0.5).double().numpy()[()], **attributes,
    }  # fmt: skip
    plain = name.rstrip("0123456789") if not name.startswith("L") else "L"
    return Persistent(CLASSES[plain], kept, source)


def rosinality_state(resolution: int = 16, z_dim: int = 6, layers: int = 3) -> dict[str, Tensor]:
    """A state dict with rosinality's names and shapes, and random weights."""
    rng = torch.Generator().manual_seed(1)
    channels = [6, 6, 4][: int(math.log2(resolution)) - 1]
    line = torch.tensor([1.0, 3.0, 3.0, 1.0])
    kernel = torch.outer(line, line) / 64 * 4

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng)

    def modulated(name: str, inputs: int, outputs: int, side: int) -> dict[str, Tensor]:
        return {
            f"{name}.conv.weight": random(1, outputs, inputs, side, side),
            f"{name}.conv.modulation.weight": random(inputs, z_dim),
            f"{name}.conv.modulation.bias": random(inputs),
        }

    def layer(name: str, inputs: int, outputs: int) -> dict[str, Tensor]:
        more = {f"{name}.noise.weight": random(1), f"{name}.activate.bias": random(outputs)}
        return modulated(name, inputs, outputs, 3) | more

    def image(name: str, inputs: int) -> dict[str, Tensor]:
        return modulated(name, inputs, 3, 1) | {f"{name}.bias": random(1, 3, 1, 1)}

    state = {"input.input": random(1, channels[0], 4, 4), "noises.noise_0": random(1, 1, 4, 4)}
    for k in range(1, layers + 1):
        state |= {f"style.{k}.weight": random(z_dim, z_dim), f"style.{k}.bias": random(z_dim)}
    state |= layer("conv1", channels[0], channels[0]) | image("to_rgb1", channels[0])
    for j, (inputs, outputs) in enumerate(itertools.pairwise(channels)):
        state |= layer(f"convs.{2 * j}", inputs, outputs)
        state |= layer(f"convs.{2 * j + 1}", outputs, outputs)
        state |= image(f"to_rgbs.{j}", outputs)
        state |= {f"convs.{2 * j}.conv.blur.kernel": kernel}
        state |= {f"to_rgbs.{j}.upsample.kernel": kernel}
        side = 8 * 2**j
        state |= {f"noises.noise_{2 * j + k}": random(1, 1, side, side) for k in (1, 2)}
    return state


class _HugeZeros:
    """A matrix whose storage is written as its beginning alone; the numbers must follow."""

    def __init__(self, rows: int, columns: int):
        self.rows, self.columns = rows, columns

    def stream(self) -> bytes:
        """torch.save's former layout of a storage, up to its first number."""
        number, out = self.rows * self.columns, io.BytesIO()
        pid = ("storage", torch.FloatStorage, "0", "cpu", number, None)
        pickler = pickle.Pickler(out, 2)
        pickler.persistent_id = lambda value: pid if value is self else None
        about = {"protocol_version": STREAM, "little_endian": True, "padding": "-" * 256}
        for value in (MAGIC, STREAM, about, self, ["0"]):
            pickler.dump(value)
            pickler.clear_memo()
        return out.getvalue() + struct.pack("<q", number)

    def __reduce__(self):
        storage = Reduced(torch.storage._load_from_bytes, self.stream())
        sizes = (0, (self.rows, self.columns), (self.columns, 1))
        return torch._utils._rebuild_tensor_v2, (storage, *sizes, False, OrderedDict())


def write_huge(path: Path, numbers: int = 2**28) -> Path:
    """An NVlabs pickle with a dense layer of that many numbers, all zero, as a sparse file.

    Its z has 65,536 numbers, its w `numbers / 65,536`.
    """
    rows, columns = numbers // 2**16, 2**16
    sizes = {"img_resolution": 4, "z_dim": columns, "w_dim": rows}
    config = StyleGAN2Config(channels=(1,), mapping_layers=1, **sizes)
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in StyleGAN2(config).state_dict().items()}
    state = {name: torch.zeros(shape) for name, shape in shapes.items() if shape.numel() < columns}
    huge = _HugeZeros(rows, columns)
    arguments = {
        **sizes, "img_channels": 3, "c_dim": 0, "mapping_kwargs": {"num_layers": 1},
        "synthesis_kwargs": {"channel_base": 4, "channel_max": 1},
    }  # fmt: skip
    network = official(state | {"mapping.fc0.weight": huge}, arguments)
    data = write_official(path, protocol=3, G_ema=network).read_bytes()
    stream = huge.stream()
    at = data.index(stream)
    with open(path, "wb") as file:
        file.write(data[: at - 4] + struct.pack("<I", len(stream) + 4 * numbers) + stream)
        file.seek(4 * numbers, os.SEEK_CUR)
        file.write(data[at + len(stream) :])
    return path
