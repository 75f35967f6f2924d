"""Every method of finding directions on one generator, from the same samples, on the same cases.

    python examples/methods.py base methods/base 8000 100
    python examples/methods.py random methods/random 4000 30
    python examples/methods.py mobilestylegan methods/photographs 4000 40 --judge iris --judge dlib

The generator's name or file, "random" for a StyleGAN2 of random weights, which makes no faces; a
folder, the number of samples and of cases, and judges. All directions live at w and have strengths
in standard deviations of the score, so that a strength asks the same change of each;
`decoupled-keep` also leaves all other scores alone. A run's folder a method, a page that compares
them with the first, SVM, `comparison/report.html`, and `seconds.csv`: how long each took to fit to
the samples. It goes on where it was stopped.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import pandas as pd
import torch

from stylegan_ft.architectures.stylegan2.network import StyleGAN2
from stylegan_ft.architectures.stylegan2.settings import StyleGAN2Config
from vectorfind.config import EvaluateSettings, FindSettings
from vectorfind.models.scorers import scored_by
from vectorfind.runs.comparison import compare_several
from vectorfind.runs.test import run_test

METHODS = ("svm", "gradient", "ridge", "logistic", "interfacegan", "pca", "sefa", "decoupled")
STRENGTHS = {"eyes": (-1.0, 1.0), "mouth": (-1.5, -0.75, 0.0, 0.75, 1.5)}
TURNS = {"pose": (-1.0, -0.5, 0.0, 0.5, 1.0), "yaw": (-0.5, 0.0, 0.5)}
PHOTOGRAPHS = 128
"""Side of photographs, in pixels."""


def random_generator(path: Path) -> Path:
    """A StyleGAN2 of 64 × 64 with random weights, as a plain state dict."""
    config = StyleGAN2Config(64, (128, 128, 64, 32, 16), z_dim=512, w_dim=512, mapping_layers=8)
    random = torch.Generator().manual_seed(5)
    state = {}
    for name, tensor in StyleGAN2(config).state_dict().items():
        kind = name.rpartition(".")[2]
        scale = 100.0 if name.startswith("mapping.fc") else 1.0  # their learning rate is 1/100
        drawn = scale * torch.randn(tensor.shape, generator=random)
        state[name] = drawn if kind in ("weight", "const") else tensor
    torch.save({"g_ema": state}, path)
    return path


@click.command()
@click.argument("generator")
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("n", default=8000)
@click.argument("cases", default=100)
@click.option("--judge", "judges", multiple=True)
def main(generator: str, out: Path, n: int, cases: int, judges: tuple[str, ...]) -> None:
    """Runs all methods on GENERATOR, from N samples, on so many CASES, into OUT."""
    out.mkdir(parents=True, exist_ok=True)
    photographs = generator == "mobilestylegan"
    if generator == "random":
        generator = str(random_generator(out / "random.pt"))
    scorer, turn = ("landmarks", "yaw") if photographs else ("default", "pose")
    properties = ("eyes", "mouth", turn)
    aliases = {"left_eye", "right_eye", "pose", "yaw", "roll", *properties}
    others = tuple(name for name in scored_by(scorer) if name not in aliases)
    runs = {name: (name, ()) for name in METHODS} | {"decoupled-keep": ("decoupled", others)}
    test = EvaluateSettings(cases, strengths=STRENGTHS | {turn: TURNS[turn]}, control_cases=0)
    for name, (method, keep) in runs.items():
        find = FindSettings(
            n, "w", method, properties, (), units="sigma", keep=keep, strengths=test.strengths,
            size=PHOTOGRAPHS if photographs else None,
        )  # fmt: skip
        store = out / "samples"
        report = run_test(find, test, out / name, generator, scorer, store, judges=judges)
        print(f"{name}: {report.lines[0]}", flush=True)
    fits = {name: json.loads((out / name / "timings.json").read_text())["fit"] for name in runs}
    table = pd.DataFrame({"method": list(fits), "seconds": list(fits.values())})
    table.to_csv(out / "seconds.csv", index=False, float_format="%.1f")
    report = compare_several([out / name for name in runs], out / "comparison")
    print(*report.lines, f"report: {report.page}", sep="\n")


if __name__ == "__main__":
    main()
