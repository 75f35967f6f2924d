"""Training of gradient networks: planted directions, windows, and going on after a stop."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from property_cnn.common import tasks
from property_cnn.common.arrays import map_npy
from property_cnn.common.errors import InputError
from property_cnn.common.streams import NETWORKS, random_stream
from vectorfind.config import FindSettings, GradientSettings
from vectorfind.methods.base import FitTask
from vectorfind.methods.gradient import training
from vectorfind.methods.gradient import windows as gradient_rows
from vectorfind.methods.gradient.method import GRADIENT
from vectorfind.methods.gradient.network import WEIGHTS
from vectorfind.methods.gradient.training import batch_size_of, train_networks
from vectorfind.methods.gradient.windows import Reader, centre_and_scale, window_rows

NAMES = ("eyes", "mouth", "pose")
SHORT = GradientSettings(max_epochs=12, shared=True)
TWO = GradientSettings(max_epochs=2, shared=True)


def samples_of(latents, scores, readable=None):
    """Samples in memory; `asked` collects the rows whose vectors were read."""
    asked = []

    def vectors(layer, rows):
        assert layer == "w"
        asked.append(rows)
        return latents[rows]

    readable = np.ones(len(latents), bool) if readable is None else readable
    return SimpleNamespace(
        scores=scores, properties=NAMES, readable=readable, vectors=vectors, asked=asked
    )


def planted(n=1500, d=10):
    """Vectors, scores linear and by tanh and falling, and their three unit directions."""
    rng = np.random.default_rng(0)
    truth = rng.standard_normal((3, d)).astype(np.float32)
    truth /= np.linalg.norm(truth, axis=1, keepdims=True)
    latents = (2 + 0.3 * rng.standard_normal((n, d))).astype(np.float32)
    along = (latents - 2) @ truth.T / 0.3
    scores = np.stack([5 + 7 * along[:, 0], np.tanh(along[:, 1]), -along[:, 2]], axis=1)
    return latents, scores.astype(np.float32), truth * np.array([[1], [1], [-1]], np.float32)


def noise(n=150, d=8):
    rng = np.random.default_rng(0)
    latents = rng.standard_normal((n, d)).astype(np.float32)
    return samples_of(latents, rng.standard_normal((n, 3)).astype(np.float32))


def train(samples, names, seed, settings, checkpoint=None, workers=None, **options):
    find = FindSettings(layer="w", seed=seed, gradient=settings, workers=workers)
    task = FitTask(samples, {}, find, tuple(names), checkpoint=checkpoint)
    return train_networks(task, **options)


def bytes_of(trained):
    return [
        [network.centre.tobytes(), network.scale, metrics]
        + [network.weights[key].tobytes() for key in WEIGHTS]
        for network, metrics in trained
    ]


@pytest.fixture
def small_windows(monkeypatch):
    """Windows of 4 shards of 8 samples."""
    monkeypatch.setattr(gradient_rows, "SHARD", 8)
    monkeypatch.setattr(gradient_rows, "WINDOW", 32)


def test_planted_directions_are_recovered_with_their_sign_by_one_network_and_by_several():
    latents, scores, truth = planted()
    found = {}
    for shared in (True, False):
        settings = GradientSettings(max_epochs=12, shared=shared)
        trained = train(samples_of(latents, scores), NAMES, 0, settings)
        assert [network.properties for network, _ in trained] == (
            [NAMES] if shared else [(name,) for name in NAMES]
        )
        metrics = {name: values for _, by_name in trained for name, values in by_name.items()}
        found[shared] = np.concatenate([net.directions(latents[:50]) for net, _ in trained], axis=1)
        cosines = (found[shared] * truth).sum(axis=2)
        assert cosines.mean(axis=0).min() > 0.97
        assert cosines.min() > 0.8
        for name in NAMES:
            assert metrics[name]["corr"] > 0.98
            assert metrics[name]["mse"] < 0.04
            assert metrics[name]["rmse"] == pytest.approx(metrics[name]["mse"] ** 0.5)
            assert metrics[name]["mae"] <= metrics[name]["rmse"]
    assert (found[True] * found[False]).sum(axis=2).mean(axis=0).min() > 0.97


def test_a_bent_score_has_another_direction_at_each_vector():
    latents = np.random.default_rng(1).standard_normal((1500, 4)).astype(np.float32)
    scores = np.stack([latents[:, 0] * latents[:, 1]] * 3, axis=1)
    settings = GradientSettings(max_epochs=25)
    [(network, _)] = train(samples_of(latents, scores), ("mouth",), 0, settings)
    ends = network.directions(np.array([[0, 1, 0, 0], [0, -1, 0, 0]], np.float32))
    assert ends[0, 0, 0] > 0.8  # d(xy)/dx = y
    assert ends[1, 0, 0] < -0.8


def test_metrics_are_those_of_the_test_split():
    latents, scores, _ = planted(200)
    [(network, metrics)] = train(samples_of(latents, scores), NAMES, 3, TWO)
    test = random_stream(3, NETWORKS).permutation(200)[180:]
    wanted = (scores - scores.mean(axis=0)) / scores.std(axis=0)
    errors = ((network.predict(latents[test]) - wanted[test]) ** 2).mean(axis=0)
    assert [metrics[name]["mse"] for name in NAMES] == pytest.approx(errors, rel=1e-4)


def test_sizes_follow_from_the_vectors_and_the_properties():
    latents, scores, _ = planted(100, 16)
    [(network, _)] = train(samples_of(latents, scores), NAMES[:2], 0, TWO)
    assert network.weights["weight1"].shape == (772, 16)
    assert network.weights["weight2"].shape == (130, 772)
    assert network.weights["weight3"].shape == (2, 130)
    assert network.weights["bias3"].shape == (2,)


def test_the_same_seed_gives_the_same_bytes_and_leaves_global_randomness_alone():
    samples = samples_of(*planted(200)[:2])
    state = torch.get_rng_state()
    one, other = (train(samples, NAMES, 0, TWO) for _ in range(2))
    assert bytes_of(one) == bytes_of(other)
    assert torch.equal(state, torch.get_rng_state())
    changed = train(samples, NAMES, 1, TWO)
    assert bytes_of(changed) != bytes_of(one)


def test_every_network_is_trained_on_as_many_threads(monkeypatch, small_windows):
    monkeypatch.setattr(tasks, "TRAINING_THREADS", 2)
    latents, scores, _ = planted(200)
    samples, seen = samples_of(latents, scores), set()
    monkeypatch.setattr(training, "_fit", lambda *_: seen.add(torch.get_num_threads()))
    for settings in (TWO, replace(TWO, shared=False)):
        for workers in (1, 2):
            train(samples, NAMES, 0, settings, workers=workers)
    assert seen == {2}


def test_samples_on_disk_give_the_bytes_of_those_in_memory(tmp_path, small_windows):
    latents, scores, _ = planted(200)
    np.save(tmp_path / "latents.npy", latents)

    class Stored:
        properties = NAMES
        readable = np.ones(200, bool)

        def vectors(self, layer, rows):
            return map_npy(tmp_path / "latents.npy")[rows]

    stored = Stored()
    stored.scores = scores
    settings = GradientSettings(max_epochs=9)
    given = [
        train(samples, NAMES, 0, settings) for samples in (samples_of(latents, scores), stored)
    ]
    assert bytes_of(given[0]) == bytes_of(given[1])


def test_every_row_is_in_one_window_of_each_pass(small_windows):
    def stream(*keys):
        return random_stream(0, NETWORKS, *keys)

    rows = np.flatnonzero(np.arange(203) % 5)
    shards = len(np.unique(rows // 8))
    windows = -(-shards // 4)
    passes = []
    for turn in range(3):
        cut = [window_rows(rows, turn * windows + place, stream) for place in range(windows)]
        assert np.array_equal(np.sort(np.concatenate(cut)), rows)
        assert all(np.array_equal(np.sort(some), some) for some in cut)
        assert max(len(np.unique(some // 8)) for some in cut) <= 4
        passes.append(tuple(cut[0]))
    assert len(set(passes)) == 3


def test_few_samples_are_one_window_that_is_read_once():
    samples = noise()
    train(samples, NAMES, 0, GradientSettings(max_epochs=3, shared=True))
    # The centre's sums, the validation split, the window, and the test split.
    assert [len(rows) for rows in samples.asked] == [120, 15, 120, 15]


def test_rounds_of_many_windows_learn_a_planted_direction(small_windows):
    latents, scores, truth = planted(600)
    settings = GradientSettings(max_epochs=60, decay=0.98, batch_size=8, shared=True)
    [(network, metrics)] = train(samples_of(latents, scores), NAMES, 0, settings)
    assert metrics["eyes"]["corr"] > 0.95
    assert (network.directions(latents[:20]) * truth).sum(axis=2).mean(axis=0).min() > 0.9


def test_centre_and_scale_are_those_of_the_rows_block_by_block(monkeypatch):
    monkeypatch.setattr(gradient_rows, "BLOCK", 8)
    rng = np.random.default_rng(0)
    latents = (1000 + rng.standard_normal((61, 5))).astype(np.float32)
    samples, rows = samples_of(latents, None), np.arange(0, 61, 2)
    centre, scale = centre_and_scale(samples, "w", rows)
    exact = latents[rows].astype(np.float64)
    assert np.allclose(centre, exact.mean(axis=0), rtol=1e-7)
    assert scale == pytest.approx(np.sqrt(((exact - exact.mean(axis=0)) ** 2).mean()))
    seen = Reader(samples, "w", centre, scale).read(rows)
    assert np.allclose(seen, (latents[rows] - centre.numpy()) / scale, atol=1e-6)
    assert centre_and_scale(samples_of(np.ones((3, 5), np.float32), None), "w", rows[:2])[1] == 1


def test_unreadable_rows_are_never_read():
    latents, scores, _ = planted(200)
    readable = np.arange(200) % 3 > 0
    scores[~readable] = np.nan
    latents[~readable] = np.nan
    samples = samples_of(latents, scores, readable)
    [(network, metrics)] = train(samples, NAMES, 0, TWO)
    assert readable[np.concatenate(samples.asked)].all()
    assert np.isfinite(network.weights["weight1"]).all()
    assert np.isfinite(metrics["pose"]["mse"])


def test_rounds_come_to_their_number_though_training_stops_early(tmp_path):
    steps = []
    settings = GradientSettings(max_epochs=60, patience=2, learning_rate=3e-3, shared=False)
    train(noise(), NAMES[:2], 0, settings, progress=steps.append)
    assert sum(steps) == 120
    assert max(steps) > 10


class Stopped(Exception):
    pass


@pytest.mark.parametrize(("shared", "stop"), [(True, 1), (True, 4), (False, 3), (False, 7)])
def test_a_stopped_training_goes_on_to_the_same_bytes(tmp_path, small_windows, shared, stop):
    samples = noise()
    settings = GradientSettings(max_epochs=5, shared=shared)
    whole = train(samples, NAMES, 0, settings)
    done = []

    def stopping(rounds):
        done.append(rounds)
        if sum(done) >= stop:
            raise Stopped

    def go_on(progress):
        return train(
            samples,
            NAMES,
            0,
            settings,
            checkpoint=tmp_path,
            progress=progress,
            every=0,
            workers=1,
        )

    with pytest.raises(Stopped):
        go_on(stopping)
    steps = []
    assert bytes_of(go_on(steps.append)) == bytes_of(whole)
    assert sum(steps) == 5 * (1 if shared else 3)
    assert steps[0] == min(stop, 5)  # what the file already held
    assert bytes_of(go_on(None)) == bytes_of(whole)  # finished ones are not trained again


@pytest.mark.parametrize(
    "change", ["settings", "dtype", "seed", "scores", "names", "damaged", "cut"]
)
def test_a_state_of_another_training_is_not_used(tmp_path, change):
    samples, names, seed, settings = noise(), NAMES, 0, TWO
    train(samples, names, seed, settings, checkpoint=tmp_path)
    [path] = tmp_path.iterdir()
    match change:
        case "settings":
            settings = GradientSettings(max_epochs=3)
        case "dtype":
            other = {"float32": "bfloat16", "bfloat16": "float32"}
            settings = replace(TWO, dtype=other[TWO.resolve("cpu").dtype])
        case "seed":
            seed = 1
        case "scores":
            samples.scores = samples.scores * [[1, -1, 1]]
        case "names":
            names = ("pose", "mouth", "eyes")
        case "damaged":
            path.write_bytes(b"nothing")
        case "cut":
            path.write_bytes(path.read_bytes()[:-100])
    fresh = train(samples, names, seed, settings)
    steps = []
    given = train(samples, names, seed, settings, checkpoint=tmp_path, progress=steps.append)
    assert bytes_of(given) == bytes_of(fresh)
    assert 1 in steps


def test_nothing_is_written_without_a_folder_or_before_it_is_time(tmp_path):
    def look(_):
        assert not list(tmp_path.iterdir())

    train(noise(), NAMES, 0, SHORT, checkpoint=tmp_path, progress=look, every=1e9)


def test_batches_grow_with_the_samples():
    counts = (40, 6400, 16_384, 26_000, 128_000, 10**6)
    assert [batch_size_of(count) for count in counts] == [64, 64, 128, 256, 1024, 1024]


def test_dropout_of_nothing_and_of_much_both_train():
    for dropout in (0.0, 0.9):
        settings = GradientSettings(max_epochs=1, dropout=dropout)
        [(_, metrics)] = train(noise(), ("eyes",), 0, settings)
        assert np.isfinite(metrics["eyes"]["mse"])


def test_both_precisions_find_the_same_directions_and_keep_float32_weights():
    latents, scores, _ = planted(400)
    found = []
    for dtype in ("float32", "bfloat16"):
        settings = GradientSettings(max_epochs=10, dtype=dtype)
        [(network, metrics)] = train(samples_of(latents, scores), ("eyes",), 0, settings)
        assert network.weights["weight1"].dtype == np.float32
        found.append((network.directions(latents[:50])[:, 0], metrics["eyes"]["mse"]))
    assert found[0][1] != found[1][1]
    assert found[1][1] == pytest.approx(found[0][1], rel=0.2)
    assert (found[0][0] * found[1][0]).sum(axis=1).min() > 0.99


def test_too_few_readable_samples_are_refused():
    GRADIENT.check_groups({"h": 20, "l": 30}, FindSettings(), NAMES)
    with pytest.raises(InputError, match="49 readable samples"):
        GRADIENT.check_groups({"h": 20, "l": 29}, FindSettings(), NAMES)


def test_a_network_is_the_same_whatever_is_trained_beside_it(tmp_path):
    settings = GradientSettings(max_epochs=2)
    every = train(noise(), NAMES, 0, settings)
    assert bytes_of(train(noise(), ("mouth",), 0, settings, tmp_path)) == bytes_of(every[1:2])
    steps = []
    assert bytes_of(train(noise(), NAMES, 0, settings, tmp_path, 1, progress=steps.append)) == (
        bytes_of(every)
    )
    assert 2 in steps  # the one that was there already
