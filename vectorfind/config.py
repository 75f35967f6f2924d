"""Settings of finding and evaluating directions; the defaults are the reference system's.

They are written here once: the Python functions and the command line both read them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from property_cnn.common.checks import (
    check_count,
    check_names,
    check_positive,
    check_seed,
    check_share,
    check_strengths,
    choose,
)
from property_cnn.common.errors import InputError
from property_cnn.properties import CONTROLLED, GROUPING, PROPERTIES

LAYERS: tuple[str, ...] = ("mapping_split1", "mapping_split2", "w")
METHODS: tuple[str, ...] = ("svm", "gradient", "mixed")
IMPORTED = "imported"
"""The method of directions that were not found here but read from another project's files."""

MOST_QUANTILES = 36
"""Most parts of a grouping property: a part is a digit or a letter of a group's name."""

DTYPES: tuple[str, ...] = ("float32", "float16", "bfloat16")
TRAINING_DTYPES: tuple[str, ...] = ("float32", "bfloat16")

GRADIENT_IN_MIXED = ("eyes",)
"""The properties that the mixed method takes from gradient networks; the others are by SVM."""

_SVM_STRENGTHS = {
    "eyes": (-1.2, 1.2),
    "mouth": (-1.8, -0.9, 0.0, 0.9, 1.8),
    "pose": (-1.8, -1.2, -0.6, 0.0, 0.6),
}
STRENGTHS: dict[str, dict[str, tuple[float, ...]]] = {
    "svm": _SVM_STRENGTHS,
    "mixed": _SVM_STRENGTHS,
    IMPORTED: _SVM_STRENGTHS,
    "gradient": {
        "eyes": (-1.2, 1.2),
        "mouth": (-1.6, -0.8, 0.0, 0.8, 1.6),
        "pose": (-1.4, -0.7, 0.0, 0.7, 1.4),
    },
}
"""Strengths of the image-generation test, by method and property."""

OTHER_STRENGTHS = (-1.2, 0.0, 1.2)
"""Strengths of a property that the reference system does not have."""

THRESHOLDS = {"eyes": 0.92, "mouth": 0.88, "pose": 0.88}
"""Least |corr-coef| with which a case passes."""

OTHER_THRESHOLD = 0.88
"""Least |corr-coef| of a property that the reference system does not have."""


