"""The two calls that most users need: find directions, evaluate them.

Each is a thin wrapping of pure stages: it loads networks, checks settings and shows progress.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from property_cnn.common.checks import refused
from property_cnn.common.progress import Progress
from property_cnn.common.tasks import one_thread
from property_cnn.hair.segmenter import HairSegmenter
from property_cnn.jobs.engines.opening import engine as opened
from vectorfind.config import (
    ComponentSettings,
    DecoupledSettings,
    EvaluateSettings,
    FindSettings,
    GradientSettings,
)
from vectorfind.directions.directions import Directions
from vectorfind.directions.finding import check_early, draw, fit_samples, models_for
from vectorfind.evaluation.design import design_sizes
from vectorfind.evaluation.image_test import Evaluation, completed, image_count, run_cases
from vectorfind.methods.registry import composed
from vectorfind.models.judges import Judge, load_judges
from vectorfind.models.protocols import Generator, Scorer
from vectorfind.models.segmenters import segmenter_for


@one_thread()
def find_directions(  # noqa: PLR0913 - its keywords are the interface
    n: int = FindSettings.n,
    layer: str | None = None,
    method: str | Mapping[str, str] = FindSettings.method,
    seed: int = FindSettings.seed,
    *,
    generator: str | os.PathLike | Generator = "default",
    scorer: str | os.PathLike | Scorer = "default",
    properties: Sequence[str] | None = None,
    group_by: Sequence[str] | None = None,
    quantiles: int = FindSettings.quantiles,
    ratio: float = FindSettings.ratio,
    strengths: Mapping[str, Sequence[float]] | None = None,
    units: str | None = None,
    keep: Sequence[str] = FindSettings.keep,
    device: str | None = None,
    dtype: str = FindSettings.dtype,
    psi: float | None = FindSettings.psi,
    trunc_layers: int | None = None,
    size: int | None = None,
    batch_size: int = FindSettings.batch_size,
    workers: int | None = None,
    svm_c: float = FindSettings.svm_c,
    gradient: GradientSettings | None = None,
    components: ComponentSettings | None = None,
    decoupled: DecoupledSettings | None = None,
    store: str | os.PathLike | None = None,
    engine: str | None = None,
    quiet: bool = False,
) -> Directions:
    """Finds directions that change properties of a generator's images.

    Args:
        n: number of samples, about 28 a group at the least; thousands are usual.
        layer: where the directions live, one of the generator's layers, or of those that it
            offers beside them; None for the method's own, "mapping_split1" of mixed, else
            "mapping_split2", or for w, or the last, where the generator does not have that.
        method: "svm", "gradient", "mixed" (eyes by gradient, the others by SVM), "decoupled",
            another name of `vectorfind.methods.registry.METHODS`, or property -> method.
        seed: of latents, splits and networks; the same gives the same directions.
        generator: "default", a checkpoint's path, or an object as `protocols.Generator` says.
        scorer: "default", a checkpoint's path, or an object as `protocols.Scorer` says.
        properties: what the directions shall change, some of the scorer's properties; None for
            eyes, mouth and pose, or for all of the scorer's where it does not read these.
        group_by: properties that split the samples into groups; () for one group. None for the
            default four, or for one group where the scorer does not read these.
        quantiles: parts of as many samples into which each of those splits them; 2 at its median.
        ratio: share of a group that an SVM takes from the top and from the bottom.
        strengths: property -> strengths of the grid that `evaluate` shall use; the
            defaults for the others.
        units: of strengths, "raw", lengths at the layer, or "sigma", standard deviations of the
            score, so that they mean the same on every generator and layer; None for raw where the
            generator has the shipped one's layers, and sigma for all others.
        keep: what decoupled directions shall leave alone beside each other: other scores of the
            scorer's, or "identity", the person that the scorer's or dlib's embeddings tell.
        device: "cpu", "cuda", ...; None for a GPU if there is one. Objects are moved only if
            it is given.
        dtype: precision of synthesis and scoring; below float32 on a GPU only.
        psi, trunc_layers: truncation of a generator that is loaded: how far its w stay from the
            mean, 1 for none, and in how many layers of synthesis, None for all. psi None is 0.8 for
            "mobilestylegan", and none for all others.
        size: side of the images in pixels, of a generator that makes several; None for its own.
        batch_size: images a batch; it changes nothing but rounding.
        workers: shards and fits at once; None for joblib's configuration or what is fastest.
        svm_c: weight of an SVM's loss, as LinearSVC's C, on vectors scaled to a root-mean-square
            length of 1.
        gradient: how gradient networks are trained.
        components: of how many components pca, sefa and stylespace choose.
        decoupled: how decoupled directions are found.
        store: folder where samples are kept and found again, see `store.fill_store`; None to
            hold them in memory, 16 KB each at all layers.
        engine: "dask-local:4", "ray-local:4", "dask://host:8786", "ray://host:10001" to compute
            there, see `vectorfind.engine`; the bytes are the same.
        quiet: show no progress.

    Raises:
        InputError: a setting is not allowed, or n is too small for the groups.
        CheckpointError: a checkpoint is missing, damaged or foreign.
        ScorerError: the scorer's answers cannot be used.
    """
    settings = FindSettings(
        n=n,
        layer=layer,
        method=composed(method) if isinstance(method, Mapping) else method,
        properties=properties,
        group_by=group_by,
        quantiles=quantiles,
        ratio=ratio,
        seed=seed,
        svm_c=svm_c,
        batch_size=batch_size,
        device=device,
        dtype=dtype,
        psi=psi,
        trunc_layers=trunc_layers,
        size=size,
        workers=workers,
        strengths=strengths,
        units=units,
        keep=keep,
        gradient=GradientSettings() if gradient is None else gradient,
        components=ComponentSettings() if components is None else components,
        decoupled=DecoupledSettings() if decoupled is None else decoupled,
    )
    with opened(engine):
        return find(settings, generator, scorer, quiet, store)


@one_thread()
def find(
    settings: FindSettings,
    generator: str | os.PathLike | Generator = "default",
    scorer: str | os.PathLike | Scorer = "default",
    quiet: bool = False,
    store: str | os.PathLike | None = None,
) -> Directions:
    """`find_directions` with its settings as one object."""
    check_early(settings, scorer)
    models, settings = models_for(settings, generator, scorer)
    return fit_samples(models, draw(models, settings, store, quiet), settings, quiet)


def evaluate(  # noqa: PLR0913 - its keywords are the interface
    directions: Directions,
    cases: int = EvaluateSettings.cases,
    *,
    seed: int = EvaluateSettings.seed,
    strengths: Mapping[str, Sequence[float]] | None = None,
    thresholds: Mapping[str, float] | None = None,
    control_cases: int | None = None,
    bootstrap: int = EvaluateSettings.bootstrap,
    batch_size: int = EvaluateSettings.batch_size,
    hair: bool = EvaluateSettings.hair,
    edits: int | None = EvaluateSettings.edits,
    steps: int = EvaluateSettings.steps,
    target: bool = EvaluateSettings.target,
    judges: Sequence[str | os.PathLike | Scorer] = (),
    engine: str | None = None,
    quiet: bool = False,
) -> Evaluation:
    """Tests directions on fresh latents: the image-generation test.

    Args:
        directions: to be tested, with the networks they were found on.
        cases: number of fresh latents; each makes as many images as it has edits.
        seed: of the cases, the control and the intervals; two tests with the same are paired.
        strengths: property -> strengths of the grid; those of the directions for the others.
        thresholds: property -> least |corr-coef| of a pass; the defaults for the others.
        control_cases: how many of the cases are also edited along random directions; None for
            all of them up to 100.
        bootstrap: resamples of the 95 % intervals.
        batch_size: images a batch, rounded to whole cases.
        hair: also measure how far the edits leave the hair mask alone, with the shipped
            segmenter.
        edits: most edited images a case; None for the full grid up to three properties, and for
            about 80 of its points beyond, see `vectorfind.evaluation.design`.
        steps: of each edit: directions that differ between vectors are taken anew before each.
        target: edit until the scorer sees the strengths, in standard deviations above a face's own
            scores, with as many looks as there are steps; for directions in units "sigma".
        judges: other scorers that read the same images, by name ("landmarks", "iris", "dlib"),
            file or object; see `Evaluation.judgements`.
        engine: as in `find_directions`.
        quiet: show no progress.

    Raises:
        InputError: a setting is not allowed, or a judge reads none of the properties.
        CheckpointError: a judge's file is missing, damaged or foreign.
        ScorerError: the scorer's or a judge's answers cannot be used.
    """
    settings = EvaluateSettings(
        cases=cases,
        seed=seed,
        strengths=strengths,
        thresholds=thresholds,
        control_cases=control_cases,
        bootstrap=bootstrap,
        batch_size=batch_size,
        hair=hair,
        edits=edits,
        steps=steps,
        target=target,
    )
    with opened(engine):
        return run_evaluation(directions, settings, quiet, judges=judges)


@one_thread()
def run_evaluation(
    directions: Directions,
    settings: EvaluateSettings,
    quiet: bool = False,
    folder: Path | None = None,
    segmenter: HairSegmenter | None = None,
    judges: Sequence[str | os.PathLike | Scorer | Judge] = (),
) -> Evaluation:
    """`evaluate` with its settings as one object.

    Args:
        directions, settings: as in `evaluate`.
        quiet: show no progress.
        folder: keeps what is finished meanwhile.
        segmenter: that the hair is measured with; if it is needed and not given, what suits the
            generator.
        judges: see `evaluate`.
    """
    if not isinstance(directions, Directions):
        raise refused("directions", directions, "what find_directions or load_directions gave")
    settings = completed(settings, directions)
    if settings.hair and segmenter is None:
        segmenter = segmenter_for(directions.models.generator)
    judges = load_judges(judges, directions.properties, directions.settings.device)
    progress = Progress("testing", image_count(settings, bool(judges)), "images", quiet)
    progress.foresee()
    advance = _expecting(progress, settings)
    return run_cases(directions, settings, advance, folder, segmenter, judges)


def tell_images(samples: int, settings: EvaluateSettings, judged: bool = False) -> None:
    """Tells, before anything is sampled, how many images a whole run is of.

    Args:
        samples: that directions are found from.
        settings: of the test, completed ones.
        judged: whether there are judges.
    """
    images = image_count(settings, judged)
    edits = sum(design_sizes(settings.strengths, settings.edits))
    Progress("run", images).note(
        f"run: {samples:,} samples, then a test of {images:,} images: {settings.cases:,} cases, "
        f"{edits:,} edits each"
    )


def _expecting(progress: Progress, settings: EvaluateSettings) -> Callable[[int], None]:
    """The progress of a test, which says how long it will take once the unedited cases are read."""
    told = False

    def advance(images: int) -> None:
        nonlocal told
        progress.advance(images)
        if not told and progress.done >= settings.cases:
            told = True
            progress.expect()

    return advance
