"""The picture of what edits do to the hair mask of one case."""

from __future__ import annotations

import numpy as np
import torch

from property_cnn.hair import HairSegmenter
from reports import figure_png
from reports.plots.overlays import overlay_sheet
from vectorfind.directions.directions import Directions
from vectorfind.evaluation.image_test import Evaluation
from vectorfind.runs.figures import Figure, ends_of

HAIR = "hair"
"""Name of the figure's file."""

_LEGEND = ("hair before and after", "hair only after", "hair only before")


def hair_figures(
    directions: Directions, evaluation: Evaluation, segmenter: HairSegmenter
) -> dict[str, Figure]:
    """The masks of the first case before and after each property's least and greatest strength.

    Args:
        directions: those that were evaluated.
        evaluation: whose first case with hair is shown.
        segmenter: tells where hair is.
    """
    names, grid = evaluation.properties, evaluation.strengths
    ends = np.concatenate([np.diag(grid.min(axis=0)), np.diag(grid.max(axis=0))])
    order = np.arange(2 * len(names)).reshape(2, -1).T.ravel()  # both ends of a property together
    strengths = np.concatenate([np.zeros((1, len(names))), ends[order]]).astype(np.float32)
    rows = [
        f"{name.replace('_', ' ')}\n{end} {value:+.1f}"
        for index, name in enumerate(names)
        for end, value in zip(
            ends_of(name), (grid[:, index].min(), grid[:, index].max()), strict=True
        )
    ]
    for case in range(len(evaluation.z)):
        chosen = slice(case, case + 1)
        images = directions.edit_grid(evaluation.z[chosen], evaluation.label[chosen], strengths)[0]
        masks = segmenter(images)[:, 0].cpu()
        if bool((masks[0] >= 0.5).any()) or case == len(evaluation.z) - 1:
            break
    edited = images[1:].cpu().numpy()
    before = torch.as_tensor(masks[:1]).expand_as(masks[1:]).numpy()
    sheet = overlay_sheet(
        edited,
        masks[1:].numpy(),
        before,
        headings=("edited", "mask before", "mask after", "compared"),
        title=f"case {case}",
        rows=rows,
        legend=_LEGEND,
    )
    return {HAIR: Figure(figure_png(sheet))}
