"""The benchmark: its arithmetic on known times, its table, its command; never a timing."""

import csv
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from property_cnn.common.devices import quick_dtype
from property_cnn.common.errors import InputError, VectorfindError
from property_cnn.jobs.verify import verify
from vectorfind.bench import machine as machine_module
from vectorfind.bench import rates as rates_module
from vectorfind.bench import runs as runs_module
from vectorfind.bench import suite
from vectorfind.bench.child import peak_memory
from vectorfind.bench.machine import machine, matmul_peak
from vectorfind.bench.rates import Profile, Rates, flop, measure_rates, profile_call, rate_rows
from vectorfind.bench.rows import (
    BenchRow,
    at_least,
    at_most,
    bench_folder,
    bench_lines,
    write_bench,
)
from vectorfind.bench.runs import Run, grid_rows, stage_rows
from vectorfind.bench.settings import BenchSettings
from vectorfind.cli import main

SETTINGS = BenchSettings(n=2000, cases=40, grid_n=2000)


def value(rows, measure):
    return next(row.value for row in rows if row.measure == measure)


def note(rows, measure):
    return next(row.note for row in rows if row.measure == measure)


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (at_most("p", "m", 1.15, 1.15, "x", ""), "target <= 1.15 x: met"),
        (at_most("p", "m", 1.16, 1.15, "x", "why"), "target <= 1.15 x: missed; why"),
        (at_least("p", "m", 50.0, 50.0, "%", ""), "target >= 50 %: met"),
        (at_least("p", "m", float("nan"), 50.0, "%", ""), "target >= 50 %: missed"),
    ],
)
def test_targets_are_judged(row, verdict):
    assert row.note == verdict


def test_lines_are_aligned_under_a_heading_a_part():
    rows = [
        BenchRow("rates", "both", 1234.5, "images/s", "how"),
        BenchRow("rates", "generator", 0.1234, "x"),
        BenchRow("tsne", "it", float("nan"), "s"),
    ]
    lines = bench_lines(rows)
    assert lines[0] == "rates"
    assert lines[1].split() == ["both", "1,234", "images/s", "how"]
    assert lines[2].split() == ["generator", "0.123", "x"]
    assert lines[1].index("1,234") + 5 == lines[2].index("0.123") + 5
    assert lines[3:] == ["", "tsne", "  it                 - s"]


def test_the_table_holds_every_row_and_the_machine_has_no_name(tmp_path):
    path = write_bench(tmp_path, [BenchRow("a", "b, c", 1.5, "s", "n")], {"machine": machine()})
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["part", "measure", "value", "unit", "note"]
    assert rows[0]["measure"] == "b, c"
    assert float(rows[0]["value"]) == 1.5
    described = json.loads((tmp_path / "machine.json").read_text())["machine"]
    assert set(described) == {"processor", "architecture", "cores", "memory_gib", "system", "gpu"}
    assert described["cores"] >= 1


def test_the_folder_is_a_benchmarks_own(tmp_path):
    rows = [BenchRow("a", "b", 1.5, "s")]
    for _ in range(2):
        with bench_folder(tmp_path / "out") as folder:
            write_bench(folder, rows, {})
    assert verify(tmp_path / "out").whole
    (tmp_path / "out" / "files.json").unlink()  # as versions without lists left it
    with bench_folder(tmp_path / "out") as folder:
        write_bench(folder, rows, {})
    (tmp_path / "bench.csv").write_text("mine")
    with pytest.raises(InputError, match="neither empty"), bench_folder(tmp_path):
        pass
    assert (tmp_path / "bench.csv").read_text() == "mine"


@pytest.mark.skipif(quick_dtype("cpu") == "float32", reason="no fast bfloat16 here")
def test_the_peak_of_another_precision_is_told_from_that_of_float32(monkeypatch):
    monkeypatch.setattr(machine_module, "SIDES", (16,))
    cpu = torch.device("cpu")
    (_, rows), (best, halved) = (matmul_peak(cpu, 0.0, t) for t in (torch.float32, torch.bfloat16))
    assert [row.measure for row in halved] == [f"{row.measure}, bfloat16" for row in rows]
    assert best * 1e-9 == pytest.approx(max(row.value for row in halved))


