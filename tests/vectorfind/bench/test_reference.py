"""The reference's protocol: 8-bit pixels lose little, and what is read is what a batch reads."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tests.vectorfind.conftest import RANGE
from vectorfind.bench import reference
from vectorfind.bench.rates import flop
from vectorfind.bench.reference import Costs, grid_ratio_rows, measure_costs, run_ratio_rows
from vectorfind.bench.settings import BenchSettings
from vectorfind.bench.training import MadeUp, training_flop
from vectorfind.config import GradientSettings
from vectorfind.methods.gradient.training import VALID
from vectorfind.methods.gradient.windows import WINDOW


def test_pixels_and_back_are_the_image_to_a_step():
    images = 2 * torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(0)) - 1
    pixels = reference.to_pixels(images)
    assert pixels.shape == (5, 8, 8, 3)
    assert pixels.dtype == np.uint8
    assert (reference.from_pixels(pixels) - images).abs().max() <= 1 / 127.5


def test_pixels_are_bounded_and_the_ends_exact():
    images = torch.tensor([-3.0, -1.0, 1.0, 3.0]).reshape(1, 1, 2, 2).expand(1, 3, 2, 2)
    pixels = reference.to_pixels(images)
    assert pixels[0, :, :, 0].ravel().tolist() == [0, 0, 255, 255]
    assert reference.from_pixels(pixels)[0, 0].flatten().tolist() == [-1, -1, 1, 1]


def test_reading_singly_is_reading_together_to_a_pixel(models):
    rng = np.random.default_rng(0)
    latents = 0.3 * rng.standard_normal((6, 8)).astype(np.float32)  # no band is beyond white
    singly = reference.read_singly(models, latents, "w")
    np.testing.assert_allclose(singly, models.read(latents, "w"), atol=RANGE / 127.5)


def test_sampling_singly_gives_samples_of_every_layer(models):
    samples = reference.sample_singly(models, 10, seed=0)
    shapes = {name: latents.shape for name, latents in samples.latents.items()}
    assert shapes == {"mapping_split1": (10, 16), "mapping_split2": (10, 16), "w": (10, 8)}
    assert samples.scores.shape == (10, 8)
    assert samples.readable.all()


def test_cases_are_read_over_the_whole_grid(models):
    directions = {name: np.eye(16, dtype=np.float32)[i] for i, name in enumerate(("eyes", "pose"))}
    assert reference.read_cases(models, directions, 2, "mapping_split2", 0).shape == (2, 10, 8)


def test_training_alone_counts_its_steps_and_leaves_the_global_numbers():
    samples = MadeUp(200, 8, ("eyes",))
    before = torch.get_rng_state()
    settings = GradientSettings(max_epochs=3)
    training = reference.train_alone(samples.vectors("", np.arange(200)), samples.scores[:, 0], 0,
                                    settings)  # fmt: skip
    assert training.epochs == 3
    assert training.steps == 3 * math.ceil(160 / reference.NETWORK_BATCH)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_network_costs_what_pytorch_counts():
    network, x = reference._network(24, 0.0), torch.rand(40, 24)
    forward = flop(lambda: network(x))
    step = flop(lambda: F.mse_loss(network(x), torch.rand(40, 1)).backward())
    held = 10  # of 50 samples 40 are trained on, 5 validate, 5 test
    assert training_flop(50, 24, 1) == pytest.approx(step + held / 40 * forward)
    assert training_flop(50, 24, 3) == pytest.approx(3 * step + (3 * 5 + 5) / 40 * forward)


def test_an_epoch_is_at_most_a_window():
    most = training_flop(10 * WINDOW, 24, 2) - training_flop(10 * WINDOW, 24, 1)
    forward = flop(lambda: reference._network(24, 0.0)(torch.rand(1, 24)))
    step = 3 * forward - 2 * 24 * (768 + 6)
    assert most == pytest.approx(WINDOW * step + VALID * forward)


COSTS = Costs(
    sample=0.01,
    edit=0.02,
    fit={"mapping_split1": 0.002, "mapping_split2": 0.001, "w": 0.001},
    step={"mapping_split1": 0.1, "mapping_split2": 0.05, "w": 0.05},
    epochs=2,
)


def test_costs_of_a_run_add_up():
    images = 1000 * 0.01 + 10 * 51 * 0.02
    steps = 2 * 50  # of 800 samples by 16
    assert COSTS.run(1000, 10, "w", "svm") == pytest.approx(images + 3 * 1000 * 0.001)
    assert COSTS.run(1000, 10, "w", "gradient") == pytest.approx(images + 3 * steps * 0.05)
    mixed = images + 2 * 1000 * 0.002 + steps * 0.1
    assert COSTS.run(1000, 10, "mapping_split1", "mixed") == pytest.approx(mixed)


def test_the_grid_samples_anew_for_every_cell():
    cells = [COSTS.run(1000, 10, layer, method) for layer in COSTS.step
             for method in ("svm", "gradient")]  # fmt: skip
    assert COSTS.grid(1000, 10) == pytest.approx(sum(cells))
    assert COSTS.grid(1000, 10) > 6 * 1000 * 0.01


def test_ratios_are_of_the_protocol_to_ours(models):
    settings = BenchSettings(n=1000, cases=10, grid_n=1000)
    theirs = COSTS.run(1000, 10, "mapping_split2", "svm")
    rows = run_ratio_rows(COSTS, {"svm": theirs / 6}, models, settings)
    assert rows[-1].value == pytest.approx(6)
    assert rows[-1].note.startswith("target >= 5 x: met")
    assert "extrapolated" in rows[0].note
    assert "measured" in rows[1].note
    rows = grid_ratio_rows(COSTS, COSTS.grid(1000, 10) / 4, settings)
    assert rows[-1].value == pytest.approx(4)
    assert rows[-1].note.startswith("target >= 20 x: missed")


def test_a_small_run_by_the_protocol_tells_all_costs(models, monkeypatch):
    monkeypatch.setattr("vectorfind.bench.machine.cpu_count", lambda: 1)
    settings = BenchSettings(reference_n=300, reference_cases=1, seconds=0.05)
    costs, rows = measure_costs(models, settings)
    assert set(costs.step) == set(costs.fit) == {"mapping_split1", "mapping_split2", "w"}
    assert min(costs.sample, costs.edit, *costs.step.values(), *costs.fit.values()) > 0
    assert all(row.part == "reference" for row in rows)
