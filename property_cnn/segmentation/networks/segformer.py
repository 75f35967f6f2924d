"""SegFormer of any size and classes: made here, or out of a folder or from the hub.

Xie et al., "SegFormer: simple and efficient design for semantic segmentation with transformers"
(NeurIPS 2021), in the implementation of `transformers`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.prompt import extra_module
from property_cnn.faces.classes import Part
from property_cnn.segmentation.settings import SegformerSettings

HUB = "hub:"
"""Beginning of a name on the Hugging Face hub, e.g. hub:jonathandinu/face-parsing."""

CLASSES = tuple(part.name.lower() for part in Part)
"""Classes of a teacher that is trained on rendered faces."""

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, of RGB in [0, 1]
_SIDE = 512
_PREPROCESSING = "preprocessor_config.json"


class Preprocessing(NamedTuple):
    """What images are made to before a network sees them.

    Attributes:
        side: of a square, in pixels.
        mean, std: of each colour, in [0, 1], that they are normalised by.
    """

    side: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


@cache
def segformer_class() -> type[nn.Module]:
    """`SegformerForSemanticSegmentation` with `logits`: the same function, in a third of the time.

    Its decoder projects each stage's maps to D channels, enlarges them, and mixes all 4 D of them
    by a 1×1 convolution. Both are linear, and so is enlarging: here the two matrices of a stage
    are multiplied first, maps are mixed at their own size, and sums are enlarged by products with
    two small matrices. The result is the same but for rounding, with gradients to every weight.
    """
    transformers = extra_module("transformers", "hair")  # takes seconds to import

    class SegFormer(transformers.SegformerForSemanticSegmentation):
        def logits(self, images: Tensor) -> Tensor:
            """(N, 3, H, W) images as it was trained on -> (N, C, H / stride, W / stride).

            Raises:
                InputError: the images are smaller than 8 strides.
            """
            least = least_side(self)
            if min(images.shape[-2:]) < least:
                height, width = images.shape[-2:]
                raise InputError(
                    f"images of {width} × {height}; this SegFormer needs at least {least} × {least}"
                )
            maps = self.segformer(images, output_hidden_states=True).hidden_states
            return _decoded(self.decode_head, maps)

    return SegFormer


def least_side(network: nn.Module) -> int:
    """Pixels that both sides of a SegFormer's images need at least."""
    return 8 * network.config.strides[0]


def _decoded(head: nn.Module, maps: Sequence[Tensor]) -> Tensor:
    """What the head makes of the stages' maps (N, C_i, h_i, w_i), fine to coarse."""
    mixing = head.linear_fuse.weight.flatten(1).chunk(len(maps), dim=1)[::-1]
    height, width = maps[0].shape[-2:]
    total: Tensor | None = None
    for own, project, mix in zip(maps, head.linear_projections, mixing, strict=True):
        matrix, bias = mix @ project.proj.weight, mix @ project.proj.bias
        mixed = _enlarged(F.linear(own.permute(0, 2, 3, 1), matrix, bias), height, width)
        total = mixed if total is None else total + mixed
    norm = head.batch_norm
    if norm.training:
        norm.num_batches_tracked.add_(1)
    normed = F.batch_norm(
        total.flatten(0, 2), norm.running_mean, norm.running_var, norm.weight, norm.bias,
        norm.training, norm.momentum, norm.eps,
    )  # fmt: skip
    inner = head.dropout(head.activation(normed))
    classes = F.linear(inner, head.classifier.weight.flatten(1), head.classifier.bias)
    return classes.unflatten(0, (-1, height, width)).permute(0, 3, 1, 2)


def _enlarged(maps: Tensor, height: int, width: int) -> Tensor:
    """Maps (N, h, w, D), enlarged bilinearly to (N, height, width, D)."""
    count, low, narrow, channels = maps.shape
    if low != height:
        rows = _interpolation(low, height).to(maps)
        maps = (rows @ maps.reshape(count, low, -1)).view(count, height, narrow, channels)
    if narrow != width:
        columns = _interpolation(narrow, width).to(maps)
        maps = (columns @ maps.reshape(-1, narrow, channels)).view(count, height, width, channels)
    return maps