def test_rates_become_shares_of_the_peak():
    profile = Profile({"conv2d": 0.05, "square": 0.03, "linear": 0.01, "python": 0.01}, 4e9)
    rates = Rates(300.0, 1000.0, 250.0, 10e6, 2e6, profile, 16)
    rows = rate_rows(rates, 6e9, "how")
    assert value(rows, "both, operations") == 12
    assert value(rows, "generator, share of the peak") == pytest.approx(50)
    assert value(rows, "both, share of the peak") == pytest.approx(50)
    assert value(rows, "generator, time in convolutions") == pytest.approx(60)
    assert value(rows, "generator, time in square") == pytest.approx(30)
    # 160 MFLOP in 0.06 s of the 4 GFLOP/s that a thread can do
    assert value(rows, "convolutions, share of the peak") == pytest.approx(
        100 * 16 * 10e6 / 0.06 / 4e9
    )


def test_operations_of_a_product_are_counted():
    a, b = torch.rand(3, 5), torch.rand(5, 7)
    assert flop(lambda: a @ b) == 2 * 3 * 5 * 7


def test_a_profile_tells_products_from_the_rest(monkeypatch):
    monkeypatch.setattr(rates_module, "fastest_matmul", lambda: 1e9)
    a = torch.rand(64, 64)
    profile = profile_call(lambda: torch.sin(a @ a))
    assert set(profile.seconds) == {"mm", "sin", "python"}
    assert profile.products == profile.seconds["mm"]
    assert profile.peak == 1e9


def test_rates_of_small_networks_are_measured(models, monkeypatch):
    monkeypatch.setattr(rates_module, "fastest_matmul", lambda: 1e9)
    rates = measure_rates(models, replace(SETTINGS, seconds=0.03, batch_size=8))
    assert min(rates.generator, rates.scorer, rates.both) > 0
    assert rates.generator_flop == 2 * 8 * 8  # bands of w, nothing else
    assert rates.batch == 8


RUN = Run(
    method="svm",
    seconds=10.0,
    stages={"sample": 4.0, "fit": 1.0, "evaluate": 4.0},
    memory=1.5 * 2**30,
    images=500.0,
)


def test_a_run_is_judged_by_its_images_alone():
    rows = stage_rows(RUN, SETTINGS)
    assert value(rows, "svm, its images alone") == (2000 + 50 * 40) / 500
    assert value(rows, "svm, run to images alone") == pytest.approx(10 / 8)
    assert "<= 1.15 x: missed" in note(rows, "svm, run to images alone")
    assert "n=160,000" in note(rows, "svm, run to images alone")
    assert value(rows, "svm, rest") == pytest.approx(1)
    # the control is 2 of 40 cases, which have an unedited image each besides
    share = 2 * 50 / (2 * 50 + 40 * 51)
    assert value(rows, "svm, evaluate, of it the control") == pytest.approx(4 * share)
    assert value(rows, "svm, peak memory") == 1.5
    assert "<= 2 GiB: met" in note(rows, "svm, peak memory")


def test_a_run_without_a_target_or_without_its_memory_is_told_so():
    rows = stage_rows(replace(RUN, method="gradient", memory=float("nan")), SETTINGS)
    assert "target" not in note(rows, "gradient, run to images alone")
    assert note(rows, "gradient, peak memory") == "this system does not say"


def test_a_command_is_timed_and_its_memory_known():
    seconds, memory = runs_module._timed(["--version"])
    assert seconds > 0
    assert math.isnan(memory) or 2**22 < memory < peak_memory()  # not this process's


def test_a_failed_run_is_told_in_its_own_words():
    with pytest.raises(VectorfindError, match="a run ended with 2: no file nothing"):
        runs_module._timed(["info", "nothing.npz"])


