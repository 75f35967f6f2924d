"""Latents whose image comes nearest to a picture, by gradients: in w first, then in w+.

Karras et al. 2020 ("Analyzing and improving the image quality of StyleGAN", appendix D) project
pictures into w; Abdal et al. 2019 ("Image2StyleGAN") into w+. Here both are sought in deviations
along the axes of w's covariance (Zhu et al. 2020, "Improved StyleGAN embedding: where are the good
latents?"), so that a step is as large for each axis as what is usual there, and the squared
length of a vector is its squared Mahalanobis distance from the mean. Noise maps stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from property_cnn.common.errors import InputError
from vectorfind.characters.inversion.losses import (
    landmark_distance,
    perceptual_distance,
    pixel_distance,
    pyramid,
)
from vectorfind.characters.inversion.readers import Look, Reader
from vectorfind.characters.inversion.settings import InvertSettings, LossWeights
from vectorfind.characters.inversion.usual import Usual
from vectorfind.models.pair import Models

TRIED = 0.1
"""Share of the steps that each of two starts is given, before the better one goes on."""

IN_W = 0.5
"""Share of the steps in w where w+ follows."""

RISE = 0.05
"""Share of a descent's steps in which the learning rate rises to its height."""

KEPT_EVERY = 10
"""Steps from one keeping of the state to the next."""

Keep = Callable[[Mapping[str, np.ndarray]], None]


class Objective:
    """How far the images of latents are from a picture, and how unusual the latents.

    Args:
        models: the generator.
        reader: looks at the images.
        target: (1, 3, R, R) the picture in [-1, 1].
        usual: w's distribution.
        weights: of the parts.
    """

    def __init__(
        self, models: Models, reader: Reader, target: Tensor, usual: Usual, weights: LossWeights
    ):
        self.models, self.reader, self.weights = models, reader, weights
        device = target.device
        self.mean = torch.from_numpy(usual.mean).to(device)
        self.axes = torch.from_numpy(usual.axes).to(device)
        with torch.no_grad():
            self.levels, self.look = pyramid(target), reader.look(target)

    def vectors(self, deviations: Tensor) -> Tensor:
        """Deviations (N, L, d) along the axes, L 1 or the layers of synthesis -> (N, L d)."""
        return (self.mean + deviations @ self.axes).flatten(1)

    def __call__(self, deviations: Tensor, layer: str) -> Tensor:
        """(N,) of deviations (N, L, d); differentiable.

        Args:
            layer: where vectors of L d numbers enter.
        """
        images = self.models.generator.synthesize(self.vectors(deviations), layer)
        if deviations.requires_grad and not getattr(images, "requires_grad", False):
            raise InputError("the generator's synthesize gives no gradients; inversion needs them")
        parts = self.distances(images, self.reader.look(images))
        middle = deviations.mean(1)
        parts["usual"] = middle.square().mean(1)
        parts["together"] = (deviations - middle[:, None]).square().mean(dim=(1, 2))
        return sum(getattr(self.weights, name) * part for name, part in parts.items())

    def distances(self, images: Tensor, look: Look) -> dict[str, Tensor]:
        """(N,) of each of the parts that compare images with the picture, by name."""
        parts = {
            "pixels": pixel_distance(pyramid(images), self.levels),
            "perceptual": perceptual_distance(look.maps, self.look.maps),
        }
        if look.points is not None:
            parts["landmarks"] = landmark_distance(look.points, self.look.points)
        return parts


@dataclass
class State:
    """Where a search stands: Adam's state too, so that one that was stopped goes on exactly.

    Attributes:
        stage: 0 while two starts are tried, 1 in w, 2 in w+.
        step: of the stage.
        now: (N, L, d) deviations; `best` those of the least objective so far.
        least: (N,) that.
        first, second: Adam's moments of `now`.
        w: (1, 1, d) what was found in w; empty before.
    """

    stage: int
    step: int
    now: np.ndarray
    best: np.ndarray
    least: np.ndarray
    first: np.ndarray
    second: np.ndarray
    w: np.ndarray = field(default_factory=lambda: np.empty((0, 1, 0), np.float32))

    @classmethod
    def at(cls, stage: int, now: np.ndarray, w: np.ndarray | None = None) -> State:
        """The beginning of a stage."""
        zeros = np.zeros_like(now)
        least = np.full(len(now), np.inf, np.float32)
        more = () if w is None else (w,)
        return cls(stage, 0, now, now.copy(), least, zeros, zeros.copy(), *more)

    def arrays(self) -> dict[str, np.ndarray]:
        """The same, each as an array."""
        return {name: np.asarray(value) for name, value in vars(self).items()}

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> State:
        """Back from `arrays`."""
        whole = {name: int(arrays[name]) for name in ("stage", "step")}
        return cls(**{**arrays, **whole})