def default_strengths(method: str, properties: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """The grid's strengths of each property, in the order of `properties`."""
    table = STRENGTHS[method]
    return {name: table.get(name, OTHER_STRENGTHS) for name in properties}


def default_thresholds(properties: Sequence[str]) -> dict[str, float]:
    """The least |corr-coef| of each property with which a case passes."""
    return {name: THRESHOLDS.get(name, OTHER_THRESHOLD) for name in properties}


@dataclass(frozen=True)
class GradientSettings:
    """How a gradient network is trained; its sizes follow from the layer's.

    An epoch goes through all samples where there are at most 32,768, else through that many of
    them, others in the next; so `max_epochs` bounds the time however many samples there are.

    Attributes:
        learning_rate: AdamW's.
        decay: factor of the learning rate from one epoch to the next.
        patience: epochs without a better validation loss after which training stops.
        max_epochs: epochs after which it stops anyway; by 40 the rate has fallen to an eighth, and
            100 give the same directions.
        batch_size: samples a step; None for the power of two from 64 to 1024 that is nearest to
            a hundredth of the training samples.
        dropout: share of hidden units dropped in training.
        shared: train one network that has a head a property, not one network a property. It takes
            a third of the time, and its pose directions are a little worse.
        dtype: precision of the products in training, "float32" or "bfloat16"; weights and sums are
            float32 in either, directions as good. None for bfloat16 on a CPU that is fast at it,
            else float32.
    """

    learning_rate: float = 1e-3
    decay: float = 0.95
    patience: int = 15
    max_epochs: int = 40
    batch_size: int | None = None
    dropout: float = 0.25
    shared: bool = False
    dtype: str | None = None

    def resolve(self, device: object = None) -> GradientSettings:
        """The settings, with the precision chosen if it was left open.

        Args:
            device: where networks are trained, see `property_cnn.common.devices.choose_device`.
        """
        if self.dtype is not None:
            return self
        from vectorfind.methods.gradient.products import (
            quick_dtype,  # loads PyTorch, which takes a second
        )

        return replace(self, dtype=quick_dtype(device))

    def validate(self) -> None:
        """Raises InputError for a value out of its range."""
        check_positive("learning_rate", self.learning_rate)
        check_share("decay", self.decay, upper=1.0)
        if not 0.0 <= self.dropout < 1.0:
            raise InputError(f"dropout is {self.dropout!r}; give a number from 0 to below 1")
        for name in ("patience", "max_epochs"):
            check_count(name, getattr(self, name))
        if self.batch_size is not None:
            check_count("batch_size", self.batch_size)
        if not isinstance(self.shared, bool):
            raise InputError(f"shared is {self.shared!r}; give True or False")
        if self.dtype is not None:
            choose("dtype of gradient networks", self.dtype, TRAINING_DTYPES)


@dataclass(frozen=True)
class FindSettings:
    """How directions are found.

    What is None is the reference system's, as long as the networks know it, see `resolve`.

    Attributes:
        n: number of samples.
        layer: where the directions live, one of the generator's layers; None for the method's
            own: "mapping_split1" of mixed, "mapping_split2" of the others.
        method: "svm", "gradient", or "mixed" (eyes by gradient, the others by SVM).
        properties: the properties to find directions for, in the grid's order (slowest first);
            None for eyes, mouth and pose.
        group_by: the properties that split the samples into groups; () for one group, None for
            hair_color, hair_length, background_mean and hairstyle.
        quantiles: parts of as many samples into which each of those splits them.
        ratio: share of a group's samples taken from the top and from the bottom of the scores.
        seed: of latents, splits and networks.
        svm_c: LinearSVC's C, on vectors scaled to a root-mean-square length of 1. From 1 to 1000
            directions are of the same quality; 1000 takes seven times as long as 10 to fit.
        batch_size: images a batch; it changes nothing but rounding.
        device: where the shipped networks or those of a path run; None for a GPU if there is one.
        dtype: precision of synthesis and scoring; below float32 on a GPU only.
        psi: truncation of a generator that is loaded, towards its mean w; 1 for none.
        trunc_layers: how many layers of synthesis, from the first on, are truncated; None for all.
        workers: tasks at once; None for joblib's configuration or what is fastest. It changes
            nothing in the results.
        strengths: grid that `evaluate` uses by default; None for the reference system's.
        gradient: settings of the gradient networks.
    """

    n: int = 4000
    layer: str | None = None
    method: str = "svm"
    properties: tuple[str, ...] | None = None
    group_by: tuple[str, ...] | None = None
    quantiles: int = 2
    ratio: float = 0.2
    seed: int = 0
    svm_c: float = 10.0
    batch_size: int = 64
    device: str | None = None
    dtype: str = "float32"
    psi: float = 1.0
    trunc_layers: int | None = None
    workers: int | None = None
    strengths: Mapping[str, Sequence[float]] | None = None
    gradient: GradientSettings = field(default_factory=GradientSettings)

    def __post_init__(self) -> None:
        own = "mapping_split1" if self.method == "mixed" else "mapping_split2"
        usual = {"layer": own, "properties": CONTROLLED, "group_by": GROUPING}
        left_open = tuple(name for name in usual if getattr(self, name) is None)
        for name in left_open:
            object.__setattr__(self, name, usual[name])
        object.__setattr__(self, "_left_open", left_open)

    def resolve(self, layers: Sequence[str], scored: Collection[str]) -> FindSettings:
        """The settings, with what was left open chosen to suit the networks and the device.

        The layer is then one that the generator has, its w or else the last; without the
        shipped scorer's properties, directions are found for all that are scored, and in one group.

        Args:
            layers: the generator's, nearest to the image last; () if they are not known.
            scored: the properties that the scorer reads.
        """
        chosen: dict[str, object] = {"gradient": self.gradient.resolve(self.device)}
        if "layer" in self._left_open and layers and self.layer not in layers:
            chosen["layer"] = "w" if "w" in layers else list(layers)[-1]
        for name, own in (("properties", tuple(scored)), ("group_by", ())):
            if name in self._left_open and not set(getattr(self, name)) <= set(scored):
                chosen[name] = own
        return replace(self, **chosen)

    def validate(
        self,
        layers: Collection[str] | None = None,
        scored: Collection[str] = PROPERTIES,
        imported: bool = False,
    ) -> None:
        """Raises InputError for a setting that is not allowed, naming those that are.

        Args:
            layers: the layers that the generator has; None if they are not known.
            scored: the properties that the scorer reads.
            imported: allow imported directions, which may change what is not scored.
        """
        if layers is not None:
            choose("layer", self.layer, layers)
        choose("method", self.method, (*METHODS, IMPORTED) if imported else METHODS)
        if self.method != IMPORTED:
            check_names("property", self.properties, scored)
        choose("dtype", self.dtype, DTYPES)
        check_names("grouping property", self.group_by, scored)
        if not self.properties:
            raise InputError(f"no properties given; choose some of {', '.join(scored)}")
        check_count("n", self.n)
        check_share("ratio", self.ratio, upper=0.5)
        check_positive("svm_c", self.svm_c)
        check_seed(self.seed)
        check_count("batch_size", self.batch_size)
        if self.quantiles not in range(2, MOST_QUANTILES + 1):
            raise InputError(f"quantiles is {self.quantiles!r}; give 2 to {MOST_QUANTILES}")
        if not -2.0 <= self.psi <= 2.0:
            raise InputError(f"psi is {self.psi!r}; give a number from -2 to 2, 1 for none")
        for name in ("workers", "trunc_layers"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name))
        if self.strengths is not None:
            check_strengths(self.strengths, self.properties)
        self.gradient.validate()

    def method_of(self, name: str) -> str:
        """By which method a property's direction is found, "svm" or "gradient".

        Imported ones are kept as those by SVM are, one a group.
        """
        if self.method == "mixed":
            return "gradient" if name in GRADIENT_IN_MIXED else "svm"
        return "gradient" if self.method == "gradient" else "svm"

    @property
    def networks(self) -> int:
        """Gradient networks that are trained: one a property, or one for all."""
        count = sum(self.method_of(name) == "gradient" for name in self.properties)
        return min(count, 1) if self.gradient.shared else count


