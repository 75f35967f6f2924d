"""Image heads of MobileStyleGAN at lower resolutions, fitted on the generator's own features.

A head reads feature maps x of one resolution: each channel is scaled by an affine function of w,
s = a + A w, and the wavelets of an image of twice the side are a linear map of that. The image to
be had is the generator's own, box-downsampled. For given scales the best map is a least-squares
solution, and for all of it an image's second moments of features and wavelets are enough: no
pixel is needed again once these are taken.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from property_cnn.common.checks import Number, Seed, Settings, Whole
from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import save_tensors
from property_cnn.common.progress import Progress
from property_cnn.common.training_state import fingerprint, load_state, save_state
from stylegan_ft.architectures.mobile.layers import BANDS
from stylegan_ft.architectures.mobile.network import MobileStyleGAN
from stylegan_ft.formats.load import read_checkpoint
from stylegan_ft.formats.mobile.files import ARCHITECTURE, heads_mark
from stylegan_ft.generator import StyleGANGenerator, generator_of

_KIND = "moments of heads 1"

COUNT = 3 * BANDS
"""Wavelets of an image of three colours."""


@dataclass(frozen=True)
class HeadSettings(Settings):
    """How heads are fitted.

    Attributes:
        sizes: sides of the images of the heads.
        images: of the generator, that they are fitted on and tried on.
        held_out: share of them that they are tried on alone.
        seed: of the latents.
        least_psi: truncation of the images is drawn evenly between this and 1.
        components: principal components of w that the channels' scales depend on.
        steps: of the fit of the scales.
        rate: its learning rate.
        every: images after which what was taken is kept.
    """

    sizes: tuple[Annotated[int, Whole(8, 4096)], ...] = (128, 256)
    images: Annotated[int, Whole(10, 100_000)] = 700
    held_out: Annotated[float, Number(0, 0.9, above=True)] = 0.2
    seed: Seed = 0
    least_psi: Annotated[float, Number(0, 1)] = 0.5
    components: Annotated[int, Whole(1, 1024)] = 128
    steps: Annotated[int, Whole(1, 100_000)] = 600
    rate: Annotated[float, Number(0, 1, above=True)] = 0.02
    every: Annotated[int, Whole(1)] = 50


@dataclass(frozen=True)
class Moments:
    """Second moments of some images, one row an image.

    Attributes:
        w: (N, w_dim).
        features: (N, C + 1, C + 1) means of products of the features and a constant 1.
        crossed: (N, 12, C + 1) means of products of the wavelets with these.
        squares: (N, 12) mean squares of the wavelets.
    """

    w: Tensor
    features: Tensor
    crossed: Tensor
    squares: Tensor

    def at(self, rows: Tensor | slice) -> Moments:
        """Those of some images."""
        return Moments(*(getattr(self, name)[rows] for name in ("w", *_MOMENTS)))


_MOMENTS = ("features", "crossed", "squares")


@dataclass(frozen=True)
class Fit:
    """A head, and the share of the images' variance that it makes, on images held out.

    Attributes:
        state: its weights by name, as `Head` has them.
        r2: of all wavelets.
        low_r2: of the low band alone, which is the image of half the side.
    """

    state: Mapping[str, Tensor]
    r2: float
    low_r2: float


def train_heads(
    path: str | os.PathLike,
    out: str | os.PathLike,
    settings: HeadSettings | None = None,
    quiet: bool = False,
) -> dict[int, Fit]:
    """Fits heads of a MobileStyleGAN and writes them; goes on from the moments that were kept.

    Args:
        path: of the generator, see `stylegan_ft.formats.load.read_checkpoint`.
        out: the new `.safetensors`; moments are kept beside it until the heads are done.
        settings: those of the fit.
        quiet: show no progress.

    Returns:
        Side of the images -> the head.

    Raises:
        CheckpointError: it is no MobileStyleGAN, or is damaged.
        InputError: a size is not one that features lead to.
    """
    settings = settings or HeadSettings()
    checkpoint = read_checkpoint(path)
    if checkpoint.architecture != ARCHITECTURE:
        raise CheckpointError(f"{path} is a {checkpoint.architecture}; a MobileStyleGAN is needed")
    mark = heads_mark(checkpoint.state)
    generator = generator_of(checkpoint, str(path))
    kept = Path(out).with_suffix(".moments.safetensors")
    moments = gather_moments(generator, settings, quiet, kept)
    fits = {size: fit_head(moments[size], settings) for size in settings.sizes}
    tensors = {
        f"synthesis.heads.{size}.{name}": tensor.half()
        for size, fit in fits.items()
        for name, tensor in fit.state.items()
    }
    save_tensors(out, tensors, {"heads_of": mark})
    kept.unlink(missing_ok=True)
    return fits


def gather_moments(
    generator: StyleGANGenerator,
    settings: HeadSettings,
    quiet: bool = True,
    kept: Path | None = None,
) -> dict[int, Moments]:
    """Side of the images -> moments of features and wavelets, of the same latents for all.

    Args:
        kept: file that they are kept in, to go on from.
    """
    network: MobileStyleGAN = generator.network
    largest = network.config.size
    wrong = [size for size in settings.sizes if size not in _sides(network)]
    if wrong:
        raise InputError(f"size {wrong[0]}: heads can be had of {sorted(_sides(network))}")
    marks = fingerprint(settings=asdict(settings) | {"steps": 0}, digest=generator.digest)
    parts, start = _restored(kept, marks)
    progress = Progress("images of heads", settings.images, "images", quiet)
    progress.skip(start)
    for index in range(start, settings.images):
        w, features, image = _sampled(network, settings, index)
        rows = {"w": w}
        for size in settings.sizes:
            wavelets = haar(F.avg_pool2d(image, largest // size))
            for name, value in _moments(features[size // 2], wavelets).items():
                rows[f"{size}.{name}"] = value
        for name, value in rows.items():
            parts.setdefault(name, []).append(value)
        progress.advance()
        if kept is not None and (index + 1) % settings.every == 0:
            stacked = {name: torch.stack(values) for name, values in parts.items()}
            save_state(kept, _KIND, marks, stacked)
    whole = {name: torch.stack(values) for name, values in parts.items()}
    return {
        size: Moments(whole["w"], *(whole[f"{size}.{name}"] for name in _MOMENTS))
        for size in settings.sizes
    }


def fit_head(moments: Moments, settings: HeadSettings) -> Fit:
    """The head that makes most of the images that are not held out, judged on those that are."""
    count = len(moments.w)
    learn = moments.at(slice(0, count - round(count * settings.held_out)))
    tried = moments.at(slice(len(learn.w), count))
    mean = learn.w.mean(dim=0)
    kept = min(settings.components, len(learn.w) - 1, learn.w.shape[1])
    _, values, vectors = torch.linalg.svd(learn.w - mean, full_matrices=False)
    basis = vectors[:kept].T / (values[:kept] / len(learn.w) ** 0.5).clamp(min=1e-6)
    width = learn.features.shape[1]
    scales = torch.zeros(kept, width - 1)  # of the channels; the constant has none
    weight = solved(learn, _styles(learn, mean, basis, scales))
    scales, weight = _descended(learn, (mean, basis, scales, weight), settings)
    weight = solved(learn, _styles(learn, mean, basis, scales))
    r2 = explained(tried, weight, _styles(tried, mean, basis, scales))
    affine = (basis @ scales).T  # (C, w_dim)
    state = {
        "affine.weight": affine,
        "affine.bias": 1 - affine @ mean,
        "weight": weight[:, :-1],
        "bias": weight[:, -1],
    }
    return Fit({name: tensor.contiguous() for name, tensor in state.items()}, *r2)


def solved(moments: Moments, styles: Tensor, ridge: float = 1e-5) -> Tensor:
    """The map (12, C + 1) of least squares, for channels scaled by styles (N, C + 1)."""
    left, right = 0.0, 0.0
    for features, crossed, style in zip(moments.features, moments.crossed, styles, strict=True):
        left = left + (features * style * style[:, None]).double()
        right = right + (crossed * style).double()
    left += ridge * left.diagonal().mean() * torch.eye(len(left), dtype=left.dtype)
    return torch.linalg.solve(left, right.T).T.float()


def explained(moments: Moments, weight: Tensor, styles: Tensor) -> tuple[float, float]:
    """Share of the wavelets' variance that the map makes, of all and of the low band."""
    error = _errors(moments, weight, styles).mean(dim=0)
    means = moments.crossed[:, :, -1].mean(dim=0)
    variance = moments.squares.mean(dim=0) - means.square()
    return tuple(float(1 - error[part].sum() / variance[part].sum()) for part in (_ALL, _LOW))


