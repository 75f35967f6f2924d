"""The generator's network: mapping with the split of its last two layers, truncation, synthesis.

StyleGAN 1 (Karras et al., 2019) with genforce's names and shapes of parameters; the split mapping
adds a wide second path of two layers (`dense_new0`, `dense_new1`) that starts with nearly no
effect, so a network trained without it can be carried over.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from property_cnn.common.errors import InputError
from stylegan_ft.architectures.stylegan1.layers import (
    ConstLayer,
    Dense,
    InputLayer,
    StyleLayer,
    ToImage,
    pixel_norm,
    upsample,
)
from stylegan_ft.architectures.stylegan1.settings import GeneratorConfig

NEW_STD = 0.15
"""Standard deviation of the stored weights and biases of the new path's layers at the start."""


class MappingNetwork(nn.Module):
    """From z and label to w, by way of the vectors that directions may live in."""

    def __init__(self, config: GeneratorConfig, rng: torch.Generator):
        super().__init__()
        self.config = config
        inputs = config.z_dim
        if config.label_dim:
            size = (config.label_dim, config.label_embedding)
            self.label_weight = nn.Parameter(torch.randn(*size, generator=rng))
            inputs += config.label_embedding
        last = config.mapping_layers - 1
        for i in range(config.mapping_layers):
            outputs = config.w_size if i == last else config.hidden_dim
            layer = Dense(inputs, outputs, rng, lr_mul=config.lr_mul)
            self.add_module(f"dense{i}", layer)
            inputs = outputs
        if config.split:
            new = {"lr_mul": config.lr_mul, "init_std": NEW_STD}
            self.dense_new0 = Dense(config.hidden_dim, config.wide_dim, rng, **new)
            self.dense_new1 = Dense(config.wide_dim, config.w_dim, rng, **new)

    def forward(self, z: Tensor, label: Tensor | None = None) -> dict[str, Tensor]:
        """All vectors in one pass: name -> (N, dimensions), in the order of `config.vectors`."""
        return self.run(torch.cat([z, label], dim=1) if self.config.label_dim else z, "z")

    def resume(self, latents: Tensor, layer: str) -> Tensor:
        """Runs the rest of the mapping from the vector of a layer; -> w (N, w_dim)."""
        return self.run(latents, layer)["w"]

    def run(self, latents: Tensor, layer: str) -> dict[str, Tensor]:
        """The vectors from a layer on, the one that is given there included."""
        names = list(self.config.vectors)
        vectors = {layer: latents}
        for name in names[names.index(layer) + 1 :]:
            vectors[name] = latents = self._step(latents, name)
        return vectors

    def _step(self, latents: Tensor, name: str) -> Tensor:
        """From the vector before the one that is named to that one."""
        config = self.config
        last = config.mapping_layers - 1
        if name == "mapping_split1":
            return torch.cat([self._dense(last - 1)(latents), self.dense_new0(latents)], dim=1)
        if name == "mapping_split2":
            w1, w2 = latents.split([config.hidden_dim, config.wide_dim], dim=1)
            return torch.cat([self._dense(last)(w1), self.dense_new1(w2)], dim=1)
        if name == "w":
            return torch.add(*latents.chunk(2, dim=1)) if config.split else latents
        k = int(name.removeprefix("mapping."))
        return self._dense(k)(self._join(latents) if k == 0 else latents)

    def _join(self, latents: Tensor) -> Tensor:
        z, label = latents.split([self.config.z_dim, self.config.label_dim], dim=1)
        if self.config.label_dim:
            z = torch.cat([z, label @ self.label_weight], dim=1)  # (N, z_dim + label_embedding)
        return pixel_norm(z)

    def _dense(self, i: int) -> nn.Module:
        return getattr(self, f"dense{i}")


