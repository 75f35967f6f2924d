"""What `vectorfind bench` measures, and at which sizes."""

from __future__ import annotations

from dataclasses import dataclass

from property_cnn.common.checks import check_names
from property_cnn.common.errors import InputError

PARTS = ("machine", "rates", "training", "test", "grid", "reference", "tsne")
"""What can be measured, in the order in which it is."""

RUNS = {"svm": "mapping_split2", "mixed": "mapping_split1", "gradient": "mapping_split1"}
"""The layer at which a run of each method is measured."""


@dataclass(frozen=True)
class BenchSettings:
    """Sizes and parts of a benchmark; the defaults take some ten minutes on two cores.

    Attributes:
        n: samples of the runs.
        cases: of the runs and of the grid's cells.
        grid_n: samples of the grid of three layers and two methods.
        training_n: samples, made up, that a gradient network is trained on for its speed.
        reference_n, reference_cases: size of the one run by the reference's protocol.
        seconds: that each rate is measured for.
        seed: of all random numbers.
        batch_size: images a batch, as in a run.
        workers: tasks at once, as in a run.
        device: where the networks run; None for a GPU if there is one.
        parts: what to measure.
        methods: of which a run is timed.
    """

    n: int = 8000
    cases: int = 100
    grid_n: int = 8000
    training_n: int = 160_000
    reference_n: int = 1000
    reference_cases: int = 10
    seconds: float = 6.0
    seed: int = 0
    batch_size: int = 64
    workers: int | None = None
    device: str | None = None
    parts: tuple[str, ...] = PARTS
    methods: tuple[str, ...] = tuple(RUNS)

    @property
    def control_cases(self) -> int:
        """Of the runs: as many for a case as in a run of 2,000 cases, which has 100."""
        return max(self.cases // 20, 1)

    def validate(self) -> None:
        """Raises InputError for a setting that is not allowed."""
        check_names("part", self.parts, PARTS)
        check_names("method", self.methods, RUNS)
        least = {"n": 2000, "cases": 1, "grid_n": 2000, "training_n": 1000}
        least |= {"reference_n": 1000, "reference_cases": 1, "batch_size": 1}
        for name, smallest in least.items():
            if getattr(self, name) < smallest:
                raise InputError(f"{name} is {getattr(self, name)}; give {smallest} or more")
        if not 0.0 < self.seconds < float("inf"):
            raise InputError(f"seconds is {self.seconds!r}; give a number above 0")