@lru_cache(maxsize=256)
def _interpolation(small: int, large: int) -> Tensor:
    """(large, small): values at `small` points -> those at `large` points between them."""
    with torch.inference_mode(False):
        points = torch.eye(small)[None]
        return F.interpolate(points, large, mode="linear", align_corners=False)[0].T.contiguous()


def new_segformer(settings: SegformerSettings, classes: int = len(CLASSES), seed: int = 0):
    """A SegFormer with random weights that the seed fixes."""
    transformers = extra_module("transformers", "hair")
    config = transformers.SegformerConfig(
        hidden_sizes=list(settings.hidden_sizes),
        depths=list(settings.depths),
        num_attention_heads=list(settings.heads),
        decoder_hidden_size=settings.decoder,
        strides=[settings.stride, 2, 2, 2],
        num_labels=classes,
        drop_path_rate=0.0,
        classifier_dropout_prob=0.0,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return segformer_class()(config)


def load_parser(
    name: str | os.PathLike, from_hub: bool = False
) -> tuple[nn.Module, tuple[str, ...]]:
    """A Hugging Face SegFormer of any classes, and their names.

    Args:
        name: a local folder with `config.json` and `model.safetensors`; with `from_hub` the name
            on the hub, which is then asked over the network.
        from_hub: whether the network may be used.

    Raises:
        CheckpointError: the folder is missing, damaged, or holds no SegFormer.
    """
    if not from_hub and not (Path(name) / "config.json").is_file():
        raise CheckpointError(f"no config.json in {name}; give the folder of a SegFormer")
    options = {"local_files_only": not from_hub, "use_safetensors": True}
    try:
        with _silent():
            network, report = segformer_class().from_pretrained(
                str(name), output_loading_info=True, **options
            )
        config = network.config
        if config.model_type != "segformer" or report["missing_keys"]:
            raise ValueError(f"{len(report['missing_keys'])} weights are missing")
        classes = tuple(config.id2label[number] for number in range(config.num_labels))
    except Exception as error:  # the library answers damaged files with many kinds of errors
        raise CheckpointError(
            f"{name} holds no SegFormer that can be read ({_first_line(error)}); give a folder "
            "with config.json and model.safetensors"
        ) from error
    return network, classes


class Normalised(nn.Module):
    """A network that takes images in [-1, 1] where the one inside was trained on others.

    Args:
        network: with `logits`.
        mean, std: of each colour, in [0, 1], that its images are normalised by.
    """

    def __init__(self, network: nn.Module, mean: Sequence[float], std: Sequence[float]):
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def logits(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) images in [-1, 1] -> (N, C, h, w)."""
        return self.network.logits((images.add(1).div(2) - self.mean) / self.std)


def load_normalised(
    name: str | os.PathLike, from_hub: bool = False
) -> tuple[Normalised, tuple[str, ...]]:
    """As `load_parser`, for images in [-1, 1]."""
    network, classes = load_parser(name, from_hub)
    _, mean, std = preprocessing(name)
    return Normalised(network, mean, std), classes


def preprocessing(name: str | os.PathLike) -> Preprocessing:
    """What a Hugging Face folder says of it; the usual one of SegFormers where it says nothing.

    Raises:
        CheckpointError: what it says is damaged.
    """
    path = Path(name) / _PREPROCESSING
    if not path.is_file():
        return Preprocessing(_SIDE, _MEAN, _STD)
    try:
        options = json.loads(path.read_text("utf-8"))
        size = options.get("size", _SIDE)
        side = size if isinstance(size, int) else size.get("height", size.get("shortest_edge"))
        mean, std = options.get("image_mean", _MEAN), options.get("image_std", _STD)
        if side < 32 or len(mean) != 3 or len(std) != 3:
            raise ValueError("sizes")
        return Preprocessing(int(side), tuple(map(float, mean)), tuple(map(float, std)))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path} does not tell size, image_mean and image_std; correct or remove it"
        ) from error


@contextmanager
def _silent() -> Iterator[None]:
    """Without the loading library's warnings and progress bars."""
    logging = extra_module("transformers.utils", "hair").logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:80]
