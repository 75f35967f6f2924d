"""SVM directions: planted ones are recovered with their sign, whatever the workers."""

import joblib
import numpy as np
import pytest

from property_cnn.common.errors import InputError
from vectorfind.config import FindSettings
from vectorfind.methods.linear.sides import enough, fit_groups, needed_size
from vectorfind.methods.svm import SVM, fit_svm


def planted(n=1500, d=12, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.standard_normal(d).astype(np.float32)
    truth /= np.linalg.norm(truth)
    latents = (3.0 + 0.2 * rng.standard_normal((n, d))).astype(np.float32)
    return latents, latents @ truth, truth


def test_a_planted_direction_is_recovered_with_its_sign():
    latents, scores, truth = planted()
    up = fit_svm(latents.__getitem__, scores, 0.2, np.random.default_rng(0))
    down = fit_svm(latents.__getitem__, -scores, 0.2, np.random.default_rng(0))
    assert up.direction @ truth > 0.98
    assert down.direction @ truth < -0.98
    assert up.accuracy == 1.0
    assert np.linalg.norm(up.direction) == pytest.approx(1.0, abs=1e-6)


def test_scores_without_a_direction_give_an_accuracy_of_chance():
    latents, _, _ = planted()
    scores = np.random.default_rng(1).standard_normal(len(latents))
    assert fit_svm(latents.__getitem__, scores, 0.2, np.random.default_rng(0)).accuracy < 0.65


def test_the_vectors_scale_and_offset_do_not_matter():
    latents, scores, _ = planted()
    one = fit_svm(latents.__getitem__, scores, 0.2, np.random.default_rng(0)).direction
    other = fit_svm(
        (1000 * latents + 50).__getitem__, scores, 0.2, np.random.default_rng(0)
    ).direction
    assert one @ other > 0.9999


def test_workers_and_engines_change_no_byte():
    latents, scores, _ = planted(400)
    members = {"h": np.arange(0, 400, 2), "l": np.arange(1, 400, 2)}

    def fitted(workers):
        targets = {"eyes": scores, "pose": -scores}
        fits = fit_groups(fit_svm, latents.__getitem__, targets, members, 0.2, 0, workers)
        return b"".join(fit.direction.tobytes() for name in fits for fit in fits[name])

    alone = fitted(1)
    assert fitted(2) == alone
    with joblib.parallel_config(backend="threading", n_jobs=2):
        assert fitted(None) == alone


def test_a_users_joblib_configuration_is_honoured():
    latents, scores, _ = planted(100)
    calls = []

    class Recording(joblib.parallel.ThreadingBackend):
        def effective_n_jobs(self, n_jobs):
            calls.append(n_jobs)
            return 1

    joblib.register_parallel_backend("recording", Recording)
    with joblib.parallel_config(backend="recording", n_jobs=3):
        fit_groups(fit_svm, latents.__getitem__, {"eyes": scores}, {"all": np.arange(100)}, 0.2, 0)
    assert set(calls) == {3}


def check(sizes):
    SVM.check_groups(sizes, FindSettings(n=100, ratio=0.2), ("eyes",))


def test_groups_too_small_are_told_their_size_and_an_n():
    with pytest.raises(InputError) as error:
        check({"hh": 40, "hl": 12})
    message = str(error.value)
    assert "n=100 is too small for 2 groups" in message
    assert "hl, has 12 samples and needs 23" in message
    assert "n=290" in message
    check({"hh": 40, "hl": 23})


def test_an_empty_group_counts_as_none():
    with pytest.raises(InputError, match="lh, has 0 samples"):
        check({"hh": 40, "lh": 0})


@pytest.mark.parametrize("ratio", [0.05, 0.1, 0.2, 1 / 3, 0.5])
def test_the_needed_size_is_the_least_that_leaves_five_a_side(ratio):
    size = needed_size(ratio)
    assert round(ratio * size) >= 5
    assert round(ratio * (size - 1)) < 5


def test_the_advised_n_is_enough():
    assert enough(12, 100, 0.2) * 12 / 100 >= needed_size(0.2)


def test_vectors_that_are_all_the_same_have_no_direction():
    _, scores, _ = planted(100)
    with pytest.raises(InputError, match="the same vectors, so nothing parts them"):
        fit_svm(np.ones((100, 4), np.float32).__getitem__, scores, 0.2, np.random.default_rng(0))


def test_a_constant_grouping_property_is_named_whatever_n_is():
    settings = FindSettings(n=100, ratio=0.2, group_by=("hair_color", "smile"))
    with pytest.raises(InputError, match=r"smile is the same in so many samples .* 2 groups"):
        SVM.check_groups({"hh": 50, "hl": 0, "lh": 50, "ll": 0}, settings, ("eyes",))
    with pytest.raises(InputError, match="n=100 is too small"):  # none of the parts is empty
        SVM.check_groups({"hh": 50, "hl": 0, "lh": 0, "ll": 50}, settings, ("eyes",))