def test_the_grid_is_judged_by_its_parts():
    cells = {
        "svm_w_2000": {"fit": 1.0, "evaluate": 2.0},
        "gradient_w_2000": {"train": 8.0, "evaluate": 2.0},
        "gradient_mapping_split1_2000": {"train": 8.0, "evaluate": 2.0},
    }
    rows = grid_rows(24.0, 5.0, cells, replace(SETTINGS, workers=2))
    parts = 5 + 3 + (8 / 2 + 2) * 2  # two networks shared the machine
    assert value(rows, "grid to its parts") == pytest.approx(24 / parts)
    assert value(rows, "gradient_w_2000") == 6
    rows = grid_rows(24.0, 5.0, cells, replace(SETTINGS, workers=1))
    assert value(rows, "grid to its parts") == pytest.approx(24 / 28)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"parts": ("rates", "speed")}, "unknown part 'speed'"),
        ({"n": 10}, "n is 10; give a whole number from 1,000 to"),
        ({"seconds": 0.0}, "seconds is 0.0"),
    ],
)
def test_settings_are_checked(change, words):
    with pytest.raises(InputError, match=words):
        replace(SETTINGS, **change)


def test_only_the_parts_asked_for_are_measured(models, monkeypatch):
    monkeypatch.setattr(suite, "tsne_rows", lambda *_: [BenchRow("tsne", "ratio", 5.0, "x")])
    told = []
    rows = suite.bench(replace(SETTINGS, parts=("tsne",)), models.generator, models.scorer,
                       told.append)  # fmt: skip
    assert [row.part for row in rows] == ["tsne"]
    assert told == ["t-SNE"]


def test_the_command_prints_and_writes(tmp_path, monkeypatch):
    rows = [BenchRow("rates", "both", 600.0, "images/s", "batches of 64")]
    monkeypatch.setattr(suite, "bench", lambda settings, *_: rows * len(settings.parts))
    words = ["bench", "--parts", "rates", "-n", "8K", "--out", str(tmp_path)]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert "both        600 images/s  batches of 64" in result.output
    assert (tmp_path / "bench.csv").read_text().count("\n") == 2
    assert "versions" in json.loads((tmp_path / "machine.json").read_text())


def test_the_command_refuses_unknown_parts():
    result = CliRunner().invoke(main, ["bench", "--parts", "all"])
    assert result.exit_code == 2
    assert "unknown part 'all'" in result.output


def test_random_numbers_do_not_depend_on_the_number_of_samples():
    from vectorfind.bench.training import MadeUp

    samples = MadeUp(5000, 3, ("eyes",))
    np.testing.assert_array_equal(samples.vectors("w", np.array([4096])),
                                  samples.vectors("w", np.array([0])))  # fmt: skip
    assert samples.scores.shape == (5000, 1)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_convolutions_are_told_by_their_sizes(mode, monkeypatch):
    monkeypatch.setattr(rates_module, "fastest_matmul", lambda: 1e9)
    x = torch.rand(2, 3, 8, 8)
    plain, up = torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.ConvTranspose2d(4, 5, 4, 2, 1)
    with mode():
        profile = profile_call(lambda: up(plain(x)))
    first, second = "3 to 4, 3x3, at 8", "transposed 4 to 5, 4x4, at 16"
    assert list(profile.convolutions) == [first, second]
    costs = [cost for _, cost in profile.convolutions.values()]
    assert costs == [2 * 2 * 64 * 3 * 4 * 9, 2 * 2 * 64 * 4 * 5 * 16]
    rows = rate_rows(Rates(1.0, 1.0, 1.0, sum(costs) / 2, 1.0, profile, 2), 1e9, "")
    seconds, cost = profile.convolutions[first]
    share = 100 * cost / seconds / 1e9
    assert value(rows, f"convolution {first}, share of the peak") == pytest.approx(share)


def test_memory_is_measured_on_one_thread_and_on_all(monkeypatch):
    monkeypatch.setattr(machine_module, "COPIED", 2**12)
    monkeypatch.setattr(machine_module, "cpu_count", lambda: 2)
    rows = machine_module.memory_rows(0.0)
    assert [row.measure for row in rows] == ["memory, copy", "memory, copy, 2 threads"]
    assert all(row.value > 0 for row in rows)
