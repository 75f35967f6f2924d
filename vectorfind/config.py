"""Settings of finding and evaluating directions; the defaults are the reference system's.

They are written here once: the Python functions and the command line both read them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any

from property_cnn.common.checks import (
    Batch,
    Cases,
    Count,
    Decay,
    Grid,
    Number,
    OneOf,
    PartShare,
    Positive,
    Samples,
    Seed,
    Settings,
    TrainingDtype,
    Whole,
    Workers,
    check_names,
)
from property_cnn.common.errors import InputError
from property_cnn.properties import CONTROLLED, GROUPING, PROPERTIES

LAYERS: tuple[str, ...] = ("mapping_split1", "mapping_split2", "w")
"""The layers of the shipped generator, and of an n-curve unless others are asked for."""

MOST_QUANTILES = 36
"""Most parts of a grouping property: a part is a digit or a letter of a group's name."""

MOST_PROPERTIES = 64
"""Most properties that one set of directions may have."""

LEAST_READ = 3
"""Least images of a case that a corr-coef is computed of: of two it is always 1 or -1."""

MOST_IMAGES = 100_000_000
"""Most images of one test."""

DTYPES: tuple[str, ...] = ("float32", "float16", "bfloat16")
"""Precisions of synthesis and scoring."""

THRESHOLDS = {"eyes": 0.92, "mouth": 0.88, "pose": 0.88}
"""Least |corr-coef| with which a case passes."""

ALL = ("all",)
"""Given for the properties, stands for all that the scorer reads."""

OTHER_THRESHOLD = 0.88
"""Least |corr-coef| of a property that the reference system does not have."""

Dtype = Annotated[str, OneOf("dtype", DTYPES)]
Layers = Annotated[int, Whole(1, 1_000)]
Psi = Annotated[float, Number(-2, 2)]
Ratio = Annotated[float, Number(0, 0.5, above=True)]
Size = Annotated[int, Whole(4, 8192)]
Threshold = Annotated[float, Number(0, 1, above=True)]


IDENTITY = "identity"
"""What is kept, beside scores, where a face shall stay the same person's."""

LOADING = ("device", "dtype", "psi", "trunc_layers", "size")
"""Settings of how networks are loaded."""


class LoadingSettings(Settings):
    """Settings of which some say how networks are loaded."""

    @property
    def loading(self) -> dict[str, Any]:
        """How networks of a name or a path are loaded, as `load_models` takes it."""
        return {name: getattr(self, name) for name in LOADING}


def default_thresholds(properties: Sequence[str]) -> dict[str, float]:
    """The least |corr-coef| of each property with which a case passes."""
    return {name: THRESHOLDS.get(name, OTHER_THRESHOLD) for name in properties}


def _check_truncation(psi: float | None, layers: int | None) -> None:
    if layers is not None and psi in (None, 1.0):
        raise InputError(
            f"trunc_layers is {layers}, but psi is 1, so nothing is truncated; give a psi"
        )


@dataclass(frozen=True)
class GradientSettings(Settings):
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

    learning_rate: Positive = 1e-3
    decay: Decay = 0.95
    patience: Count = 15
    max_epochs: Count = 40
    batch_size: Batch | None = None
    dropout: PartShare = 0.25
    shared: bool = False
    dtype: TrainingDtype | None = None

    def resolve(self, device: object = None) -> GradientSettings:
        """The settings, with the precision chosen if it was left open.

        Args:
            device: where networks are trained, see `property_cnn.common.devices.choose_device`.
        """
        if self.dtype is not None:
            return self
        from property_cnn.common.devices import quick_dtype  # loads PyTorch

        return replace(self, dtype=quick_dtype(device))


SLOPES = ("samples", "exact")
"""What the channels of style space are ranked by."""


@dataclass(frozen=True)
class ComponentSettings(Settings):
    """Among which components of a generator's vectors a property's direction is chosen, and how.

    Attributes:
        count: components by the variance of the vectors or by the network's weights, the first
            ones; of style space, the channels that are scored by images.
        channels: channels of style space that one direction moves.
        slopes: what those are ranked by: "samples", correlations with the scores; or "exact",
            derivatives of the scores by back-propagation through scorer and synthesis, averaged
            over faces, where both networks can be differentiated.
        faces: samples that are differentiated.
    """

    count: Count = 40
    channels: Count = 1
    slopes: Annotated[str, OneOf("slopes", SLOPES)] = "samples"
    faces: Count = 100


