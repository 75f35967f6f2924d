"""A network as a list of operators: plain values that JSON holds, run by PyTorch.

Value 0 is the images; value k is what operator k gives, counted from 1. Nothing of a description
is executed but the operators of `KINDS`, and its shapes are seen before anything is allocated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from property_cnn.common.errors import CheckpointError

LARGEST_VALUE = 2**24
"""Numbers of the largest value of one image; the networks that are read have 2**18."""

MOST_OPERATORS = 1024

_UNFIT = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)
"""What settings lead to that no operator can have."""


class Convolution(nn.Module):
    """A convolution of images padded by zeros: (left, right, top, bottom)."""

    def __init__(
        self,
        channels: Sequence[int],
        kernel: Sequence[int],
        stride: Sequence[int],
        padding: Sequence[int],
        groups: int = 1,
    ):
        super().__init__()
        left, right, top, bottom = padding
        even = left == right and top == bottom
        self.uneven = None if even else tuple(padding)
        self.conv = nn.Conv2d(
            *channels, tuple(kernel), tuple(stride), (top, left) if even else 0, groups=groups
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.conv(images if self.uneven is None else F.pad(images, self.uneven))


class Slope(nn.Module):
    """What is below 0 times a learned slope, one a channel."""

    def __init__(self, channels: int):
        super().__init__()
        self.slope = nn.Parameter(torch.empty(channels))

    def forward(self, images: Tensor) -> Tensor:
        return F.prelu(images, self.slope)


class Sum(nn.Module):
    """The sum of two values of one shape."""

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        if one.shape != other.shape:
            raise ValueError(f"{tuple(one.shape)} and {tuple(other.shape)} are added")
        return one + other


class Product(nn.Module):
    """The product of a value with one of its shape, or with one number a channel."""

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        if other.shape not in (one.shape, (*one.shape[:2], 1, 1)):
            raise ValueError(f"{tuple(one.shape)} and {tuple(other.shape)} are multiplied")
        return one * other


class Mean(nn.Module):
    """The mean of each channel, (N, C, 1, 1)."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean(dim=(2, 3), keepdim=True)


class Resize(nn.Module):
    """Bilinear resizing to (height, width), pixels being areas and not points."""

    def __init__(self, size: Sequence[int]):
        super().__init__()
        self.size = tuple(size)

    def forward(self, images: Tensor) -> Tensor:
        return F.interpolate(images, self.size, mode="bilinear", align_corners=False)


class Spread(nn.Module):
    """A transposed convolution whose windows touch and do not overlap."""

    def __init__(self, channels: Sequence[int], kernel: Sequence[int]):
        super().__init__()
        self.conv = nn.ConvTranspose2d(*channels, tuple(kernel), tuple(kernel))

    def forward(self, images: Tensor) -> Tensor:
        return self.conv(images)


class Largest(nn.Module):
    """The largest value in each window; padding, as a convolution's, is never the largest."""

    def __init__(self, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int]):
        super().__init__()
        self.kernel, self.stride, self.padding = tuple(kernel), tuple(stride), tuple(padding)

    def forward(self, images: Tensor) -> Tensor:
        if any(self.padding):
            images = F.pad(images, self.padding, value=-math.inf)
        return F.max_pool2d(images, self.kernel, self.stride)


class Zeros(nn.Module):
    """Zeros around: (left, right, top, bottom, channels before, channels behind)."""

    def __init__(self, padding: Sequence[int]):
        super().__init__()
        self.padding = tuple(padding)

    def forward(self, images: Tensor) -> Tensor:
        return F.pad(images, self.padding)


class Flat(nn.Module):
    """All numbers of an image in one row, channels last, as TensorFlow orders them."""

    def forward(self, images: Tensor) -> Tensor:
        return _channels_last(images).flatten(1)


class Rows(nn.Module):
    """The numbers of an image in rows of one width, channels last: (N, R, width)."""

    def __init__(self, width: int):
        super().__init__()
        self.width = width

    def forward(self, images: Tensor) -> Tensor:
        return _channels_last(images).reshape(len(images), -1, self.width)


class Stacked(nn.Module):
    """Rows (N, R, width) of several values, those of the first on top."""

    def forward(self, *values: Tensor) -> Tensor:
        return torch.cat(values, dim=1)


def _channels_last(values: Tensor) -> Tensor:
    return values.permute(0, 2, 3, 1) if values.ndim == 4 else values


KINDS: Mapping[str, type[nn.Module]] = {
    "conv": Convolution,
    "prelu": Slope,
    "relu": nn.ReLU,
    "hard_swish": nn.Hardswish,
    "sigmoid": nn.Sigmoid,
    "add": Sum,
    "multiply": Product,
    "mean": Mean,
    "resize": Resize,
    "spread": Spread,
    "max_pool": Largest,
    "pad": Zeros,
    "flatten": Flat,
    "rows": Rows,
    "stack": Stacked,
}