@dataclass(frozen=True)
class EvaluateSettings:
    """How directions are evaluated: the image-generation test.

    Attributes:
        cases: number of fresh latents.
        seed: of the cases' latents, the random control and the bootstrap.
        strengths: property -> strengths of the grid; None for those of the directions.
        thresholds: property -> least |corr-coef| of a pass; None for the reference system's.
        control_cases: cases of the control with random directions; None for min(cases, 100).
        bootstrap: resamples of the 95 % intervals.
        batch_size: images a batch, rounded to whole cases.
        hair: also measure how far the edits leave the hair mask alone; on a CPU an image takes
            about ten times as long to segment as to score.
    """

    cases: int = 100
    seed: int = 0
    strengths: Mapping[str, Sequence[float]] | None = None
    thresholds: Mapping[str, float] | None = None
    control_cases: int | None = None
    bootstrap: int = 2000
    batch_size: int = 64
    hair: bool = False

    def validate(self, properties: Sequence[str] = CONTROLLED) -> None:
        """Raises InputError for a setting that is not allowed, naming those that are.

        Args:
            properties: those that the directions change.
        """
        for name in ("cases", "bootstrap", "batch_size"):
            check_count(name, getattr(self, name))
        check_seed(self.seed)
        if self.control_cases is not None and not 0 <= self.control_cases <= self.cases:
            raise InputError(
                f"control_cases is {self.control_cases}; give 0 to {self.cases} (cases)"
            )
        if self.strengths is not None:
            check_strengths(self.strengths, properties)
        if self.thresholds is not None:
            check_names("property of thresholds", tuple(self.thresholds), properties)
            for name, threshold in self.thresholds.items():
                check_share(f"threshold of {name}", threshold, upper=1.0)