RAW, SIGMA = "raw", "sigma"
UNITS = (RAW, SIGMA)
"""What a strength of 1 is: a length of 1 at the layer, or a standard deviation of the score."""

JACOBIANS = ("linear", "exact", "network")
"""Where the derivatives of decoupled directions come from."""


@dataclass(frozen=True)
class DecoupledSettings(Settings):
    """How decoupled directions are found, see `vectorfind.methods.decoupled`.

    Attributes:
        jacobian: where the derivatives of the scores come from: "linear", a ridge regression on
            the samples; "exact", back-propagation through scorer and synthesis, averaged over
            faces, where both networks can be differentiated; or "network", a gradient network of
            all scores, at each vector anew, trained as `FindSettings.gradient` says.
        damping: by how much the scores that are kept may give way, as a share of the variance of
            a score that is linear in the vectors; 0 holds them exactly, whatever way that takes.
            On photographs exact holding took ways so long that the properties themselves suffered.
        components: leading principal components of the vectors that directions stay in; None for
            all.
        faces: samples that are differentiated, and that tell persons apart where identity is kept.
        spread: width of the neighbourhood in which each of them is differentiated, in standard
            deviations of the vectors; 0 for the sample itself.
    """

    jacobian: Annotated[str, OneOf("jacobian", JACOBIANS)] = "linear"
    damping: Annotated[float, Number(0, 1_000)] = 0.5
    components: Count | None = None
    faces: Count = 500
    spread: Annotated[float, Number(0, 10)] = 0.0


