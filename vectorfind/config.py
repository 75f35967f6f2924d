"""Settings of finding and evaluating directions; the defaults are the specification's.

They are written here once: the Python functions and the command line both read them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from property_cnn.errors import InputError
from property_cnn.properties import CONTROLLED, GROUPING, PROPERTIES

Layer = Literal["mapping_split1", "mapping_split2", "w"]
Method = Literal["svm", "gradient", "mixed"]
Dtype = Literal["float32", "float16", "bfloat16"]

LAYERS: tuple[str, ...] = ("mapping_split1", "mapping_split2", "w")
METHODS: tuple[str, ...] = ("svm", "gradient", "mixed")
DTYPES: tuple[str, ...] = ("float32", "float16", "bfloat16")

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
    "gradient": {
        "eyes": (-1.2, 1.2),
        "mouth": (-1.6, -0.8, 0.0, 0.8, 1.6),
        "pose": (-1.4, -0.7, 0.0, 0.7, 1.4),
    },
}
"""Strengths of the image-generation test, by method and property."""

OTHER_STRENGTHS = (-1.2, 0.0, 1.2)
"""Strengths of a property that the specification's table does not name."""

THRESHOLDS = {"eyes": 0.92, "mouth": 0.88, "pose": 0.88}
"""Least |corr-coef| with which a case passes."""

OTHER_THRESHOLD = 0.88
"""Least |corr-coef| of a property that the specification does not name."""


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
    """

    learning_rate: float = 1e-3
    decay: float = 0.95
    patience: int = 15
    max_epochs: int = 40
    batch_size: int | None = None
    dropout: float = 0.25
    shared: bool = False

    def validate(self) -> None:
        """Raises InputError for a value out of its range."""
        _positive("learning_rate", self.learning_rate)
        _share("decay", self.decay, upper=1.0)
        if not 0.0 <= self.dropout < 1.0:
            raise InputError(f"dropout is {self.dropout!r}; give a number from 0 to below 1")
        for name in ("patience", "max_epochs"):
            _count(name, getattr(self, name))
        if self.batch_size is not None:
            _count("batch_size", self.batch_size)
        if not isinstance(self.shared, bool):
            raise InputError(f"shared is {self.shared!r}; give True or False")


@dataclass(frozen=True)
class FindSettings:
    """How directions are found.

    Attributes:
        n: number of samples.
        layer: where the directions live, one of the generator's layers; None for the method's
            own: "mapping_split1" of mixed, "mapping_split2" of the others.
        method: "svm", "gradient", or "mixed" (eyes by gradient, the others by SVM).
        properties: the properties to find directions for, in the grid's order (slowest first).
        group_by: the properties whose medians split the samples into groups; () for one group.
        ratio: share of a group's samples taken from the top and from the bottom of the scores.
        seed: of latents, splits and networks.
        svm_c: LinearSVC's C, on vectors scaled to a root-mean-square length of 1. From 1 to 1000
            directions are of the same quality; 1000 takes seven times as long as 10 to fit.
        batch_size: images a batch; it changes nothing but rounding.
        device: where the shipped networks or those of a path run; None for a GPU if there is one.
        dtype: precision of synthesis and scoring; below float32 on a GPU only.
        workers: tasks at once; None for joblib's configuration or what is fastest. It changes
            nothing in the results.
        strengths: grid that `evaluate` uses by default; None for the specification's.
        gradient: settings of the gradient networks.
    """

    n: int = 4000
    layer: str | None = None
    method: str = "svm"
    properties: tuple[str, ...] = CONTROLLED
    group_by: tuple[str, ...] = GROUPING
    ratio: float = 0.2
    seed: int = 0
    svm_c: float = 10.0
    batch_size: int = 64
    device: str | None = None
    dtype: str = "float32"
    workers: int | None = None
    strengths: Mapping[str, Sequence[float]] | None = None
    gradient: GradientSettings = field(default_factory=GradientSettings)

    def __post_init__(self) -> None:
        if self.layer is None:
            own = "mapping_split1" if self.method == "mixed" else "mapping_split2"
            object.__setattr__(self, "layer", own)

    def validate(
        self, layers: Collection[str] = LAYERS, scored: Collection[str] = PROPERTIES
    ) -> None:
        """Raises InputError for a setting that is not allowed, naming those that are.

        Args:
            layers: the layers that the generator offers.
            scored: the properties that the scorer reads.
        """
        choose("layer", self.layer, layers)
        choose("method", self.method, METHODS)
        choose("dtype", self.dtype, DTYPES)
        check_names("property", self.properties, scored)
        check_names("grouping property", self.group_by, scored)
        if not self.properties:
            raise InputError(f"no properties given; choose some of {', '.join(scored)}")
        _count("n", self.n)
        _share("ratio", self.ratio, upper=0.5)
        _positive("svm_c", self.svm_c)
        _seed(self.seed)
        _count("batch_size", self.batch_size)
        if self.workers is not None:
            _count("workers", self.workers)
        if self.strengths is not None:
            check_strengths(self.strengths, self.properties)
        self.gradient.validate()

    def method_of(self, name: str) -> str:
        """The method, "svm" or "gradient", by which a property's direction is found."""
        if self.method == "mixed":
            return "gradient" if name in GRADIENT_IN_MIXED else "svm"
        return self.method