def nearest_start(objective: Objective, usual: Usual, starts: int, layer: str) -> np.ndarray:
    """(2, 1, d) deviations of the mean, and of the nearest of some samples to the picture."""
    random = usual.whitened(usual.latents[:starts])[:, None]
    device, each = objective.mean.device, []
    with torch.no_grad():
        for one in np.split(random, len(random)):
            each.append(float(objective(torch.from_numpy(one).to(device), layer)[0]))
    nearest = random[int(np.argmin(each))]
    return np.stack([np.zeros_like(nearest), nearest])


def search(
    objective: Objective,
    start: Callable[[], np.ndarray],
    layers: tuple[str, int],
    settings: InvertSettings,
    hooks: tuple[Callable[[int], None], Keep],
    state: State | None = None,
) -> State:
    """The latents nearest to a picture, in w and, if asked for, then in w+.

    Args:
        objective: what is to be small.
        start: gives the deviations (2, 1, d) that are tried.
        layers: the one that w enters at, and how many layers of synthesis w+ has; 0 for w alone.
        settings: how.
        hooks: are told how many gradients were taken, and given states to keep.
        state: of a search that was stopped, which goes on.

    Returns:
        The last state, whose `best` is (1, L, d), and `w` what was found in w.
    """
    base, count = layers
    tried, steps_w, steps_plus = stages(settings.steps, count > 0)
    state = State.at(0, start()) if state is None else state
    if state.stage == 0:
        _descend(objective, base, state, tried, settings.learning_rate, hooks)
        state = State.at(1, state.best[[int(np.argmin(state.least))]])
    if state.stage == 1:
        _descend(objective, base, state, steps_w, settings.learning_rate, hooks)
        if not count:
            state.w = state.best
            return state
        state = State.at(2, np.repeat(state.best, count, axis=1), state.best)
    _descend(objective, "w+", state, steps_plus, settings.learning_rate, hooks)
    return state


def stages(steps: int, plus: bool) -> tuple[int, int, int]:
    """Steps of both starts together, in w alone and in w+ of all steps."""
    tried = max(1, round(TRIED * steps))
    left = max(1, steps - 2 * tried)
    in_plus = left - max(1, round(IN_W * left)) if plus else 0
    return tried, left - in_plus, in_plus


def _descend(
    objective: Objective,
    layer: str,
    state: State,
    steps: int,
    rate: float,
    hooks: tuple[Callable[[int], None], Keep],
) -> None:
    """Adam (Kingma and Ba 2015) with a rate that rises, then falls as a cosine; fills the state."""
    advance, keep = hooks
    device = objective.mean.device
    now = torch.from_numpy(state.now).to(device).requires_grad_()
    adam = torch.optim.Adam([now], lr=rate, betas=(0.9, 0.99))
    if state.step:
        moments = (torch.from_numpy(m).to(device) for m in (state.first, state.second))
        names = zip(("exp_avg", "exp_avg_sq"), moments, strict=True)
        adam.state[now] = {"step": torch.tensor(float(state.step)), **dict(names)}
    try:
        for step in range(state.step, steps):
            adam.param_groups[0]["lr"] = rate * scheduled(step / steps)
            with torch.inference_mode(False), torch.enable_grad():
                losses = objective(now, layer)
                (now.grad,) = torch.autograd.grad(losses.sum(), now)
            values = losses.detach().cpu().numpy()
            better = values < state.least
            best = np.where(better[:, None, None], now.detach().cpu().numpy(), state.best)
            adam.step()
            first, second = (adam.state[now][name] for name in ("exp_avg", "exp_avg_sq"))
            arrays = {"now": now.detach(), "first": first, "second": second}
            copies = {name: array.cpu().numpy().copy() for name, array in arrays.items()}
            least = np.where(better, values, state.least)
            # at once, so that no signal leaves half a step
            vars(state).update(copies, best=best, least=least, step=step + 1)
            advance(len(values))
            if state.step % KEPT_EVERY == 0:
                keep(state.arrays())
    except BaseException:  # a signal among them
        keep(state.arrays())
        raise


def scheduled(share: float) -> float:
    """The learning rate's share of its height after a share of the steps."""
    return min(1.0, (share + 1e-3) / RISE) * (0.5 + 0.5 * math.cos(math.pi * share))