@dataclass(frozen=True)
class FindSettings(LoadingSettings):
    """How directions are found.

    What is None is the reference system's, as long as the networks know it, see `resolve`.

    Attributes:
        n: number of samples.
        layer: where the directions live, one of the generator's layers; None for the method's
            own.
        method: a name of `vectorfind.methods.registry.METHODS`, or one a property, as in
            "eyes=gradient,mouth=svm,pose=svm".
        properties: the properties to find directions for, in the grid's order (slowest first);
            None for eyes, mouth and pose, ("all",) for all that the scorer reads.
        group_by: the properties that split the samples into groups; () for one group, None for
            hair_color, hair_length, background_mean and hairstyle.
        quantiles: parts of as many samples into which each of those splits them.
        ratio: share of a group's samples taken from the top and from the bottom of the scores.
        seed: of latents, splits and networks.
        svm_c: weight of an SVM's loss, as LinearSVC's C, on vectors scaled to a root-mean-square
            length of 1. From 1 to 1000 directions are of the same quality; 1000 takes two to four
            times as long as 10 to fit.
        batch_size: images a batch; it changes nothing but rounding.
        device: where the shipped networks or those of a path run; None for a GPU if there is one.
        dtype: precision of synthesis and scoring; below float32 on a GPU only.
        psi: truncation of a generator that is loaded, towards its mean w; 1 for none. None for the
            generator's own: 0.8 for "mobilestylegan", none for all others.
        trunc_layers: how many layers of synthesis, from the first on, are truncated; None for all.
        size: side of the images in pixels, of a generator that makes several; None for its own.
        workers: tasks at once; None for joblib's configuration or what is fastest. It changes
            nothing in the results.
        strengths: grid that `evaluate` uses by default; None for the reference system's.
        units: of strengths: "raw", lengths at the layer, as the reference system's; or "sigma",
            standard deviations of the score, measured on images; None for raw where the generator
            has the reference system's layers, and sigma for all others.
        keep: what decoupled directions shall leave alone beside each other: scores, or "identity",
            the person that an embedding tells.
        gradient: settings of the gradient networks.
        components: settings of the methods that choose among components.
        decoupled: settings of decoupled directions.
    """

    n: Samples = 4000
    layer: str | None = None
    method: str = "svm"
    properties: tuple[str, ...] | None = None
    group_by: tuple[str, ...] | None = None
    quantiles: Annotated[int, Whole(2, MOST_QUANTILES)] = 2
    ratio: Ratio = 0.2
    seed: Seed = 0
    svm_c: Positive = 10.0
    batch_size: Batch = 64
    device: str | None = None
    dtype: Dtype = "float32"
    psi: Psi | None = None
    trunc_layers: Layers | None = None
    size: Size | None = None
    workers: Workers | None = None
    strengths: Grid | None = None
    units: Annotated[str, OneOf("units", UNITS)] | None = None
    keep: tuple[str, ...] = ()
    gradient: GradientSettings = field(default_factory=GradientSettings)
    components: ComponentSettings = field(default_factory=ComponentSettings)
    decoupled: DecoupledSettings = field(default_factory=DecoupledSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_truncation(self.psi, self.trunc_layers)

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> FindSettings:
        """The settings from what `dataclasses.asdict` gave, after its way through JSON."""
        names = {name: tuple(stored[name]) for name in ("properties", "group_by")}
        nested = {
            "gradient": GradientSettings(**stored["gradient"]),
            "units": stored.get("units", RAW),  # this one and those below are newer
            "keep": tuple(stored.get("keep", ())),
            "components": ComponentSettings(**stored.get("components", {})),
            "decoupled": DecoupledSettings(**stored.get("decoupled", {})),
        }
        return cls(**{**stored, **names, **nested})

    def as_stored(self) -> dict[str, Any]:
        """The settings as `from_stored` reads them.

        The newer ones are left out where they are the defaults: so files and folders are the same
        as before there were such.
        """
        stored = asdict(self)
        newer = {
            "units": RAW,
            "keep": (),
            "components": ComponentSettings(),
            "decoupled": DecoupledSettings(),
        }
        for name, default in newer.items():
            if getattr(self, name) == default:
                del stored[name]
        components = stored.get("components", {})
        for name in ("slopes", "faces"):
            if components.get(name) == getattr(ComponentSettings, name):
                del components[name]
        return stored

    def resolve(self, layer: str, scored: Collection[str]) -> FindSettings:
        """The settings, with what is None chosen to suit the networks and the device.

        Where the scorer does not read the usual properties, directions are found for all that it
        reads, and in one group.

        Args:
            layer: the one to take if none is given.
            scored: the properties that the scorer reads.
        """
        usual = {
            "layer": layer,
            "properties": CONTROLLED if set(CONTROLLED) <= set(scored) else tuple(scored),
            "group_by": GROUPING if set(GROUPING) <= set(scored) else (),
        }
        chosen = {name: value for name, value in usual.items() if getattr(self, name) is None}
        if self.properties == ALL:
            chosen["properties"] = tuple(scored)
        return replace(self, gradient=self.gradient.resolve(self.device), **chosen)

    def validate(
        self, scored: Collection[str] = PROPERTIES, unscored_properties: bool = False
    ) -> None:
        """Raises InputError for a setting that is not allowed, naming those that are.

        Whether there is such a method or layer only `vectorfind.methods.settings` and the
        generator can tell.

        Args:
            scored: the properties that the scorer reads.
            unscored_properties: allow directions of what is not scored.
        """
        given = tuple(scored) if self.properties == ALL else self.properties
        properties = CONTROLLED if given is None else given
        if given is not None and not unscored_properties:
            check_names("property", properties, scored)
        check_names("grouping property", self.group_by or (), scored)
        if not 1 <= len(properties) <= MOST_PROPERTIES:
            raise InputError(
                f"{len(properties)} properties given; choose 1 to {MOST_PROPERTIES} of "
                f"{', '.join(scored)}"
            )
        check_names("property of strengths", tuple(self.strengths or ()), properties)
        check_names("score to keep", self.keep, (*scored, IDENTITY))
        moved = [name for name in self.keep if name in properties]
        if moved:
            raise InputError(
                f"{', '.join(moved)} shall be kept and moved; decoupled directions leave each "
                "other's properties alone anyway: keep others"
            )


@dataclass(frozen=True)
class EvaluateSettings(Settings):
    """How directions are evaluated: the image-generation test.

    Attributes:
        cases: number of fresh latents.
        seed: of the cases' latents, the random control and the bootstrap.
        strengths: property -> strengths of the grid; None for those of the directions.
        thresholds: property -> least |corr-coef| of a pass; None for the reference system's.
        control_cases: cases of the control with random directions; None for min(cases, 100).
        bootstrap: resamples of the 95 % intervals.
        batch_size: images a batch, rounded to whole cases.
        edits: most edited images a case; None for the full grid up to three properties, and for a
            design of about 80 beyond, see `vectorfind.evaluation.design`.
        hair: also measure how far the edits leave the hair mask alone; on a CPU an image takes
            about ten times as long to segment as to score.
        steps: of each edit, see `Directions.edit`; 1 for one straight step.
        target: edit to targets, with as many looks at the image on the way.
    """

    cases: Cases = 100
    seed: Seed = 0
    strengths: Grid | None = None
    thresholds: Mapping[str, Threshold] | None = None
    control_cases: Annotated[int, Whole(0)] | None = None
    bootstrap: Cases = 2000
    batch_size: Batch = 64
    hair: bool = False
    edits: Annotated[int, Whole(LEAST_READ, 1_000_000)] | None = None
    steps: Annotated[int, Whole(1, 100)] = 1
    target: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.control_cases is not None and self.control_cases > self.cases:
            raise InputError(
                f"control_cases is {self.control_cases}; give 0 to {self.cases} (cases)"
            )

    def validate(self, properties: Sequence[str] = CONTROLLED) -> None:
        """Raises InputError for a setting that is not allowed, naming those that are.

        Args:
            properties: those that the directions change.
        """
        check_names("property of strengths", tuple(self.strengths or ()), properties)
        check_names("property of thresholds", tuple(self.thresholds or ()), properties)


@dataclass(frozen=True)
class RankSettings(Settings):
    """How components are scored by images.

    Attributes:
        faces: fresh latents that each component is moved along in.
        step: how far to either side, in standard deviations of the samples along the component.
    """

    faces: Cases = 8
    step: Positive = 1.0


_SHARED = (
    "properties", "group_by", "seed", "ratio", "svm_c", "batch_size", "device", "dtype", "psi",
    "trunc_layers", "size", "workers", "gradient",
)  # fmt: skip
"""What an n-curve's settings and those of its cells' finding have in common."""


@dataclass(frozen=True)
class CurveSettings(LoadingSettings):
    """What an n-curve goes through; the other settings are those of finding and evaluating.

    Attributes:
        n: numbers of samples, rising.
        methods, layers: every one of them with every other; None for LAYERS, or for all layers of
            a generator that does not have these.
        properties, group_by: see `FindSettings`; the same in all cells.
        cases: fresh latents that each cell is tested on, the same for all.
        control_cases: how many of them are also moved along random directions, once for each
            method (they differ in strengths) and layer.
        seed: of samples, fits and cases.
        batch_size, device, dtype, psi, trunc_layers, size, workers, ratio, svm_c, gradient: see
            `FindSettings`.
    """

    n: tuple[Samples, ...] = (1_000, 2_000, 4_000, 8_000, 20_000, 40_000, 80_000)
    methods: tuple[str, ...] = ("svm", "gradient")
    layers: tuple[str, ...] | None = None
    properties: tuple[str, ...] | None = FindSettings.properties
    group_by: tuple[str, ...] | None = FindSettings.group_by
    cases: Cases = EvaluateSettings.cases
    control_cases: Annotated[int, Whole(0)] = 100
    seed: Seed = FindSettings.seed
    ratio: Ratio = FindSettings.ratio
    svm_c: Positive = FindSettings.svm_c
    batch_size: Batch = FindSettings.batch_size
    device: str | None = FindSettings.device
    dtype: Dtype = FindSettings.dtype
    psi: Psi | None = FindSettings.psi
    trunc_layers: Layers | None = FindSettings.trunc_layers
    size: Size | None = FindSettings.size
    workers: Workers | None = FindSettings.workers
    gradient: GradientSettings = field(default_factory=GradientSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_truncation(self.psi, self.trunc_layers)
        for name in ("n", "methods", "layers"):
            if getattr(self, name) == ():
                raise InputError(f"no {name} given; give one or more")
        if list(self.n) != sorted(set(self.n)):
            raise InputError(f"n is {', '.join(map(str, self.n))}; give rising numbers, each once")
        for name, given in (("method", self.methods), ("layer", self.layers or ())):
            check_names(name, given, given)

    def find(self, n: int, method: str, layer: str) -> FindSettings:
        """How one cell's directions are found."""
        shared = {name: getattr(self, name) for name in _SHARED}
        return FindSettings(n=n, method=method, layer=layer, **shared)

    def test(self, n: int) -> EvaluateSettings:
        """How one cell's directions are tested: with a control at the largest n."""
        control = min(self.control_cases, self.cases) if n == self.n[-1] else 0
        return EvaluateSettings(
            self.cases, self.seed, control_cases=control, batch_size=self.batch_size
        )