@dataclass(frozen=True)
class Operator:
    """One step of a network.

    Attributes:
        kind: one of `KINDS`.
        inputs: numbers of the values that it takes.
        settings: arguments of the kind's module.
    """

    kind: str
    inputs: tuple[int, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """A network of square RGB images.

    Attributes:
        side: of the images, in pixels.
        operators: in an order in which each comes behind those whose values it takes.
        outputs: numbers of the values that it gives.
    """

    side: int
    operators: tuple[Operator, ...]
    outputs: tuple[int, ...]

    def plain(self) -> dict[str, Any]:
        """The same as values that JSON holds."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Graph:
        """Back from `plain`; KeyError, TypeError or ValueError where it is another thing."""
        operators = tuple(
            Operator(str(made["kind"]), tuple(made["inputs"]), _tuples(made["settings"]))
            for made in plain["operators"]
        )
        return cls(int(plain["side"]), operators, tuple(plain["outputs"]))


def _tuples(settings: Mapping[str, Any]) -> dict[str, Any]:
    """JSON knows no tuples but lists."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()
    }


class GraphNetwork(nn.Module):
    """Runs a graph on batches; differentiable.

    Attributes:
        graph: its description.
    """

    def __init__(self, graph: Graph):
        super().__init__()
        if not 0 < len(graph.operators) <= MOST_OPERATORS:
            raise ValueError(f"{len(graph.operators)} operators; {MOST_OPERATORS} at most")
        self.graph = graph
        self.operators = nn.ModuleList(
            KINDS[made.kind](**made.settings) for made in graph.operators
        )
        uses = [(k, n) for n, made in enumerate(graph.operators, 1) for k in made.inputs]
        self.last_use = {k: n for k, n in uses if k not in graph.outputs}

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Images (N, 3, side, side) -> (N, F) of each output."""
        values = {0: images}
        for number in range(1, len(self.operators) + 1):
            self.run(number, values)
        return tuple(Flat()(values[number]) for number in self.graph.outputs)

    def run(self, number: int, values: dict[int, Tensor]) -> Tensor:
        """Adds an operator's value, and drops those that no later one takes."""
        inputs = self.graph.operators[number - 1].inputs
        values[number] = self.operators[number - 1](*(values[k] for k in inputs))
        for k in set(inputs):
            if self.last_use.get(k) == number:
                del values[k]
        return values[number]


def value_shapes(graph: Graph) -> list[tuple[int, ...]]:
    """The shape of each value for one image, (1, C, H, W), (1, R, W) or (1, F), with
    nothing computed.

    Raises:
        CheckpointError: the operators do not fit each other, or a value is too large.
    """
    with torch.device("meta"), torch.no_grad():
        network = GraphNetwork(graph)
        values = {0: torch.empty(1, 3, graph.side, graph.side)}
        found = [tuple(values[0].shape)]
        for number in range(1, len(graph.operators) + 1):
            try:
                found.append(tuple(network.run(number, values).shape))
            except _UNFIT as error:
                raise CheckpointError(f"operator {number} fits no value before it") from error
            if math.prod(found[-1]) > LARGEST_VALUE:
                raise CheckpointError(f"operator {number} gives {found[-1]}; that is too large")
    if not all(number in values for number in graph.outputs):
        raise CheckpointError("an output is no operator's value")
    return found


def build(graph: Graph, weights: Mapping[str, Tensor], what: str) -> GraphNetwork:
    """The network with these weights, float32, on the CPU.

    Args:
        graph: its description.
        weights: by their names in the network's state dict.
        what: what errors call it.

    Raises:
        CheckpointError: operators and weights do not fit together.
    """
    try:
        value_shapes(graph)
        with torch.device("meta"):  # so that sizes which do not fit the weights allocate nothing
            network = GraphNetwork(graph)
        wanted = {name: value.shape for name, value in network.state_dict().items()}
        if wanted != {name: value.shape for name, value in weights.items()}:
            raise ValueError("its weights have other names or shapes")
        if not all(value.isfinite().all() for value in weights.values()):
            raise ValueError("a weight is not finite")
        whole = {name: value.float().contiguous() for name, value in weights.items()}
        network.load_state_dict(whole, assign=True)
    except _UNFIT as error:
        said = " ".join(str(error).split())
        raise CheckpointError(
            f"{what} is damaged or of another version ({said[:80]}); make it again"
        ) from error
    return network.to(memory_format=torch.channels_last)
