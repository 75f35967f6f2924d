"""The shipped models: they load, agree across batch sizes, and their directions work."""

import numpy as np

import vectorfind
from vectorfind.models import load_models
from vectorfind.sampling import sample


def test_batch_size_changes_scores_by_less_than_1e_5():
    models = load_models("default", "default", "cpu", "float32")
    small, large = (sample(models, 200, 0, batch_size=size) for size in (7, 64))
    assert np.array_equal(small.z, large.z)
    assert np.array_equal(small.label, large.label)
    for layer, vectors in small.mids.items():
        assert np.array_equal(vectors, large.mids[layer])
    assert np.abs(small.scores - large.scores).max() <= 1e-5


def test_directions_on_the_shipped_models_are_clear_of_chance():
    directions = vectorfind.find_directions(n=600, group_by=(), seed=1, quiet=True)
    evaluation = vectorfind.evaluate(directions, cases=6, quiet=True)
    found, chance = evaluation.measured.correlation, evaluation.control.correlation
    assert (found.low > chance.high).all()
    assert (found.mean > 0.7).all()
