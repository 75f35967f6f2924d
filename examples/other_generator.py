"""Directions on somebody else's generator: loaded safely, found at w and in some layers only.

    python examples/other_generator.py other stylegan2-ffhq.pkl
    python examples/other_generator.py other
    python examples/other_generator.py other interfacegan
    python examples/other_generator.py other tensorflow

The model may be a pickle of NVlabs (StyleGAN2-ADA, StyleGAN3) or NVIDIA (TensorFlow), a .pt of
rosinality, a .pth of genforce or InterFaceGAN, or our safetensors; nothing in it is executed.
Without one, a tiny StyleGAN2 with random weights stands in; "interfacegan" and "tensorflow" write a
tiny StyleGAN in the layout of those projects. All takes some seconds.

The scorer is any function of images, here one of colours. Where `vectorfind fetch landmarks` was
run, the last lines say how the landmarks scorer reads the same images; those of random weights show
no face.

It leaves `directions_*.npz`, and InterFaceGAN's boundaries in `boundaries`.
"""

from __future__ import annotations

import pickle
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor

import vectorfind
from property_cnn.fetching import fetched_path
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.architectures.stylegan1.settings import GeneratorConfig
from stylegan_ft.architectures.stylegan2.network import StyleGAN2
from stylegan_ft.architectures.stylegan2.settings import StyleGAN2Config
from vectorfind.directions import interchange
from vectorfind.models.scorers import load_any_scorer


def colours(images: Tensor) -> dict[str, Tensor]:
    """Two scores of images (N, 3, H, W)."""
    red, green, blue = images.mean(dim=(2, 3)).T
    return {"warm": red - blue, "bright": (red + green + blue) / 3}


def write_tiny(path: Path) -> Path:
    """A StyleGAN2 of 64 × 64 with random weights, as a plain state dict."""
    network = StyleGAN2(StyleGAN2Config(64, (4,) * 5, z_dim=8, w_dim=8, mapping_layers=2))
    random = torch.Generator().manual_seed(5)
    state = {}
    for name, tensor in network.state_dict().items():
        kind = name.rpartition(".")[2]
        drawn = torch.randn(tensor.shape, generator=random)
        scale = 100.0 if name.startswith("mapping.fc") else 1.0  # their learning rate is 1/100
        state[name] = scale * drawn if kind in ("weight", "const") else tensor
    for block in ("b4", "b8", "b64"):  # colours are given by the layers 5 and 7 alone
        state[f"synthesis.{block}.torgb.weight"].zero_()
    torch.save({"g_ema": state}, path)
    return path


def tiny_stylegan1() -> Mapping[str, Tensor]:
    """Weights of a StyleGAN of 64 × 64, by genforce's names."""
    config = GeneratorConfig(
        64, 8, 8, label_dim=0, split=False, channels=(4,) * 5, hidden_dim=8, mapping_layers=3
    )
    return GeneratorNetwork(config, seed=5).state_dict()


def write_interfacegan(path: Path) -> Path:
    """A tiny StyleGAN with InterFaceGAN's names, which has a layer's weight apart from its bias."""
    dense = {"weight": "linear.weight", "bias": "wscale.bias"}
    state = {}
    for name, tensor in tiny_stylegan1().items():
        part, layer, *rest = name.split(".")
        if part == "mapping":
            name = f"mapping.{layer}.{dense[rest[0]]}"
        elif rest == ["weight"]:
            name = f"synthesis.{layer}.conv.weight"
        elif rest == ["const"]:
            name = f"synthesis.{layer}.first_layer"
        elif rest and rest[0] == "style":
            name = f"synthesis.{layer}.epilogue.style_mod.dense.{dense[rest[1]]}"
        elif rest and rest[0] != "blur" and layer.startswith("layer"):
            name = f"synthesis.{layer}.epilogue.{'.'.join(rest)}"
        state[name] = tensor
    torch.save(state, path)
    return path


class Network:
    """What dnnlib.tflib.network.Network keeps of itself in a pickle; the class is NVIDIA's."""

    def __init__(self, name: str, function: str, variables: Mapping[str, np.ndarray], **components):
        self.state = {
            "version": 3,
            "name": name,
            "static_kwargs": {},
            "components": components,
            "build_module_src": "raise RuntimeError('this source is never run')",
            "build_func_name": function,
            "variables": list(variables.items()),
        }

    def __getstate__(self) -> dict:
        return self.state