class Truncation(nn.Module):
    """Pulls the styles of the first layers towards the mean w, and holds that mean.

    Args:
        w_dim: numbers that one layer takes.
        repeat_w: whether one w serves all layers, else there is one for each in what is given.
    """

    def __init__(self, w_dim: int, layers: int, repeat_w: bool = True):
        super().__init__()
        self.w_dim, self.layers = w_dim, layers
        self.register_buffer("w_avg", torch.zeros(w_dim if repeat_w else w_dim * layers))

    def forward(self, w: Tensor, psi: float = 1.0, trunc_layers: int = 0) -> Tensor:
        """(N, w) or (N, layers, w_dim) -> (N, layers, w_dim); psi 1 or no layers: as it is."""
        if w.ndim == 2:
            w = w.unflatten(1, (-1, self.w_dim)).expand(-1, self.layers, -1)
        if psi == 1.0 or trunc_layers <= 0:
            return w
        pulled = torch.lerp(self.w_avg.view(-1, self.w_dim).expand_as(w), w, psi)
        first = torch.arange(self.layers, device=w.device) < trunc_layers
        return torch.where(first[:, None], pulled, w)


class SynthesisNetwork(nn.Module):
    """From a style for each layer to images; two layers and one image output a resolution."""

    def __init__(self, config: GeneratorConfig, rng: torch.Generator):
        super().__init__()
        self.blocks = len(config.channels)
        self.final_tanh = config.final_tanh
        self.register_buffer("lod", torch.zeros(()))
        inputs = config.channels[0]
        for k, channels in enumerate(config.channels):
            size = 4 * 2**k
            common = {"w_dim": config.w_dim, "rng": rng, "noise_type": config.noise_type}
            if k == 0:
                first = (ConstLayer if config.const_input else InputLayer)(channels, **common)
            else:
                first = StyleLayer(inputs, channels, size, **common, upsample=True)
            self.add_module(f"layer{2 * k}", first)
            second = StyleLayer(channels, channels, size, **common)
            self.add_module(f"layer{2 * k + 1}", second)
            self.add_module(f"output{k}", ToImage(channels, config.image_channels, rng))
            inputs = channels

    def forward(
        self,
        styles: Tensor,
        lod: float | None = None,
        noise_rng: torch.Generator | None = None,
        upsample_output: bool = True,
    ) -> Tensor:
        """Images (N, 3, R, R), about in [-1, 1].

        Args:
            styles: (N, layers, w_dim), or (N, w_dim) to use one w everywhere.
            lod: levels below the full resolution, as in progressive growing: 1 gives the image of
                half the size, 0.25 blends a quarter of it in. None takes the stored buffer.
            noise_rng: draws fresh noise from it; None takes the stored noise images.
            upsample_output: False leaves the image at the size of the last block that ran.
        """
        lod = float(self.lod) if lod is None else float(lod)
        if not 0.0 <= lod <= self.blocks - 1:
            raise InputError(f"lod {lod}: it must be between 0 and {self.blocks - 1}")
        if styles.ndim == 2:
            styles = styles[:, None].expand(-1, 2 * self.blocks, -1)
        last = self.blocks - 1 - math.floor(lod)
        share = lod - math.floor(lod)  # of the image of the block before the last
        x = before = None
        for k in range(last + 1):
            first, second = getattr(self, f"layer{2 * k}"), getattr(self, f"layer{2 * k + 1}")
            x = first(styles[:, 0], noise_rng) if k == 0 else first(x, styles[:, 2 * k], noise_rng)
            x = second(x, styles[:, 2 * k + 1], noise_rng)
            if share and k == last - 1:
                before = upsample(getattr(self, f"output{k}")(x))
        image = getattr(self, f"output{last}")(x)
        if before is not None:
            image = torch.lerp(image, before, share)
        if self.final_tanh:
            image = torch.tanh(image)
        if upsample_output:
            for _ in range(self.blocks - 1 - last):
                image = upsample(image)
        return image


