"""The method object of directions by gradient, and the fields that it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from property_cnn.common.errors import InputError
from property_cnn.common.progress import Progress
from vectorfind.config import FindSettings
from vectorfind.methods.base import DirectionField, Fit, FitTask, Method
from vectorfind.methods.gradient.network import METRICS, GradientNetwork
from vectorfind.sampling.groups import WHOLE

LEAST = 50
"""Least number of readable samples that a network is trained on."""


@dataclass(frozen=True, eq=False)
class NetworkField(DirectionField):
    """The gradient, at each vector, of one head of a network.

    Attributes:
        network: that reads the score off the vectors.
        head: whose gradient, one of the network's properties.
        metrics: "mse", "mae", "rmse" and "corr" of the head on the test split.
    """

    network: GradientNetwork
    head: str
    metrics: Mapping[str, float]

    kind = "network"
    depends_on_vector = True

    @property
    def size(self) -> int:
        """d, numbers in a vector."""
        return len(self.network.centre)

    @property
    def source(self) -> GradientNetwork:
        """The network, which may have other heads."""
        return self.network

    def at(self, vectors: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """The head's unit gradient (N, d) at each vector."""
        return self.joint([self], vectors, groups)[:, 0]

    @classmethod
    def joint(
        cls, fields: Sequence[NetworkField], vectors: np.ndarray, groups: np.ndarray
    ) -> np.ndarray:
        """`at` of several heads of one network, (N, P, d)."""
        network = fields[0].network
        heads = [network.properties.index(field.head) for field in fields]
        directions = network.directions(vectors)
        whole = heads == list(range(len(network.properties)))
        return directions if whole else directions[:, heads]

    def fits(self) -> tuple[Fit, ...]:
        """The metrics of the test split."""
        return tuple(Fit(WHOLE, measure, value) for measure, value in self.metrics.items())

    def summary(self) -> str:
        """Correlation and squared error on the test split."""
        return f"test corr {self.metrics['corr']:.3f}, mse {self.metrics['mse']:.3f}"

    def curve_column(self, name: str) -> tuple[str, float]:
        """The squared error."""
        from reports.columns import network_mse_column  # loads all of reports

        return network_mse_column(name), self.metrics["mse"]

    def pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """The network's arrays; its heads and scale, this head and its metrics."""
        network = self.network
        return network.arrays(), {
            "heads": network.properties,
            "scale": network.scale,
            "head": self.head,
            "metrics": dict(self.metrics),
        }

    @classmethod
    def unpack(
        cls,
        arrays: Mapping[str, np.ndarray],
        metadata: Mapping[str, Any],
        sibling: NetworkField | None = None,
    ) -> NetworkField:
        """The field; of several of one network, all have the same."""
        if sibling is None:
            network = GradientNetwork.of_arrays(metadata["heads"], metadata["scale"], arrays)
        else:
            network = sibling.network
        head, metrics = metadata["head"], metadata["metrics"]
        if head not in network.properties:
            raise ValueError(f"a network of {network.properties} has no head {head}")
        return cls(network, head, {key: float(metrics[key]) for key in METRICS})


class GradientMethod(Method):
    """Gradients of small networks that learn to read scores off the vectors."""

    name = "gradient"
    sentence = (
        "The gradient, at each vector, of a small network that reads the score off the vectors."
    )
    title, label = "Gradient", "gradient"
    fields = (NetworkField,)
    strengths = {  # noqa: RUF012, of all instances
        "eyes": (-1.2, 1.2),
        "mouth": (-1.6, -0.8, 0.0, 0.8, 1.6),
        "pose": (-1.4, -0.7, 0.0, 0.7, 1.4),
    }

    def check_groups(
        self, sizes: Mapping[str, int], settings: FindSettings, properties: Sequence[str]
    ) -> None:
        """Raises InputError for fewer than 50 readable samples."""
        count = sum(sizes.values())
        if count < LEAST:
            raise InputError(
                f"{count} readable samples are too few for a gradient network; give {LEAST}"
            )

    def parts(
        self, settings: FindSettings, properties: Sequence[str]
    ) -> tuple[tuple[str, ...], ...]:
        """The heads of each network: one a property, or one network for all."""
        if settings.gradient.shared:
            return (tuple(properties),)
        return tuple((name,) for name in properties)

    def fit_part(self, task: FitTask) -> None:
        """Leaves one trained network's state in the checkpoint folder."""
        from vectorfind.methods.gradient.training import train_networks

        train_networks(task)

    def fit(self, task: FitTask) -> dict[str, NetworkField]:
        """A field a property; networks that the checkpoint folder holds are not trained again."""
        from vectorfind.methods.gradient.training import train_networks

        settings, names = task.settings, task.properties
        total = settings.gradient.max_epochs * len(self.parts(settings, names))
        label = f"training on {', '.join(names)}"
        trained = train_networks(task, Progress(label, total, "epochs", task.quiet).advance)
        fields = {
            head: NetworkField(network, head, metrics[head])
            for network, metrics in trained
            for head in network.properties
        }
        return {name: fields[name] for name in names}


GRADIENT = GradientMethod()
