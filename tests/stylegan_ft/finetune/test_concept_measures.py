"""A planted generator, whose share in the filter and spread of scores are known."""

import math
from types import SimpleNamespace

import pytest
import torch

from property_cnn.common.errors import InputError
from stylegan_ft.concept import Thresholds
from stylegan_ft.finetune.concept_measures import concept_figures, concept_latents

DIM = 6
HALF = Thresholds(gender=0.5, quality=0.5, age=0.5, glasses=0.5)


def planted(shift=0.0, spread=1.0, label_dim=0):
    """A generator whose images hold z, moved and stretched, in their pixels."""

    def map(z, label):
        assert (label is None) == (label_dim == 0)
        return {"w": z * spread + shift}

    def synthesize(latents, layer):
        assert layer == "w"
        return latents[:, None, None, :].expand(-1, 3, 2, -1)

    device = torch.device("cpu")
    return SimpleNamespace(
        z_dim=DIM, label_dim=label_dim, device=device, map=map, synthesize=synthesize
    )


def classifiers(images):
    return images[:, 0, 0, :4].sigmoid()


def scorer(images):
    return images[:, 0, 0, 4:]


def test_share_and_spread_of_a_planted_generator():
    n = 20_000
    found = concept_figures(planted(spread=2.0), classifiers, scorer, HALF, n, batch_size=997)
    sigma = math.sqrt(1 / 16 * 15 / 16 / n)
    assert found.share == pytest.approx(1 / 16, abs=4 * sigma)
    assert found.attribute_shares == pytest.approx([0.5] * 4, abs=4 * math.sqrt(0.25 / n))
    assert found.mean_scores == pytest.approx([0.5] * 4, abs=0.02)
    assert found.score_stds == pytest.approx([2.0, 2.0], rel=0.03)
    assert (found.n, found.passed) == (n, round(found.share * n))


def test_the_share_is_that_of_the_latents_drawn():
    z, _ = concept_latents(DIM, 0, 500, seed=3)
    thresholds = Thresholds(gender=0.7, quality=0.01, age=0.99, glasses=0.4)
    found = concept_figures(planted(), classifiers, scorer, thresholds, 500, seed=3)
    wanted = thresholds.passes(z[:, :4].sigmoid())
    assert found.passed == int(wanted.sum())
    assert found.attribute_shares[0] == pytest.approx(
        float((z[:, 0].sigmoid() >= 0.7).float().mean())
    )


def test_a_generator_that_moves_into_the_concept_gains():
    target = torch.tensor([9.0, 9.0, -9.0, -9.0, 0.0, 0.0])
    found = concept_figures(planted(shift=target), classifiers, scorer, HALF, 64)
    assert found.share == 1.0


def test_latents_are_the_same_with_and_without_labels_and_for_more_of_them():
    z, none = concept_latents(DIM, 0, 300, seed=1)
    more, label = concept_latents(DIM, 7, 600, seed=1)
    assert torch.equal(z, more[:300])
    assert (none.shape, label.shape) == ((300, 0), (600, 7))
    assert not torch.equal(z, concept_latents(DIM, 0, 300, seed=2)[0])
    assert abs(float(torch.corrcoef(torch.stack([more[:, 0], label[:, 0]]))[0, 1])) < 0.15


def test_batches_change_nothing_and_are_reported():
    done = []
    given = (classifiers, scorer, HALF, 100, 0)
    small = concept_figures(planted(label_dim=7), *given, 7, done.append)
    assert small == concept_figures(planted(label_dim=7), *given, 100)
    assert (sum(done), len(done)) == (100, 15)


@pytest.mark.parametrize("given", [(1, 0, 8), (8, 0, 0)])
def test_too_few_are_refused(given):
    with pytest.raises(InputError, match="at least"):
        concept_figures(planted(), classifiers, scorer, HALF, *given)