def write_tensorflow(path: Path) -> Path:
    """The same as a pickle of (G, D, Gs), whose variables have names and axes of TensorFlow."""
    own, mapping, synthesis = {}, {}, {}
    named = {
        "bias": "bias",
        "const": "Const/const",
        "apply_noise.weight": "Noise/weight",
        "style.weight": "StyleMod/weight",
        "style.bias": "StyleMod/bias",
    }
    for name, tensor in tiny_stylegan1().items():
        part, layer, *rest = name.split(".")
        last, k = ".".join(rest), int("".join(c for c in layer if c.isdigit()) or 0)
        kernel = last == "weight" and part == "synthesis"
        # (O, I, k, k) -> (k, k, I, O); (O, I) -> (I, O)
        array = tensor.permute(2, 3, 1, 0) if kernel else tensor.T if tensor.ndim == 2 else tensor
        array = array.numpy()
        size, first = 4 * 2 ** (k // 2), k % 2 == 0
        scope = f"{size}x{size}/" + (
            ("Const" if first else "Conv") if k < 2 else "Conv0_up" if first else "Conv1"
        )
        if name == "truncation.w_avg":
            own["dlatent_avg"] = array
        elif name == "synthesis.lod":
            own["lod"] = array
        elif part == "mapping":
            mapping[f"Dense{k}/{last}"] = array
        elif layer.startswith("output"):
            synthesis[f"ToRGB_lod{4 - k}/{last}"] = array
        elif last == "apply_noise.noise":
            synthesis[f"noise{k}"] = array
        elif last == "const":
            synthesis[f"{size}x{size}/Const/const"] = array
        elif rest[0] != "blur":
            synthesis[f"{scope}/{'weight' if kernel else named[last]}"] = array
    generator = Network(
        "Gs",
        "G_style",
        own,
        mapping=Network("G_mapping", "G_mapping", mapping),
        synthesis=Network("G_synthesis", "G_synthesis", synthesis),
    )
    modules = {name: types.ModuleType(name) for name in ("dnnlib", "dnnlib.tflib")}
    modules["dnnlib.tflib.network"] = types.SimpleNamespace(Network=Network)
    with (
        patch.dict(sys.modules, modules),
        patch.multiple(Network, __module__="dnnlib.tflib.network"),
    ):
        path.write_bytes(pickle.dumps((generator, generator, generator), protocol=4))
    return path


LAYOUTS = {
    "stylegan2": write_tiny,
    "interfacegan": write_interfacegan,
    "tensorflow": write_tensorflow,
}
"""Name -> what writes a tiny file as that project does."""


def landmarks_lines(generator: vectorfind.Generator) -> list[str]:
    """What the landmarks scorer reads of some of a generator's images."""
    if not fetched_path("landmarks").exists():
        return ["landmarks: not installed (vectorfind fetch landmarks); skipped"]
    scorer = load_any_scorer("landmarks", torch.device("cpu"))
    random = torch.Generator().manual_seed(0)
    z = torch.randn(8, generator.z_dim, generator=random)
    scores = torch.as_tensor(scorer(generator.synthesize(generator.map(z)["w"], "w")))
    faces = ~scores.isnan().any(dim=1)
    lines = [f"landmarks: a face in {int(faces.sum())} of 8 images"]
    if faces.any():
        means = zip(scorer.properties, scores[faces].mean(dim=0).tolist(), strict=True)
        lines += [f"landmarks: mean {name} {mean:.2f}" for name, mean in means]
    return lines


def main(folder: Path, model: str = "stylegan2", n: int = 500, cases: int = 8) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write = LAYOUTS.get(model)
    path = write(folder / f"tiny-{model}") if write else model
    generator = vectorfind.load_generator(path, device="cpu")
    offers = ", ".join(generator.available_layers)
    print(f"{generator.resolution} px, layers {', '.join(generator.layers)}; on offer {offers}")

    scorer = vectorfind.CallableScorer(
        colours, ("warm", "bright"), digest="colours-1", thread_safe=True
    )
    for layer in ("w", f"w+4-{generator.synthesis_layers - 1}"):
        directions = vectorfind.find_directions(
            n, layer, generator=generator, scorer=scorer, quiet=True
        )
        directions.save(folder / f"directions_{layer}.npz")
        evaluation = vectorfind.evaluate(directions, cases=cases, quiet=True)
        for index, name in enumerate(directions.properties):
            found, chance = (
                m.correlation.mean[index] for m in (evaluation.measured, evaluation.control)
            )
            print(f"{layer}: {name} follows its strength by {found:.2f}, by chance {chance:.2f}")

    # The last ones once more, so that making an image warmer leaves it as bright as it is.
    apart = directions.conditioned({"warm": ("bright",)})
    files = interchange.write_interfacegan(apart.boundaries(), folder / "boundaries")
    print(f"boundaries: {', '.join(path.name for path in files)}")
    for line in landmarks_lines(generator):
        print(line)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python examples/other_generator.py FOLDER [MODEL]")
    main(Path(sys.argv[1]), *sys.argv[2:])
