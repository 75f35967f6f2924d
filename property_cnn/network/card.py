"""The scorer's card: how it was made and how well it reads faces that it never saw."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from property_cnn.network.cnn import PropertyCNN
from property_cnn.network.training import r_squared
from property_cnn.properties import PROPERTIES

UNITS = {
    "eyes": "pixels of a 224 × 224 map",
    "hair_color": "grey levels, 0–255",
    "hair_length": "rows of a 224 × 224 map",
    "mouth": "share of the mouth's area",
    "pose": "slope of the line between the eyes",
    "background_mean": "grey levels, 0–255",
    "background_std": "grey levels",
    "hairstyle": "ratio of differences",
}


def scorer_card(
    recipe: Mapping,
    digest: str,
    file_bytes: int,
    network: PropertyCNN,
    predicted: Tensor,
    wanted: Tensor,
    validation: Mapping[str, float],
) -> str:
    """The card as Markdown.

    Args:
        recipe: what `make_scorer` made it from.
        digest: name of the weights.
        file_bytes: size of the weights' file.
        network: the trained network.
        predicted: (N, 8) raw scores that it reads off the test images.
        wanted: (N, 8) raw scores of the test faces.
        validation: R² of each property on the validation faces.
    """
    settings = recipe["settings"]
    test = r_squared(predicted, wanted)
    error = (predicted - wanted).abs().mean(dim=0).tolist()
    mean, std = wanted.mean(dim=0).tolist(), wanted.std(dim=0, correction=0).tolist()
    held_out = round(settings["validation"] * recipe["faces"])
    rows = [
        f"| {name} | {test[name]:.3f} | {validation[name]:.3f} | {error[i]:.4g} "
        f"| {mean[i]:.4g} ± {std[i]:.4g} | {UNITS[name]} |"
        for i, name in enumerate(PROPERTIES)
    ]
    parameters = sum(parameter.numel() for parameter in network.parameters())
    side = settings["network"]["resolution"]
    return "\n".join(
        [
            "# Scorer",
            "",
            "Reads eight properties off the image of a face: an eight-branch CNN, each branch on "
            "its own crop. It was trained on rendered faces only, with the scores computed from "
            "their parsing maps; expect nothing of it on photographs.",
            "",
            "This card is written by `vectorfind models`, which also makes the weights.",
            "",
            "## How well it reads",
            "",
            f"Measured on {recipe['test_faces']:,} rendered faces of another seed than those it "
            f"was trained on, {side} × {side}, with the weights as shipped. R² is the share of "
            "variance explained, the error is the mean absolute one in the property's own unit.",
            "",
            "| property | R², test | R², validation | error | mean ± std | unit |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            "Its answers are z-normalised by the training faces' mean and standard deviation, "
            "which are stored with the weights.",
            "",
            "## How it was made",
            "",
            f"- Faces: {recipe['faces']:,} rendered at {side} × {side}, seed {recipe['seed']}, "
            f"the last {held_out:,} held out for validation; parsing maps at 224 × 224.",
            f"- Renderer version {recipe['renderer']}, score definitions version "
            f"{recipe['scores']}.",
            f"- Training: {settings['epochs']} epochs of AdamW, batches of "
            f"{settings['batch_size']}, learning rate {settings['lr']:g} along a half cosine, "
            f"weight decay {settings['weight_decay']:g}, "
            f"{'mirrored images (pose changes sign)' if settings['flip'] else 'no mirroring'}, "
            f"mean squared error, seed {settings['seed']}.",
            f"- Weights: {parameters:,} parameters, {file_bytes / 2**20:.2f} MiB, "
            f"digest `{digest}`.",
            "",
        ]
    )
