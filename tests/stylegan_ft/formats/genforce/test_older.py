"""InterFaceGAN's and HiGAN's StyleGAN 1 and PGGAN, whose names and axes differ from genforce's."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from stylegan_ft.formats.describe import describe_file
from stylegan_ft.generator import load_generator
from tests.stylegan_ft.formats.genforce import by_hand
from tests.stylegan_ft.formats.genforce.test_stylegan1 import images_of
from tests.stylegan_ft.formats.test_options import PLAIN

NAMES = {"interfacegan": ("linear", "first_layer"), "higan": ("fc", "const")}
"""What each calls the weight of a dense layer, and the constant."""


def older_state(state: dict[str, Tensor], project: str, fused_from: int) -> dict[str, Tensor]:
    """Weights by genforce's names as these projects have them, with what else they keep."""
    dense, const = NAMES[project]
    found = {"truncation.truncation": torch.full((1, 6, 1), 0.7)}
    for name, tensor in state.items():
        parts = name.split(".")
        if parts[0] == "mapping":
            last = {"weight": f"{dense}.weight", "bias": "wscale.bias"}[parts[2]]
            found[f"mapping.{parts[1]}.{last}"] = tensor
        elif parts[0] != "synthesis" or len(parts) == 2:
            found[name] = tensor
        elif parts[2] == "weight":
            k = int("".join(c for c in parts[1] if c.isdigit()))
            up = parts[1].startswith("layer") and k % 2 == 0
            if up and 4 * 2 ** (k // 2) >= fused_from:  # (3, 3, I, O)
                found[name] = tensor.permute(2, 3, 1, 0).contiguous()
            else:
                found[f"synthesis.{parts[1]}.conv.weight"] = tensor
        elif parts[2] == "const":
            found[f"synthesis.{parts[1]}.{const}"] = tensor
        elif parts[2] == "style":
            last = {"weight": f"{dense}.weight", "bias": "wscale.bias"}[parts[3]]
            found[f"synthesis.{parts[1]}.epilogue.style_mod.dense.{last}"] = tensor
        elif parts[2] == "blur" or parts[1].startswith("output"):
            found[name] = tensor
        else:
            found[name.replace(parts[1], f"{parts[1]}.epilogue")] = tensor
    return found


@pytest.mark.parametrize("project", NAMES)
@pytest.mark.parametrize("fused_from", [0, 16, 128])
def test_stylegan1(tmp_path, project, fused_from):
    state = by_hand.stylegan1_state(PLAIN)
    path = tmp_path / "g.pth"
    torch.save(older_state(state, project, fused_from), path)
    generator = load_generator(path, "cpu")
    z = torch.randn(3, 8, generator=torch.Generator().manual_seed(1))
    w = by_hand.stylegan1_w(state, z)
    torch.testing.assert_close(generator.map(z)["w"].double(), w, rtol=1e-5, atol=1e-5)
    expected = by_hand.stylegan1_images(state, w, fused_from=fused_from)
    for layer in ("z", "w", "mapping.3", "w+"):
        torch.testing.assert_close(images_of(generator, layer, z), expected, rtol=1e-4, atol=1e-4)
    mean = state["truncation.w_avg"].double()
    pulled = load_generator(path, "cpu", psi=0.5)
    expected = by_hand.stylegan1_images(state, mean + (w - mean) / 2, fused_from=fused_from)
    torch.testing.assert_close(images_of(pulled, "w", z), expected, rtol=1e-4, atol=1e-4)
    assert "psi 0.7" in describe_file(path).notes[0]


@pytest.mark.parametrize("project", NAMES)
def test_stylegan1_of_128_pixels_is_fused_by_its_names(tmp_path, project):
    config = dataclasses.replace(PLAIN, resolution=128, channels=(2,) * 6)
    state = by_hand.stylegan1_state(config)
    for fused_from in (128, 1000):
        path = tmp_path / f"{fused_from}.pth"
        held = older_state(state, project, fused_from)
        torch.save({n: t for n, t in held.items() if not n.endswith("blur.kernel")}, path)
        w = torch.randn(1, 8, generator=torch.Generator().manual_seed(1))
        expected = by_hand.stylegan1_images(state, w.double(), fused_from=fused_from)
        found = load_generator(path, "cpu").synthesize(w, "w").double()
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def older_pggan(state: dict[str, Tensor], project: str, fused: bool) -> dict[str, Tensor]:
    """As `older_state`, of a PGGAN."""
    layers = sum(name.startswith("layer") and name.endswith("bias") for name in state)
    found = {}
    for name, tensor in state.items():
        parts = name.split(".")
        if name == "lod":
            if project == "higan":
                found[name] = tensor
            continue
        k = int("".join(c for c in parts[0] if c.isdigit()))
        module = parts[0]
        if project == "interfacegan":
            if module.startswith("output"):
                if k != layers // 2 - 1:
                    continue
                side = 2 ** (layers // 2 + 1)
                module = f"output_{side}x{side}"
            else:
                module = f"layer{k + 1}"
        up = module.startswith("layer") and k and k % 2 == 0
        if parts[1] == "bias":
            found[f"{module}.wscale.bias"] = tensor
        elif up and fused:
            found[f"{module}.weight"] = tensor.permute(2, 3, 0, 1).contiguous()  # (3, 3, I, O)
        else:
            found[f"{module}.conv.weight"] = tensor
    return found


@pytest.mark.parametrize(("project", "fused"), [("interfacegan", 0), ("higan", 0), ("higan", 1)])
def test_pggan(tmp_path, project, fused):
    state = by_hand.pggan_state(fused_scale=bool(fused))
    path = tmp_path / "g.pth"
    torch.save(older_pggan(state, project, bool(fused)), path)
    generator = load_generator(path, "cpu")
    z = torch.randn(3, 6, generator=torch.Generator().manual_seed(1))
    expected = by_hand.pggan_images(state, z, fused_scale=bool(fused))
    torch.testing.assert_close(images_of(generator, "z", z), expected, rtol=1e-4, atol=1e-4)