def haar(images: Tensor) -> Tensor:
    """Wavelets (N, 12, H, W) of images (N, 3, 2 H, 2 W): what `inverse_haar` makes them of."""
    corners = [images[..., row::2, column::2] for row in (0, 1) for column in (0, 1)]
    first, second, third, fourth = corners
    low = first + second + third + fourth
    high = (
        first + second - third - fourth,
        first - second + third - fourth,
        first - second - third + fourth,
    )
    return torch.cat([low, torch.stack(high, dim=2).flatten(1, 2)], dim=1) / 2


_ALL, _LOW = slice(None), slice(0, 3)


def _sides(network: MobileStyleGAN) -> set[int]:
    return {8 * 2**k for k in range(len(network.synthesis.blocks) + 1)} - {network.config.head}


@torch.inference_mode()
def _sampled(
    network: MobileStyleGAN, settings: HeadSettings, index: int
) -> tuple[Tensor, dict[int, Tensor], Tensor]:
    """w (w_dim,), features by their side, and the image of one sample."""
    rng = torch.Generator().manual_seed(settings.seed * 2**20 + index)
    z = torch.randn(1, network.config.z_dim, generator=rng)
    psi = settings.least_psi + (1 - settings.least_psi) * torch.rand(1, generator=rng)
    w = torch.lerp(network.mapping.w_avg[None], network.mapping(z)["w"], psi)
    styles = network.styles(w[:, None].expand(-1, network.num_ws, -1))
    features = {maps.shape[-1]: maps for maps in network.maps(styles)}
    return w[0], features, network.images(styles)