class GeneratorNetwork(nn.Module):
    """Mapping, truncation and synthesis; its state-dict keys are genforce's.

    Args:
        config: the sizes.
        seed: of the initial weights and the stored noise images.
    """

    def __init__(self, config: GeneratorConfig | None = None, seed: int = 0):
        super().__init__()
        self.config = config = config if config is not None else GeneratorConfig()
        rng = torch.Generator().manual_seed(seed)
        self.mapping = MappingNetwork(config, rng)
        self.truncation = Truncation(config.w_dim, config.synthesis_layers, config.repeat_w)
        self.synthesis = SynthesisNetwork(config, rng)

    def forward(
        self,
        z: Tensor,
        label: Tensor | None = None,
        psi: float = 1.0,
        trunc_layers: int = 0,
        lod: float | None = None,
        noise_rng: torch.Generator | None = None,
        upsample_output: bool = True,
    ) -> Tensor:
        """Images (N, 3, R, R) of latents (N, z_dim) and labels (N, label_dim)."""
        styles = self.truncation(self.mapping(z, label)["w"], psi, trunc_layers)
        return self.synthesis(styles, lod, noise_rng, upsample_output)

    def style_weights(self) -> list[tuple[int, Tensor]]:
        """Of each style, which of the w it takes, and what it multiplies that by (2 C, w_dim)."""
        layers = range(2 * self.synthesis.blocks)
        styles = [getattr(self.synthesis, f"layer{k}").style for k in layers]
        weights = [style.weight * style.weight_scale for style in styles]
        if self.config.repeat_w:
            return list(enumerate(weights))
        # all take the one w that the mapping gives, of which each layer's part is another
        before = [k * self.config.w_dim for k in layers]
        after = reversed(before)
        pads = zip(weights, before, after, strict=True)
        return [(0, F.pad(weight, (left, right))) for weight, left, right in pads]


@torch.inference_mode()
def set_w_average(network: GeneratorNetwork, seed: int, n: int = 8192) -> None:
    """Sets truncation's mean w from n samples."""
    rng = torch.Generator().manual_seed(seed)
    config = network.config
    z = torch.randn(n, config.z_dim, generator=rng)
    label = torch.randn(n, config.label_dim, generator=rng) if config.label_dim else None
    network.truncation.w_avg.copy_(network.mapping(z, label)["w"].mean(dim=0))


def mixed_styles(
    network: GeneratorNetwork,
    w: Tensor,
    label: Tensor | None,
    share: float,
    rng: torch.Generator,
) -> Tensor:
    """Styles (N, layers, w_dim) of w (N, w_dim), in a share of the calls with another latent's w
    from some layer on (style mixing, Karras et al., 2019).
    """
    layers = network.truncation.layers
    styles = w[:, None].expand(-1, layers, -1)
    if not share or torch.rand((), generator=rng) >= share:
        return styles
    z = torch.randn(len(w), network.config.z_dim, generator=rng).to(w)
    second = network.mapping(z, label)["w"][:, None].expand_as(styles)
    first = int(torch.randint(1, layers, (), generator=rng))
    return torch.cat([styles[:, :first], second[:, first:]], dim=1)


def infer_config(state: Mapping[str, Tensor]) -> GeneratorConfig:
    """The sizes of the generator that a state dict with genforce's keys belongs to.

    Raises:
        KeyError: a key that tells a size is missing.
    """
    embedding = state.get("mapping.label_weight")
    wide = state.get("mapping.dense_new0.weight")
    blocks = sum(1 for k in range(16) if f"synthesis.output{k}.weight" in state)
    outputs = [state[f"synthesis.output{k}.weight"] for k in range(blocks)]
    label_dim, width = embedding.shape if embedding is not None else (0, 0)
    layers = sum(1 for i in range(64) if f"mapping.dense{i}.weight" in state)
    w_dim = state["synthesis.layer0.style.weight"].shape[1]
    w_size = state[f"mapping.dense{layers - 1}.weight"].shape[0] if layers else w_dim
    noise = state["synthesis.layer1.apply_noise.noise"].shape
    return GeneratorConfig(
        resolution=2 * 2**blocks,
        z_dim=state["mapping.dense0.weight"].shape[1] - width,
        w_dim=w_dim,
        label_dim=label_dim,
        label_embedding=width,
        split=wide is not None,
        channels=tuple(output.shape[1] for output in outputs),
        hidden_dim=state["mapping.dense0.weight"].shape[0],
        wide_dim=wide.shape[0] if wide is not None else 0,
        mapping_layers=layers,
        image_channels=outputs[0].shape[0],
        noise_type="spatial" if noise[1] == 1 < noise[-1] else "channel",
        const_input="synthesis.layer0.weight" not in state,
        repeat_w=w_size == w_dim or w_size != 2 * blocks * w_dim,
    )
