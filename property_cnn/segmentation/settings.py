"""Settings of distillation, its terms, the student and the teacher; they load without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from property_cnn.common.checks import (
    DTYPES,
    check_count,
    check_positive,
    check_seed,
    check_share,
    choose,
)
from property_cnn.common.errors import InputError

SIDE = 224
"""Side of the images that networks are trained on, and of stored masks, in pixels."""

SMALLEST = 32
"""Least side of a student's input; its deepest maps are 1/32 of it."""

LOSSES = ("soft-bce", "mse", "kl-single", "kl-bernoulli")
"""Names of the mask losses, see `losses`."""

TERMS = ("kl", "at", "sp")
"""Names of the distillation terms, see `terms`."""

STARTS = ("random", "lite0")
"""First weights that have a name."""

STUDENT_LAYERS = ("blocks.2", "blocks.4", "blocks.10", "blocks.15")
"""Layers of EffiSegNet on B0 at 1/4, 1/8, 1/16 and 1/32 of the size."""

SEGFORMER_LAYERS = tuple(f"segformer.stages.{stage}" for stage in range(4))
"""Layers of a SegFormer, from fine to coarse."""


@dataclass(frozen=True)
class StudentSettings:
    """Size of an EffiSegNet.

    Attributes:
        width, depth: of the encoder, as factors of EfficientNet-B0's channels and layers.
        channels: of the decoder, an even number.
        classes: outputs a pixel; 1 for the probability of hair, else exclusive classes.
    """

    width: float = 1.0
    depth: float = 1.0
    channels: int = 64
    classes: int = 1

    def __post_init__(self):
        check_positive("width", self.width)
        check_positive("depth", self.depth)
        check_count("classes", self.classes)
        check_count("channels", self.channels, 2)
        if self.channels % 2:
            raise InputError(f"channels is {self.channels}; give an even number")


@dataclass(frozen=True)
class TermSettings:
    """One distillation term.

    Attributes:
        kind: "kl", "at" or "sp".
        weight: its weight w beside the mask loss.
        temperature: of "kl"; logits are divided by it.
        student_layers, teacher_layers: names of submodules, compared in pairs, for "at" and "sp".
    """

    kind: str
    weight: float = 1.0
    temperature: float = 4.0
    student_layers: tuple[str, ...] = STUDENT_LAYERS
    teacher_layers: tuple[str, ...] = SEGFORMER_LAYERS

    def __post_init__(self):
        choose("term", self.kind, TERMS)
        check_positive("weight", self.weight)
        check_positive("temperature", self.temperature)
        if not self.student_layers or len(self.student_layers) != len(self.teacher_layers):
            raise InputError(
                f"{len(self.student_layers)} student layers for {len(self.teacher_layers)} "
                "teacher layers; name them in pairs"
            )


@dataclass(frozen=True)
class DistillSettings:
    """How a student is trained.

    Attributes:
        loss: name of the mask loss, one of `LOSSES`.
        terms: distillation terms beside it.
        epochs: the most passes over the training images.
        patience: epochs without a better validation loss after which it stops.
        batch_size: images a step.
        lr: learning rate of AdamW in the first epoch.
        decay: factor of the learning rate after each epoch.
        weight_decay: of AdamW.
        side: images and masks are resized to this side.
        augment: mirror and degrade training images, see `degrade`.
        start: first weights: "random", "lite0" (an encoder with ImageNet's, see `lite0`), or the
            path of a student of the same size.
        dtype: precision of the networks' maps in training, "float32" or "bfloat16"; the weights
            are float32 always.
        seed: of split, first weights, order and augmenting.
        student: size of the network.
    """

    loss: str = LOSSES[0]
    terms: tuple[TermSettings, ...] = ()
    epochs: int = 100
    patience: int = 20
    batch_size: int = 4
    lr: float = 1e-4
    decay: float = 0.975
    weight_decay: float = 1e-2
    side: int = SIDE
    augment: bool = True
    start: str = STARTS[0]
    dtype: str = DTYPES[0]
    seed: int = 0
    student: StudentSettings = field(default_factory=StudentSettings)

    def __post_init__(self):
        choose("loss", self.loss, LOSSES)
        choose("dtype", self.dtype, DTYPES)
        check_count("epochs", self.epochs)
        check_count("patience", self.patience)
        check_count("batch_size", self.batch_size, 2)
        check_count("side", self.side, SMALLEST)
        check_seed(self.seed)
        check_positive("lr", self.lr)
        check_share("decay", self.decay, 1)
        if self.start not in STARTS and not Path(self.start).is_file():
            listed = ", ".join(STARTS)
            raise InputError(f"start {self.start!r} is no file; give one, or one of {listed}")


@dataclass(frozen=True)
class SegformerSettings:
    """Size of a SegFormer; the defaults are B0's but for a narrower decoder
    and a stride of 2 instead of 4, which tells the classes on a finer grid.

    Attributes:
        hidden_sizes, depths, heads: channels, layers and attention heads of the four stages.
        decoder: channels of the decoder.
        stride: pixels between the first stage's patches; the classes are told at 1/stride of the
            size.
        side: images are resized to this side; a multiple of 8 strides.
    """

    hidden_sizes: tuple[int, ...] = (32, 64, 160, 256)
    depths: tuple[int, ...] = (2, 2, 2, 2)
    heads: tuple[int, ...] = (1, 2, 5, 8)
    decoder: int = 128
    stride: int = 2
    side: int = SIDE

    def __post_init__(self):
        for name in ("hidden_sizes", "depths", "heads"):
            values = tuple(getattr(self, name))
            object.__setattr__(self, name, values)  # JSON gives lists
            if len(values) != 4 or min(values) < 1:
                raise InputError(f"{name} {values}; need four numbers of at least 1")
        check_count("decoder", self.decoder)
        check_count("side", self.side)
        if not 1 <= self.stride <= 4:
            raise InputError(f"stride is {self.stride}; give 1 to 4")
        if self.side % (8 * self.stride):
            raise InputError(f"side {self.side}; need a multiple of {8 * self.stride}")


@dataclass(frozen=True)
class TeacherSettings:
    """How a teacher is trained.

    Attributes:
        faces: rendered faces to train on, each used once.
        test_faces: faces of another population that it is measured on.
        batch_size: faces a step.
        lr: highest learning rate of AdamW; it rises over the first 5 % of the steps and falls
            along a half cosine to 0.
        weight_decay: of AdamW.
        dtype: precision of the network's maps, "float32" or "bfloat16"; the weights are float32.
        seed: of the faces, the first weights and the degrading.
        save_every: steps between two checkpoints.
        network: size of the network.
    """

    faces: int = 8_000
    test_faces: int = 256
    batch_size: int = 8
    lr: float = 6e-4
    weight_decay: float = 1e-2
    dtype: str = DTYPES[0]
    seed: int = 0
    save_every: int = 100
    network: SegformerSettings = field(default_factory=SegformerSettings)

    def __post_init__(self):
        for name in ("faces", "test_faces", "batch_size", "save_every"):
            check_count(name, getattr(self, name))
        choose("dtype", self.dtype, DTYPES)
        check_seed(self.seed)
        check_positive("lr", self.lr)
        if self.faces < self.batch_size:
            raise InputError(f"{self.faces} faces are less than one batch of {self.batch_size}")
