"""Directions on somebody else's StyleGAN2: loaded safely, found at w and in some layers only.

    python examples/other_generator.py other stylegan2-ffhq.pkl
    python examples/other_generator.py other

The model may be a pickle of NVlabs (StyleGAN2-ADA, StyleGAN3), a .pt of rosinality, a .pth of
genforce or our safetensors; nothing in it is executed. Without one, a tiny generator with random
weights stands in, and all takes some seconds. The scorer is any function of images.

It leaves `directions_*.npz`, and InterFaceGAN's boundaries in `boundaries`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

import vectorfind
from stylegan_ft.architectures.stylegan2.network import StyleGAN2
from stylegan_ft.architectures.stylegan2.settings import StyleGAN2Config
from vectorfind.directions.interchange import write_interfacegan


def colours(images: torch.Tensor) -> dict[str, torch.Tensor]:
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


def main(folder: Path, model: Path | None = None, n: int = 500, cases: int = 8) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    generator = vectorfind.load_generator(model or write_tiny(folder / "tiny.pt"), device="cpu")
    offers = ", ".join(generator.available_layers)
    print(f"{generator.resolution} px, layers {', '.join(generator.layers)}; on offer {offers}")

    scorer = vectorfind.CallableScorer(
        colours, ("warm", "bright"), digest="colours-1", thread_safe=True
    )
    for layer in ("w", "w+4-8"):
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
    files = write_interfacegan(apart.boundaries(), folder / "boundaries")
    print(f"boundaries: {', '.join(path.name for path in files)}")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python examples/other_generator.py FOLDER [MODEL]")
    main(*map(Path, sys.argv[1:]))
