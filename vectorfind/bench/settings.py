"""What `vectorfind bench` measures, and at which sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from property_cnn.common.checks import (
    Batch,
    Cases,
    Positive,
    Seed,
    Settings,
    Whole,
    Workers,
    check_names,
)

PARTS = ("machine", "rates", "training", "test", "grid", "reference", "fits", "practice", "tsne")
"""What can be measured, in the order in which it is."""

RUNS = {"svm": "mapping_split2", "mixed": "mapping_split1", "gradient": "mapping_split1"}
"""The layer at which a run of each method is measured."""

MOST = 10_000_000
"""Most samples that are measured on."""


@dataclass(frozen=True)
class BenchSettings(Settings):
    """Sizes and parts of a benchmark; the defaults take some ten minutes on two cores.

    Attributes:
        n: samples of the runs.
        cases: of the runs and of the grid's cells.
        grid_n: samples of the grid of three layers and two methods.
        training_n: samples, made up, that a gradient network is trained on for its speed.
        fit_n: samples of the run whose SVMs are timed, a group's on each core.
        reference_n, reference_cases: size of the one run by the reference's protocol.
        practice_n: samples that InterFaceGAN's steps are taken on.
        pca_n: vectors that GANSpace's components are taken of.
        seconds: that each rate is measured for.
        seed: of all random numbers.
        batch_size: images a batch, as in a run.
        workers: tasks at once, as in a run.
        device: where the networks run; None for a GPU if there is one.
        parts: what to measure.
        methods: of which a run is timed.
    """

    n: Annotated[int, Whole(1000, MOST)] = 8000
    cases: Cases = 100
    grid_n: Annotated[int, Whole(1000, MOST)] = 8000
    training_n: Annotated[int, Whole(1000, MOST)] = 160_000
    fit_n: Annotated[int, Whole(1000, MOST)] = 240_000
    reference_n: Annotated[int, Whole(300, MOST)] = 1000
    reference_cases: Cases = 10
    practice_n: Annotated[int, Whole(300, MOST)] = 1024
    pca_n: Annotated[int, Whole(1000, MOST)] = 20_000
    seconds: Positive = 6.0
    seed: Seed = 0
    batch_size: Batch = 64
    workers: Workers | None = None
    device: str | None = None
    parts: tuple[str, ...] = PARTS
    methods: tuple[str, ...] = tuple(RUNS)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_names("part", self.parts, PARTS)
        check_names("method", self.methods, RUNS)

    @property
    def control_cases(self) -> int:
        """Of the runs: as many for a case as in a run of 2,000 cases, which has 100."""
        return max(self.cases // 20, 1)
