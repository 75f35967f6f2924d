"""Sets the scale of the layers that directions live in, without changing any image.

Leaky ReLUs are homogeneous: doubling a layer's output and halving what the next layer does with
it changes nothing but the unit in which a strength along a direction counts.
"""

from __future__ import annotations

import torch

from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.training.samples import fixed_latents

LAYER_NORM = {"mapping_split1": 6.5, "mapping_split2": 6.5}
"""Root-mean-square distance of a layer's vectors from their mean that they are brought to.

With it a strength of 1 along a direction found is about one standard deviation of its score, so
that the test's strengths, up to 1.8, show plainly without leaving the population.
"""


@torch.inference_mode()
def rescale_layers(network: GeneratorNetwork, n: int = 4096, seed: int = 0) -> GeneratorNetwork:
    """Brings both split layers to `LAYER_NORM`, in place; the images stay what they were.

    Args:
        network: with the split mapping, on any device.
        n, seed: samples that the scale is measured on.
    """
    mapping, last = network.mapping, network.config.mapping_layers - 1
    z, label = (
        values.to(network.truncation.w_avg.device) for values in fixed_latents(network, n, seed)
    )
    layers = mapping(z, label)

    def factor(layer: str) -> float:
        vectors = layers[layer]
        distance = (vectors - vectors.mean(dim=0)).square().sum(dim=1).mean().sqrt()
        return float(LAYER_NORM[layer] / distance)

    first, second = factor("mapping_split1"), factor("mapping_split2")
    inner = (getattr(mapping, f"dense{last - 1}"), mapping.dense_new0)
    outer = (getattr(mapping, f"dense{last}"), mapping.dense_new1)
    for layer in inner:
        layer.weight.mul_(first)
        layer.bias.mul_(first)
    for layer in outer:
        layer.weight.mul_(second / first)
        layer.bias.mul_(second)
    for name, parameter in network.synthesis.named_parameters():
        if name.endswith("style.weight"):
            parameter.div_(second)
    network.truncation.w_avg.mul_(second)
    return network
