"""Settings of distillation, its terms, the student and the teacher; they load without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from property_cnn.common.checks import (
    DTYPES,
    Batch,
    Count,
    Decay,
    Factor,
    OneOf,
    PartShare,
    Positive,
    Samples,
    Seed,
    Settings,
    TrainingDtype,
    Whole,
)
from property_cnn.common.errors import InputError

SIDE = 224
"""Side of the images that networks are trained on, and of stored masks, in pixels."""

SMALLEST = 32
"""Least side of a student's input; its deepest maps are 1/32 of it."""

IGNORED = 255
"""Label of pixels that do not count."""

Side = Annotated[int, Whole(SMALLEST, 4096)]
Size = Annotated[int, Whole(1, 65_536)]

LOSSES = ("soft-bce", "mse", "kl-single", "kl-bernoulli")
"""Names of the mask losses, see `losses`."""

TERMS = ("kl", "at", "sp")
"""Names of the distillation terms, see `terms`."""

TRUSTS = ("all", "class", "pixel")
"""Where a teacher is followed, see `trust`."""

FOLD_BY = ("frame", "sequence")
"""What folds are made of: single images, or whole sequences of them."""

STARTS = ("random", "lite0")
"""First weights that have a name."""

STUDENT_LAYERS = ("blocks.2", "blocks.4", "blocks.10", "blocks.15")
"""Layers of EffiSegNet on B0 at 1/4, 1/8, 1/16 and 1/32 of the size."""

SEGFORMER_LAYERS = tuple(f"segformer.stages.{stage}" for stage in range(4))
"""Layers of a SegFormer, from fine to coarse."""


@dataclass(frozen=True)
class StudentSettings(Settings):
    """Size of an EffiSegNet.

    Attributes:
        width, depth: of the encoder, as factors of EfficientNet-B0's channels and layers.
        channels: of the decoder, an even number.
        classes: outputs a pixel; 1 for the probability of hair, else exclusive classes.
    """

    width: Positive = 1.0
    depth: Positive = 1.0
    channels: Annotated[int, Whole(2, 65_536)] = 64
    classes: Size = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.channels % 2:
            raise InputError(f"channels is {self.channels}; give an even number")


@dataclass(frozen=True)
class TermSettings(Settings):
    """One distillation term.

    Attributes:
        kind: "kl", "at" or "sp".
        weight: its weight w beside the mask loss.
        temperature: of "kl"; logits are divided by it.
        student_layers, teacher_layers: names of submodules, compared in pairs, for "at" and "sp".
        trust: "all" follows the teacher everywhere; "class" and "pixel" less where it is worse
            than the student or wrong, see `trust`; of "kl".
    """

    kind: Annotated[str, OneOf("term", TERMS)]
    weight: Positive = 1.0
    temperature: Positive = 4.0
    student_layers: tuple[str, ...] = STUDENT_LAYERS
    teacher_layers: tuple[str, ...] = SEGFORMER_LAYERS
    trust: Annotated[str, OneOf("trust", TRUSTS)] = TRUSTS[0]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.trust != TRUSTS[0] and self.kind != "kl":
            raise InputError(f"trust is for the term kl, not {self.kind}; leave it out")
        if not self.student_layers or len(self.student_layers) != len(self.teacher_layers):
            raise InputError(
                f"{len(self.student_layers)} student layers for {len(self.teacher_layers)} "
                "teacher layers; name them in pairs"
            )


