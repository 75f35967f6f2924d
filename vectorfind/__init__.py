"""Finds directions in a StyleGAN's latent space that change one property of its images.

    directions = vectorfind.find_directions(n=4000, layer="mapping_split2", method="svm", seed=0)
    evaluation = vectorfind.evaluate(directions, cases=100)
    images = directions.edit(z, label, eyes=1.2, mouth=-0.9)      # (N, 3, H, W)

Importing this package is cheap: PyTorch is loaded when the first of its names is used.
"""

from __future__ import annotations

from property_cnn.common.prompt import lazy_names

__version__ = "0.1.0"

__all__ = [
    "CallableScorer",
    "Directions",
    "Evaluation",
    "evaluate",
    "find_directions",
    "load_directions",
    "load_generator",
    "load_scorer",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "CallableScorer": "vectorfind.models.callable_scorer",
        "Character": "vectorfind.characters.character",
        "CharacterSettings": "vectorfind.characters.settings",
        "Directions": "vectorfind.directions.directions",
        "EvaluateSettings": "vectorfind.config",
        "Evaluation": "vectorfind.evaluation.image_test",
        "FindSettings": "vectorfind.config",
        "InvertSettings": "vectorfind.characters.inversion.settings",
        "engine": "property_cnn.jobs.engines.opening",
        "evaluate": "vectorfind.pipeline",
        "find_directions": "vectorfind.pipeline",
        "invert": "vectorfind.characters.inversion.job",
        "load_character": "vectorfind.characters.character",
        "load_directions": "vectorfind.directions.directions",
        "load_generator": "stylegan_ft.generator",
        "load_inversion": "vectorfind.characters.inversion.inversion",
        "load_scorer": "property_cnn.network.scorer",
        "run_test": "vectorfind.runs.test",
        "train_scorer": "vectorfind.models.training.training",
        "verify": "property_cnn.jobs.verify",
    },
)
