"""Makes the scorer from nothing: renders faces, trains, measures, writes weights and card."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import atomic_write, load_tensors
from property_cnn.network.card import scorer_card
from property_cnn.network.dataset import Faces, stored_faces, versions
from property_cnn.network.scorer import load_scorer, save_scorer
from property_cnn.network.shipped import scorer_metadata
from property_cnn.network.training import ScorerSettings, predict_raw, train_scorer

TEST_SEED_STEP = 1_000_003
"""Test faces come from the population of the seed plus this one."""


def make_scorer(  # noqa: PLR0913, its keywords are the interface
    out: str | Path,
    work: str | Path,
    faces: int = 32_000,
    test_faces: int = 4_000,
    seed: int = 0,
    settings: ScorerSettings | None = None,
    device: str | torch.device = "cpu",
    log: Callable[[str], None] = print,
) -> Path:
    """Makes `scorer.safetensors` and its card `scorer.md`; goes on where it was interrupted.

    Nothing is done where both are there and were made from the same arguments by the same
    renderer and score definitions.

    Args:
        out: folder of the two files.
        work: folder of the rendered faces and the training checkpoint, hundreds of megabytes
            that may be removed afterwards.
        faces: how many to train on, validation faces included.
        test_faces: how many, of another population, to measure on.
        seed: of the faces.
        settings: of the training; images are rendered at the network's resolution.
        device: where to render and train.
        log: called with lines of text.

    Returns:
        The path of the weights.
    """
    out, work = Path(out), Path(work)
    settings = settings or ScorerSettings()
    path, card = out / "scorer.safetensors", out / "scorer.md"
    recipe = {
        "faces": faces,
        "test_faces": test_faces,
        "seed": seed,
        "settings": settings.plain(),
        **versions(),
    }
    if card.is_file() and _made_from(path) == recipe:
        log(f"{path} is up to date")
        return path
    size = settings.network.resolution
    train = _faces(work / "scorer-faces", faces, size, seed, device, log)
    test = _faces(work / "scorer-test-faces", test_faces, size, seed + TEST_SEED_STEP, device, log)
    network, validation = train_scorer(
        train.images, train.scores, settings, work / "scorer-training.pt", log, device
    )
    save_scorer(network, path, {"recipe": recipe})
    scorer = load_scorer(path, device)  # measured as it is shipped: in half precision
    predicted = predict_raw(scorer.network, test.images).cpu()
    text = scorer_card(
        recipe, scorer.digest, path.stat().st_size, network, predicted, test.scores, validation
    )
    atomic_write(card, text)
    log(f"wrote {path} and {card}")
    return path


def _made_from(path: Path) -> dict | None:
    """The recipe of a scorer that is there, None if there is none."""
    try:
        return scorer_metadata(path, load_tensors(path)[1])["recipe"]
    except (CheckpointError, KeyError):
        return None


def _faces(
    folder: Path,
    n: int,
    size: int,
    seed: int,
    device: str | torch.device,
    log: Callable[[str], None],
) -> Faces:
    log(f"{n:,} faces of {size} × {size} in {folder}")
    return stored_faces(n, size, seed, folder, device)