@dataclass(frozen=True)
class EvaluateSettings:
    """How directions are evaluated: the image-generation test.

    Attributes:
        cases: number of fresh latents.
        seed: of the cases' latents, the random control and the bootstrap.
        strengths: property -> strengths of the grid; None for those of the directions.
        thresholds: property -> least |corr-coef| of a pass; None for the specification's.
        control_cases: cases of the control with random directions; None for min(cases, 100).
        bootstrap: resamples of the 95 % intervals.
        batch_size: images a batch, rounded to whole cases.
    """

    cases: int = 100
    seed: int = 0
    strengths: Mapping[str, Sequence[float]] | None = None
    thresholds: Mapping[str, float] | None = None
    control_cases: int | None = None
    bootstrap: int = 2000
    batch_size: int = 64

    def validate(self, properties: Sequence[str] = CONTROLLED) -> None:
        """Raises InputError for a setting that is not allowed, naming those that are.

        Args:
            properties: those that the directions change.
        """
        for name in ("cases", "bootstrap", "batch_size"):
            _count(name, getattr(self, name))
        _seed(self.seed)
        if self.control_cases is not None and not 0 <= self.control_cases <= self.cases:
            raise InputError(
                f"control_cases is {self.control_cases}; give 0 to {self.cases} (cases)"
            )
        if self.strengths is not None:
            check_strengths(self.strengths, properties)
        if self.thresholds is not None:
            check_names("property of thresholds", tuple(self.thresholds), properties)
            for name, threshold in self.thresholds.items():
                _share(f"threshold of {name}", threshold, upper=1.0)


def choose(what: str, given: str, allowed: Collection[str]) -> str:
    """`given` if it is allowed; else InputError with the allowed names."""
    if given not in allowed:
        raise InputError(f"unknown {what} {given!r}; choose one of {', '.join(allowed)}")
    return given


def check_names(what: str, given: Sequence[str], allowed: Collection[str]) -> None:
    """Raises InputError for a name that is not allowed or stands twice."""
    if isinstance(given, str):
        raise InputError(f"{what} is the text {given!r}; give a tuple of names, as ({given!r},)")
    for name in given:
        choose(what, name, allowed)
    if len(set(given)) < len(given):
        raise InputError(f"a {what} stands twice in {', '.join(given)}; name each once")


def check_strengths(strengths: Mapping[str, Sequence[float]], properties: Sequence[str]) -> None:
    """Raises InputError unless each named property is known and has at least two finite values."""
    check_names("property of strengths", tuple(strengths), properties)
    for name, values in strengths.items():
        finite = all(abs(value) < float("inf") for value in values)
        if len(set(values)) < 2 or not finite:
            raise InputError(f"strengths of {name} are {values}; give two or more finite numbers")


def _count(name: str, value: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(f"{name} is {value!r}; give a whole number of at least 1")


def _seed(value: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InputError(f"seed is {value!r}; give a whole number of at least 0")


def _positive(name: str, value: float) -> None:
    if not 0.0 < value < float("inf"):
        raise InputError(f"{name} is {value!r}; give a number above 0")


def _share(name: str, value: float, upper: float) -> None:
    if not 0.0 < value <= upper:
        raise InputError(f"{name} is {value!r}; give a number above 0 and at most {upper}")
