"""Makes the shipped generator from nothing: trains, measures, writes weights and card."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import load_tensors
from property_cnn.faces import VERSION
from property_cnn.network.scorer import Scorer
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.architectures.stylegan1.settings import GeneratorConfig
from stylegan_ft.formats.checkpoint import load_network, save_discriminator, save_generator
from stylegan_ft.training.adversarial import FIRST_STEP, TrainSettings, train
from stylegan_ft.training.card import measure, write_card
from stylegan_ft.training.population import draw_batch
from stylegan_ft.training.pretraining import PretrainSettings, pretrain
from stylegan_ft.training.rescale import LAYER_NORM, rescale_layers

CHANNELS = (128, 128, 96, 48, 24)
"""Feature maps of the shipped generator, 4 × 4 first."""


@dataclass(frozen=True)
class GeneratorRecipe:
    """All that the generator's weights depend on, beside the renderer and the scorer.

    Args:
        config: sizes of the network.
        pretrain: regression on the renderer; None to train adversarially from scratch.
        train: adversarial training.
    """

    config: GeneratorConfig = field(default_factory=lambda: GeneratorConfig(channels=CHANNELS))
    pretrain: PretrainSettings | None = field(default_factory=PretrainSettings)
    train: TrainSettings = field(default_factory=TrainSettings)


def make_generator(
    out: str | Path,
    work: str | Path,
    scorer: Scorer,
    recipe: GeneratorRecipe | None = None,
    device: str | torch.device = "cpu",
    log: Callable[[str], None] = print,
    note: str = "",
) -> Path:
    """Makes `generator.safetensors`, its card `generator.md` and the card's pictures, and
    `discriminator.safetensors`, the network that it was trained against.

    It goes on where it was interrupted; nothing is done where weights and card are there and
    were made from the same recipe with the same renderer and scorer.

    Args:
        out: folder of those files.
        work: folder of the training's checkpoints, logs and sample grids.
        scorer: teaches the scores' part of the losses, and measures.
        recipe: sizes and settings.
        device: where to train.
        log: called with lines of text.
        note: a remark on this making, for the card.

    Returns:
        The path of the weights.
    """
    out, work, recipe = Path(out), Path(work), recipe or GeneratorRecipe()
    path, card = out / "generator.safetensors", out / "generator.md"
    made_with = {"renderer": VERSION, "scorer": scorer.digest, "layer_norm": LAYER_NORM}
    text = json.dumps({**asdict(recipe), **made_with})
    judge = out / "discriminator.safetensors"
    if card.is_file() and _made_from(path) == _made_from(judge) == text:
        log(f"{path} is up to date")
        return path
    network = GeneratorNetwork(recipe.config, seed=recipe.train.seed)
    if recipe.pretrain is not None:
        network = pretrain(
            recipe.config, recipe.pretrain, work / "pretrain", scorer.network, device, log
        )
    network, discriminator = train(
        network, recipe.train, work / "train", scorer.network, device, log
    )
    network = rescale_layers(network.cpu().eval())
    save_generator(path, network, {"recipe": text})
    save_discriminator(judge, discriminator, {"recipe": text})
    network, _ = load_network(path)  # measured as it is shipped: in half precision
    measured = measure(network, scorer.features, scorer, _training_faces(recipe), out)
    made = _made(recipe, path, scorer)
    write_card(card, measured, [*made, ("Note", note)] if note else made)
    log(f"wrote {path} and {card}")
    return path


def _made_from(path: Path) -> str | None:
    """The recipe of a network that is there, None if there is none."""
    try:
        return load_tensors(path)[1].get("recipe")
    except CheckpointError:
        return None


def _training_faces(recipe: GeneratorRecipe) -> Callable[[int], Tensor]:
    """Gives the first faces that the training showed."""
    settings, first = (recipe.pretrain, 0) if recipe.pretrain else (recipe.train, FIRST_STEP)

    def faces(n: int) -> Tensor:
        steps = range(first, first - -n // settings.batch_size)
        return torch.cat([draw_batch(k, recipe.config, settings)[2] for k in steps])[:n]

    return faces


def _made(recipe: GeneratorRecipe, path: Path, scorer: Scorer) -> list[tuple[str, str]]:
    pretraining, training, config = recipe.pretrain, recipe.train, recipe.config
    shown = f"adversarially on {training.images:,} rendered faces (logistic loss, R1"
    if pretraining is not None:
        shown = (
            f"pretrained by regression on {sum(pretraining.images):,} rendered faces (16, 32, "
            f"then 64 pixels; mapping warmed up on the faces' attributes), then {shown}, "
            f"anchored with weight {training.anchor:g}"
        )
    return [
        ("Network", "StyleGAN 1 with the split mapping, channels "
         + ", ".join(map(str, config.channels)) + f" from 4 × 4 up, {config.resolution} pixels"),
        ("File", f"{path.name}, {path.stat().st_size / 2**20:.1f} MiB, half precision; beside it "
         "discriminator.safetensors, which it was trained against"),
        ("Made", f"{shown}), scorer {scorer.digest}, renderer version {VERSION}"),
        ("Scale", "the split layers were rescaled, images unchanged, so that vectors lie "
         f"{LAYER_NORM['mapping_split2']:g} from their mean (root mean square): a strength of 1 "
         "then moves a score by about one standard deviation"),
        ("Seed", f"{training.seed}; samples below from seed 100"),
        ("Command", "`make models`"),
    ]  # fmt: skip
