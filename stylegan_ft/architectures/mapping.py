"""The mapping network of StyleGAN2 and StyleGAN3, and the dense layer that both are built of.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (2020), with the names of
parameters and the scales of NVlabs' stylegan2-ada-pytorch and stylegan3, which share them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from property_cnn.common.errors import InputError

EPSILON = 1e-8
"""Added to mean squares before their root is taken."""


@dataclass(frozen=True)
class Activation:
    """An activation and the gain behind it, as NVlabs' `bias_act` has them.

    Attributes:
        gain: factor of what it gives, by default.
        slope: below zero, of one that is a line on either side and so takes a factor as well
            before as after; None for a curve.
        curve: the function, where it is one.
    """

    gain: float
    slope: float | None = None
    curve: Callable[[Tensor], Tensor] | None = None

    def before(self, factor: float = 1.0) -> float:
        """What its input must be multiplied by, so that its output has the gain and the factor."""
        return self.gain * factor if self.curve is None else 1.0

    def __call__(self, x: Tensor, factor: float = 1.0, inplace: bool = False) -> Tensor:
        """The activation, gain and factor of an input that was multiplied by `before(factor)`."""
        if self.curve is not None:
            return self.curve(x) * (self.gain * factor)
        return x if self.slope == 1.0 else F.leaky_relu(x, self.slope, inplace=inplace)


ACTIVATIONS = {
    "linear": Activation(1.0, slope=1.0),
    "relu": Activation(math.sqrt(2.0), slope=0.0),
    "lrelu": Activation(math.sqrt(2.0), slope=0.2),
    "tanh": Activation(1.0, curve=torch.tanh),
    "sigmoid": Activation(1.0, curve=torch.sigmoid),
    "elu": Activation(1.0, curve=F.elu),
    "selu": Activation(1.0, curve=F.selu),
    "softplus": Activation(1.0, curve=F.softplus),
    "swish": Activation(math.sqrt(2.0), curve=F.silu),
}
"""Name -> activation: all that NVlabs' `bias_act` has."""


def activation_of(name: str) -> Activation:
    """The activation of a name; InputError names those that there are."""
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise InputError(f"activation {name!r}: this library has {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def normalize(x: Tensor) -> Tensor:
    """Divides each row by the root of its mean square; (N, D) -> (N, D)."""
    return x * (x.square().mean(dim=1, keepdim=True) + EPSILON).rsqrt()


def truncated(ws: Tensor, mean: Tensor, psi: float, layers: int | None = None) -> Tensor:
    """The w of all layers (N, num_ws, w_dim), those of the first ones (all, if None) pulled towards
    the mean w (w_dim,): by 1 - psi of the way.
    """
    pulled = torch.lerp(mean.expand_as(ws), ws, psi)
    if layers is None:
        return pulled
    return torch.cat([pulled[:, : max(layers, 0)], ws[:, max(layers, 0) :]], dim=1)


class FullyConnected(nn.Module):
    """Dense layer with equalised learning rate: scaled weight and bias, activation, gain.

    Args:
        lr_multiplier: the parameters' learning-rate multiplier; the weights are stored divided by
            it.
    """

    def __init__(
        self, inputs: int, outputs: int, activation: str = "linear", lr_multiplier: float = 1.0
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.activation = activation_of(activation)
        gain = self.activation.before()
        self.weight_scale = lr_multiplier / math.sqrt(inputs) * gain
        self.bias_scale = lr_multiplier * gain

    def forward(self, x: Tensor) -> Tensor:  # (N, inputs) -> (N, outputs)
        x = F.linear(x, self.weight * self.weight_scale, self.bias * self.bias_scale)
        return self.activation(x)


class MappingConfig(Protocol):
    """Settings of a mapping network: sizes of the latent, of the label (0: none) and of w, number
    of dense layers and their learning-rate multiplier.
    """

    z_dim: int
    c_dim: int
    w_dim: int
    mapping_layers: int
    lr_multiplier: float


class MappingNetwork(nn.Module):
    """From z and label to w; it can be left and resumed at every layer.

    Args:
        config: sizes, layers and learning-rate multiplier.
        embed_features: numbers that a label becomes before it joins z.
        layer_features: width of the layers before the last.
        joint_label: whether latent and embedded label are normalised as one vector.

    Attributes:
        vectors: name -> size of the vectors on the way: `z` (with the label behind it, where there
            is one), `mapping.0`, `mapping.1`, … and `w`, which is the last layer's.
        w_avg: the mean w, towards which truncation pulls.
    """

    def __init__(
        self,
        config: MappingConfig,
        embed_features: int,
        layer_features: int,
        activation: str = "lrelu",
        joint_label: bool = False,
    ):
        super().__init__()
        self.joint_label = joint_label
        self.z_dim, self.c_dim = z_dim, c_dim = config.z_dim, config.c_dim
        w_dim, layers = config.w_dim, config.mapping_layers
        inputs = z_dim
        if c_dim:
            self.embed = FullyConnected(c_dim, embed_features)
            inputs += embed_features
        self.vectors = {"z": z_dim + c_dim}
        for k in range(layers):
            outputs = w_dim if k == layers - 1 else layer_features
            layer = FullyConnected(inputs, outputs, activation, config.lr_multiplier)
            self.add_module(f"fc{k}", layer)
            self.vectors[f"mapping.{k}"] = inputs = outputs
        self.vectors["w"] = w_dim
        self.register_buffer("w_avg", torch.zeros(w_dim))

    def forward(self, z: Tensor, c: Tensor | None = None) -> dict[str, Tensor]:
        """All vectors in one pass: name -> (N, size), in the order of `vectors`."""
        return self.run(torch.cat([z, c], dim=1) if self.c_dim else z, "z")

    def resume(self, latents: Tensor, layer: str) -> Tensor:
        """Runs the rest of the mapping from the vector of a layer; -> w (N, w_dim)."""
        return self.run(latents, layer)["w"]

    def run(self, latents: Tensor, layer: str) -> dict[str, Tensor]:
        """The vectors from a layer on, the one that is given there included."""
        names = list(self.vectors)
        vectors = {layer: latents}
        for name in names[names.index(layer) + 1 : -1]:
            k = int(name.removeprefix("mapping."))
            vectors[name] = latents = getattr(self, f"fc{k}")(
                self._join(latents) if k == 0 else latents
            )
        return {**vectors, "w": latents}

    def truncate(self, ws: Tensor, psi: float, layers: int | None = None) -> Tensor:
        """Pulls the first layers' w (all, if None) towards the mean; (N, num_ws, w_dim)."""
        return ws if psi == 1.0 else truncated(ws, self.w_avg, psi, layers)

    def _join(self, latents: Tensor) -> Tensor:
        z = latents[:, : self.z_dim]
        if not self.c_dim:
            return normalize(z)
        label = self.embed(latents[:, self.z_dim :])
        if self.joint_label:
            return normalize(torch.cat([z, label], dim=1))
        return torch.cat([normalize(z), normalize(label)], dim=1)