def _moments(features: Tensor, wavelets: Tensor) -> dict[str, Tensor]:
    maps = features[0].flatten(1)
    maps = torch.cat([maps, torch.ones_like(maps[:1])])
    wanted = wavelets[0].flatten(1)
    count = maps.shape[1]
    return {
        "features": maps @ maps.T / count,
        "crossed": wanted @ maps.T / count,
        "squares": wanted.square().mean(dim=1),
    }


def _restored(kept: Path | None, marks: str) -> tuple[dict[str, list[Tensor]], int]:
    """Moments that were kept, by name, and how many images they are of."""
    kept_rows = load_state(kept, _KIND, marks, {}) or {}
    parts = {name: list(tensor) for name, tensor in kept_rows.items()}
    return parts, len(parts.get("w", ()))


def _styles(moments: Moments, mean: Tensor, basis: Tensor, scales: Tensor) -> Tensor:
    """Scales of the channels and of the constant, (N, C + 1)."""
    channels = 1 + (moments.w - mean) @ basis @ scales
    return torch.cat([channels, torch.ones_like(channels[:, :1])], dim=1)


def _errors(moments: Moments, weight: Tensor, styles: Tensor) -> Tensor:
    """Mean square errors (N, 12) of the wavelets."""
    scaled = weight * styles[:, None]  # (N, 12, C + 1)
    made = ((scaled @ moments.features) * scaled).sum(dim=-1)
    return moments.squares - 2 * (scaled * moments.crossed).sum(dim=-1) + made


def _descended(
    learn: Moments, start: Sequence[Tensor], settings: HeadSettings
) -> tuple[Tensor, Tensor]:
    """Scales and map after Adam's steps on batches of images, at a falling rate."""
    mean, basis, scales, weight = start
    scales, weight = scales.clone().requires_grad_(), weight.clone().requires_grad_()
    rates = [settings.rate, 0.03 * float(weight.detach().abs().mean())]
    groups = [{"params": [one], "lr": lr} for one, lr in zip((scales, weight), rates, strict=True)]
    optimizer = torch.optim.Adam(groups)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.05 ** (1 / settings.steps))
    rng = torch.Generator().manual_seed(settings.seed)
    total = learn.squares.mean(dim=0).sum()
    for _ in range(settings.steps):
        rows = torch.randint(len(learn.w), (32,), generator=rng)
        batch = learn.at(rows)
        errors = _errors(batch, weight, _styles(batch, mean, basis, scales))
        loss = errors.mean(dim=0).sum() / total + 1e-4 * scales.square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return scales.detach(), weight.detach()
