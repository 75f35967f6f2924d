"""How near an image came to a picture, in units that one reads, and how usual its latents are."""

from __future__ import annotations

import numpy as np
import torch

from vectorfind.characters.inversion.losses import landmark_shifts, perceptual_distance
from vectorfind.characters.inversion.optimise import Objective
from vectorfind.characters.inversion.usual import Usual

OTHERS = 4
"""Random images whose perceptual distance from the picture is taken as 1."""

RMSE, LANDMARKS, PERCEPTUAL, UNUSUAL, PERCENTILE, SPREAD = (
    "pixel_rmse",
    "landmarks_percent",
    "perceptual_share",
    "mahalanobis",
    "mahalanobis_percentile",
    "layers_apart",
)
NAMES = {
    RMSE: "root mean square difference of pixels, of 255",
    LANDMARKS: "median distance of landmarks, in per cent of the face's width",
    PERCEPTUAL: "perceptual distance, as a share of that of random images",
    UNUSUAL: "distance of the latents from the mean w, in deviations (Mahalanobis)",
    PERCENTILE: "per cent of samples that are nearer to it",
    SPREAD: "deviation of the layers' w from their mean, in deviations",
}
"""What distances are told; landmarks only where a network reads them."""


@torch.inference_mode()
def measured(
    objective: Objective, usual: Usual, deviations: np.ndarray, layer: str, base: str
) -> tuple[dict[str, float], np.ndarray]:
    """Distances by `NAMES`, and the image (1, 3, R, R).

    Args:
        objective: holds generator, reader and picture.
        usual: w's distribution.
        deviations: (1, L, d) along its axes.
        layer: where L d numbers enter.
        base: where w enters.
    """
    device = objective.mean.device
    found = torch.from_numpy(deviations).to(device)
    image = objective.models.synthesize(objective.vectors(found), layer)
    look = objective.reader.look(image)
    others = objective.models.synthesize(usual.latents[:OTHERS], base)
    apart = perceptual_distance(objective.reader.look(others).maps, objective.look.maps).mean()
    distance = float(np.sqrt(np.square(deviations).sum(2).mean()))
    told = {RMSE: float((image - objective.levels[0]).square().mean().sqrt() * 127.5)}
    if look.points is not None:
        shifts = landmark_shifts(look.points, objective.look.points)
        told[LANDMARKS] = 100 * float(shifts.median())
    own = perceptual_distance(look.maps, objective.look.maps)
    told[PERCEPTUAL] = float(own[0] / apart.clamp_min(1e-12))
    told |= {UNUSUAL: distance, PERCENTILE: usual.percentile(distance)}
    if deviations.shape[1] > 1:
        middle = deviations.mean(1, keepdims=True)
        told[SPREAD] = float(np.sqrt(np.square(deviations - middle).mean()))
    return {name: round(value, 6) for name, value in told.items()}, image.cpu().numpy()
