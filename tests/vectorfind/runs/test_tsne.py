"""t-SNE: which samples it shows, that it keeps what lies apart apart, and that bytes repeat."""

import sys

import numpy as np
import pytest
import torch

from property_cnn.common.errors import InputError
from property_cnn.properties import PROPERTIES
from tests.vectorfind.conftest import SETTINGS
from vectorfind.runs import tsne
from vectorfind.sampling.groups import grouped
from vectorfind.sampling.sampler import Samples


def ranked(scores, unreadable=()):
    """Samples whose eyes have the given scores."""
    table = np.tile(np.asarray(scores, np.float32)[:, None], (1, len(PROPERTIES)))
    table[list(unreadable)] = np.nan
    nothing = np.empty((len(table), 0), np.float32)
    return Samples(nothing, nothing, {}, table, PROPERTIES, ~np.isnan(table).any(axis=1))


def two_clouds(count=40, size=6):
    rng = np.random.default_rng(0)
    top = np.arange(count) % 2 == 1
    return (rng.normal(size=(count, size)) + 8 * top[:, None]).astype(np.float32), top


def test_extremes_are_the_ends_of_the_ranks():
    samples = ranked([5, 3, 9, 1, 7, 0, 8, 2, 6, 4], unreadable=[2])  # nine left, two a side
    rows, top = tsne.group_extremes(samples, np.flatnonzero(samples.readable), 0.2, "eyes")
    assert rows.tolist() == [5, 3, 4, 6]  # scores 0 and 1, then 7 and 8
    assert top.tolist() == [False, False, True, True]


def test_extremes_are_thinned_evenly_and_keep_both_ends():
    samples = ranked(np.arange(100))
    rows, top = tsne.group_extremes(samples, np.arange(100), 0.5, "eyes", most=3)
    assert rows.tolist() == [0, 24, 49, 50, 74, 99]
    assert top.sum() == 3


def test_extremes_stay_within_their_group():
    samples = ranked(np.arange(20))
    rows, _ = tsne.group_extremes(samples, np.arange(10, 20), 0.5, "eyes")
    assert sorted(rows) == list(range(10, 20))


def test_the_map_keeps_apart_what_is_apart_and_repeats_on_any_threads():
    vectors, top = two_clouds()
    points = tsne.embed(vectors, seed=1)
    assert points.shape == (40, 2)
    # One coordinate tells the clouds apart on the line between their middles.
    along = (points - points.mean(axis=0)) @ (points[top].mean(axis=0) - points[~top].mean(axis=0))
    assert (along > 0).tolist() == top.tolist()
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            assert tsne.embed(vectors.copy(), seed=1).tobytes() == points.tobytes()
    finally:
        torch.set_num_threads(before)


def test_too_few_vectors_are_refused():
    with pytest.raises(InputError, match="4 vectors are too few"):
        tsne.embed(np.zeros((4, 3), np.float32))


def test_accelerated_needs_the_extension(monkeypatch):
    monkeypatch.setattr(tsne, "has_intelex", lambda: False)
    with pytest.raises(InputError, match="not installed"):
        tsne.embed(two_clouds()[0], accelerated=True)


@pytest.mark.skipif(not tsne.has_intelex(), reason="scikit-learn-intelex is for x86-64 only")
def test_the_accelerated_map_keeps_apart_what_is_apart():
    if "openvino" in sys.modules:
        pytest.skip("OpenVINO is loaded, whose TBB scikit-learn-intelex can't use")
    vectors, top = two_clouds()
    points = tsne.embed(vectors, accelerated=True)
    along = (points - points.mean(axis=0)) @ (points[top].mean(axis=0) - points[~top].mean(axis=0))
    assert (along > 0).tolist() == top.tolist()


def test_the_figure_shows_what_svms_found(samples, found):
    groups = grouped(samples, SETTINGS.group_by)
    figure = tsne.tsne_figure(samples, found("mixed"), groups, seed=0)
    again = tsne.tsne_figure(samples, found("mixed"), groups, seed=0)
    assert figure == again
    assert figure.wide.startswith(b"\x89PNG")
    assert figure.narrow.startswith(b"\x89PNG")
    assert tsne.tsne_figure(samples, found("gradient"), groups) is None