@dataclass(frozen=True)
class DistillSettings(Settings):
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

    loss: Annotated[str, OneOf("loss", LOSSES)] = LOSSES[0]
    terms: tuple[TermSettings, ...] = ()
    epochs: Count = 100
    patience: Count = 20
    batch_size: Annotated[int, Whole(2, 65_536)] = 4
    lr: Positive = 1e-4
    decay: Decay = 0.975
    weight_decay: Factor = 1e-2
    side: Side = SIDE
    augment: bool = True
    start: str = STARTS[0]
    dtype: TrainingDtype = DTYPES[0]
    seed: Seed = 0
    student: StudentSettings = field(default_factory=StudentSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.start not in STARTS and not Path(self.start).is_file():
            listed = ", ".join(STARTS)
            raise InputError(f"start {self.start!r} is no file; give one, or one of {listed}")


@dataclass(frozen=True)
class SegformerSettings(Settings):
    """Size of a SegFormer; the defaults are B0's but for a narrower decoder
    and a stride of 2 instead of 4, which tells the classes on a finer grid.

    Attributes:
        hidden_sizes, depths, heads: channels, layers and attention heads of the four stages.
        decoder: channels of the decoder.
        stride: pixels between the first stage's patches; the classes are told at 1/stride of the
            size.
        side: images are resized to this side; a multiple of 8 strides.
    """

    hidden_sizes: tuple[Size, ...] = (32, 64, 160, 256)
    depths: tuple[Size, ...] = (2, 2, 2, 2)
    heads: tuple[Size, ...] = (1, 2, 5, 8)
    decoder: Size = 128
    stride: Annotated[int, Whole(1, 4)] = 2
    side: Annotated[int, Whole(8, 4096)] = SIDE

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("hidden_sizes", "depths", "heads"):
            values = getattr(self, name)
            if len(values) != 4:
                raise InputError(f"{name} {values}; need four numbers of at least 1")
        if self.side % (8 * self.stride):
            raise InputError(f"side {self.side}; need a multiple of {8 * self.stride}")


SEGFORMERS = {
    f"b{number}": SegformerSettings(sizes, depths, decoder=decoder, stride=4)
    for number, (sizes, depths, decoder) in enumerate(
        [
            ((32, 64, 160, 256), (2, 2, 2, 2), 256),
            ((64, 128, 320, 512), (2, 2, 2, 2), 256),
            ((64, 128, 320, 512), (3, 4, 6, 3), 768),
            ((64, 128, 320, 512), (3, 4, 18, 3), 768),
            ((64, 128, 320, 512), (3, 8, 27, 3), 768),
            ((64, 128, 320, 512), (3, 6, 40, 3), 768),
        ]
    )
}
"""The sizes of the paper (Xie et al. 2021, table 6), by name."""

NETWORKS = (*SEGFORMERS, "effisegnet")
"""Names of networks of any classes with random weights."""


@dataclass(frozen=True)
class ScheduleSettings(Settings):
    """How a network is trained on label maps of any classes; the defaults are the CamVid study's.

    Attributes:
        iterations: steps.
        batch_size: crops a step.
        lr: highest learning rate of AdamW; it rises over the first `warmup` of the steps and falls
            linearly to 0.
        warmup: share of the steps.
        weight_decay: of AdamW.
        height, width: of a crop, in pixels.
        scales: least and largest random factor of an image's size before it is cropped.
        flip: mirror a random half of the crops.
        photometric: vary light, contrast, saturation and hue.
        resize: longer side that images are made smaller to before anything else; None to leave
            them as they are.
        checks: evaluations on the way, evenly spread; the last is at the end.
        check_images: images of an evaluation, evenly spread over those held out; the last one and
            that of the best weights take all.
        save_every: steps between two checkpoints.
        dtype: precision of the maps, "float32" or "bfloat16"; the weights are float32.
        seed: of the first weights, the order and the crops.
    """

    iterations: Count = 40_000
    batch_size: Annotated[int, Whole(2, 65_536)] = 4
    lr: Positive = 6e-5
    warmup: PartShare = 0.0375
    weight_decay: Factor = 1e-2
    height: Side = 288
    width: Side = 288
    scales: tuple[Positive, ...] = (0.5, 2.0)
    flip: bool = True
    photometric: bool = True
    resize: Side | None = None
    checks: Count = 10
    check_images: Count = 10_000
    save_every: Count = 100
    dtype: TrainingDtype = DTYPES[0]
    seed: Seed = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.scales) != 2 or self.scales[0] > self.scales[1]:
            raise InputError(f"scales {self.scales}; give the least and the largest factor")
        if self.checks > self.iterations:
            raise InputError(f"{self.checks} checks in {self.iterations} iterations; give fewer")


@dataclass(frozen=True)
class TeacherSettings(Settings):
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

    faces: Samples = 8_000
    test_faces: Samples = 256
    batch_size: Batch = 8
    lr: Positive = 6e-4
    weight_decay: Factor = 1e-2
    dtype: TrainingDtype = DTYPES[0]
    seed: Seed = 0
    save_every: Count = 100
    network: SegformerSettings = field(default_factory=SegformerSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.faces < self.batch_size:
            raise InputError(f"{self.faces} faces are less than one batch of {self.batch_size}")
