"""Measures what a step of fine-tuning costs beside its forward and backward passes.

For each variant, on the shipped models: images a second of whole batches (one step of D, one of G,
optimisers, moving average and data included) against those of the passes alone, timed one by one
with the same networks and batch. 1 would mean that nothing but the passes costs time.

    python examples/benchmark_finetune.py --out benchmark_finetune.csv
"""

from __future__ import annotations

import argparse
import csv
import io
import statistics
import time
from collections.abc import Callable

import torch

from property_cnn.common.files import atomic_write
from property_cnn.jobs.engines.memory import keep_freed_memory
from property_cnn.network.scorer import load_scorer
from stylegan_ft.finetune.data import RealImages
from stylegan_ft.finetune.settings import VARIANTS, FinetuneSettings, Variant
from stylegan_ft.finetune.start import starting_discriminator, starting_generator
from stylegan_ft.finetune.trainer import Trainer
from stylegan_ft.formats.checkpoint import load_discriminator, load_network
from stylegan_ft.generator import generator_path
from stylegan_ft.training.losses import d_logistic_loss, g_logistic_loss, r1_penalty

COLUMNS = ("variant", "batch_size", "step_images_per_s", "passes_images_per_s", "ratio")


def new_trainer(variant: Variant, settings: FinetuneSettings) -> Trainer:
    """Networks of the shipped models, as a run starts from them."""
    base, _ = load_network(generator_path("default"))
    generator = starting_generator(base, variant, settings.seed)
    judge = starting_discriminator(
        variant, base.config.resolution, load_discriminator(), load_scorer(device="cpu").network
    )
    return Trainer(generator, judge, variant, settings, torch.device("cpu"))


def passes(trainer: Trainer, data: RealImages, penalise: bool) -> Callable[[], None]:
    """The forward and backward passes of one batch, and nothing else."""
    n, config = trainer.settings.batch_size, trainer.generator.config
    real, label = data.batch(torch.arange(n), torch.device("cpu"))
    z = torch.randn(n, config.z_dim)
    own = label if trainer.variant.labels else None
    given = own if own is not None else torch.randn(n, config.label_dim)
    generator, judge, settings = trainer.generator, trainer.discriminator, trainer.settings
    judged = [parameter for parameter in judge.parameters() if parameter.requires_grad]

    def run() -> None:
        fake = generator.synthesis(generator.mapping(z, given)["w"])
        pictures = real.clone().requires_grad_(penalise)
        real_scores = judge(pictures, own)
        loss = d_logistic_loss(real_scores, judge(fake.detach(), own))
        if penalise:
            loss = loss + r1_penalty(real_scores, pictures, settings.r1_gamma)
        loss.backward()
        for parameter in judged:
            parameter.requires_grad_(False)
        g_logistic_loss(judge(fake, own)).backward()
        for parameter in judged:
            parameter.requires_grad_(True)
        for network in (generator, judge):
            network.zero_grad(set_to_none=True)

    return run


def measure(name: str, batch_size: int, rounds: int) -> tuple:
    """One row of the table; step and passes are timed in turns, and the medians compared."""
    variant = VARIANTS[name]
    settings = FinetuneSettings(batch_size=batch_size, repeats=1)
    trainer = new_trainer(variant, settings)
    rng = torch.Generator().manual_seed(0)
    side, count = trainer.generator.config.resolution, 16 * batch_size
    images = torch.randint(0, 256, (count, 3, side, side), generator=rng, dtype=torch.uint8)
    data = RealImages(images, torch.randn(count, len(trainer.variant.labels), generator=rng))
    plain, penalised = (passes(trainer, data, penalise) for penalise in (False, True))
    step_times, pass_times = [], []
    for k in range(rounds + 1):
        started = time.perf_counter()
        for _ in range(settings.r1_every):
            trainer.train_batch(data)
        middle = time.perf_counter()
        penalised()
        for _ in range(settings.r1_every - 1):
            plain()
        if k:  # the first round warms up
            step_times.append(middle - started)
            pass_times.append(time.perf_counter() - middle)
    shown = settings.r1_every * batch_size
    step, alone = (shown / statistics.median(times) for times in (step_times, pass_times))
    return name, batch_size, round(step, 1), round(alone, 1), round(step / alone, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variants", default="v1,v5-1,v5-3,v9")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", help="CSV file for the table")
    given = parser.parse_args()
    keep_freed_memory()
    rows = []
    for name in given.variants.split(","):
        rows.append(measure(name, given.batch_size, given.rounds))
        print("  ".join(f"{key} {value}" for key, value in zip(COLUMNS, rows[-1], strict=True)))
    if given.out:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
        atomic_write(given.out, text.getvalue())


if __name__ == "__main__":
    main()
