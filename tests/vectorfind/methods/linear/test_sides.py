"""Linear classifiers between the extremes of a score, on vectors as they are or scaled."""

import numpy as np
from sklearn.svm import SVC

from vectorfind.methods.linear.sides import fit_sides


def test_vectors_as_they_are_feel_the_penalty_and_scaled_ones_do_not():
    rng = np.random.default_rng(0)
    vectors = (1e-3 * rng.standard_normal((400, 3)) * [1.0, 1.0, 30.0]).astype(np.float32)
    scores = vectors @ [1.0, 1.0, 0.0]

    def fit(factor, scaled):
        model = SVC(kernel="linear")
        given = (factor * vectors).__getitem__
        return fit_sides(given, scores, 0.2, np.random.default_rng(0), model, 0.3, scaled)

    assert np.allclose(fit(1.0, True).direction, fit(100.0, True).direction, atol=1e-2)
    assert not np.allclose(fit(1.0, False).direction, fit(1e4, False).direction, atol=0.1)


def test_the_share_that_is_held_out_is_that_which_is_asked_for():
    seen = []

    class Model:
        coef_ = np.ones((1, 2))

        def fit(self, x, y):
            seen.append(len(x))

        def score(self, x, y):
            seen.append(len(x))
            return 1.0

    vectors = np.random.default_rng(0).standard_normal((1000, 2)).astype(np.float32)
    draw = np.random.default_rng(0)
    fit_sides(vectors.__getitem__, vectors[:, 0], 0.02, draw, Model(), 0.3, scaled=False)
    assert seen == [28, 12]
