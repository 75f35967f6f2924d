"""Distillation terms: closed forms, invariances, and hooks that find their layers."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from property_cnn.common.errors import InputError
from property_cnn.segmentation.networks.effisegnet import new_student
from property_cnn.segmentation.networks.segformer import new_segformer
from property_cnn.segmentation.settings import (
    SEGFORMER_LAYERS,
    STUDENT_LAYERS,
    SegformerSettings,
    TermSettings,
)
from property_cnn.segmentation.terms import (
    LayerTaps,
    attention_transfer,
    compared_layers,
    map_loss,
    similarity_preserving,
    soft_kl,
)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_soft_kl_of_known_distributions():
    teacher = torch.tensor([0.75, 0.25]).log().view(1, 2, 1, 1)
    student = torch.zeros(1, 2, 1, 1)
    expected = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert soft_kl(student, teacher, 1.0).item() == pytest.approx(expected)
    assert soft_kl(teacher + 3, teacher, 4.0).item() == pytest.approx(0, abs=1e-6)
    root = torch.tensor([0.75**0.5, 0.25**0.5])
    root = root / root.sum()  # a temperature of 2 takes the root of the odds
    expected = 4 * (root * (root / 0.5).log()).sum()
    assert soft_kl(student, teacher, 2.0).item() == pytest.approx(expected.item(), rel=1e-5)


def test_soft_kl_of_one_channel_is_that_of_hair_and_the_rest():
    student, teacher = draw(2, 1, 3, 3), draw(2, 1, 3, 3, seed=1)
    two = [torch.cat([torch.zeros_like(x), x], dim=1) for x in (student, teacher)]
    torch.testing.assert_close(soft_kl(student, teacher), soft_kl(*two))


@pytest.mark.parametrize("channels", [1, 4])
def test_soft_kl_weighs_each_pixel_and_divides_by_all(channels):
    student, teacher = draw(2, channels, 3, 5), draw(2, channels, 3, 5, seed=1)
    weights = torch.rand(2, 3, 5, generator=torch.Generator().manual_seed(2))
    whole = soft_kl(student, teacher, 2.0)
    torch.testing.assert_close(soft_kl(student, teacher, 2.0, torch.ones(2, 3, 5)), whole)
    torch.testing.assert_close(
        soft_kl(student, teacher, 2.0, 0.25 * torch.ones(2, 3, 5)), whole / 4
    )
    assert soft_kl(student, teacher, 2.0, torch.zeros(2, 3, 5)) == 0
    alone = [
        soft_kl(*(maps[n : n + 1, :, row : row + 1, column : column + 1] for maps in pair), 2.0)
        for pair in [(student, teacher)]
        for n in range(2)
        for row in range(3)
        for column in range(5)
    ]
    expected = (torch.stack(alone) * weights.flatten()).mean()
    torch.testing.assert_close(soft_kl(student, teacher, 2.0, weights), expected)
    student.requires_grad_()
    soft_kl(student, teacher, 2.0, (weights > 0.5).float()).backward()
    followed = student.grad.abs().sum(dim=1) > 0
    assert torch.equal(followed, weights > 0.5)


def test_attention_transfer_of_known_maps():
    student, teacher = torch.zeros(1, 2, 1, 2), torch.zeros(1, 3, 1, 2)
    student[0, :, 0, 0] = 2.0  # all attention to the left
    teacher[0, :, 0, 1] = 5.0  # all to the right: unit vectors (1, 0) and (0, 1)
    assert attention_transfer(student, teacher).item() == pytest.approx(1.0)
    maps = draw(2, 4, 6, 6)
    assert attention_transfer(maps, -3 * maps).item() == pytest.approx(0, abs=1e-12)
    doubled = maps.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    assert attention_transfer(maps, doubled).item() == pytest.approx(0, abs=1e-12)


def test_similarity_preserving_of_known_batches():
    apart = torch.eye(2).view(2, 2, 1, 1)  # two images that share nothing
    alike = torch.ones(2, 3, 1, 1)  # two that are the same: rows (1, 1) / √2
    expected = 2 * ((1 - 0.5**0.5) ** 2 + 0.5) / 4
    assert similarity_preserving(alike, apart).item() == pytest.approx(expected, rel=1e-6)
    maps = draw(4, 3, 5, 5)
    turned = torch.einsum("ij,njhw->nihw", torch.linalg.qr(draw(3, 3, seed=2))[0], maps)
    assert similarity_preserving(maps, 2 * turned).item() == pytest.approx(0, abs=1e-6)
    assert similarity_preserving(maps[:1], draw(1, 2, 2, 2)).item() == pytest.approx(0, abs=1e-12)


def test_default_layers_exist_and_have_matching_sizes():
    images = torch.zeros(1, 3, 64, 64)
    student = new_student().eval()
    small = SegformerSettings((8,) * 4, (1,) * 4, (1,) * 4, decoder=8, stride=4, side=64)
    teacher = new_segformer(small).eval()
    with LayerTaps(student, STUDENT_LAYERS) as first, LayerTaps(teacher, SEGFORMER_LAYERS) as last:
        student(images)
        teacher(images)
    sizes = [tuple(maps.shape[-2:]) for maps in first.maps.values()]
    assert sizes == [(16, 16), (8, 8), (4, 4), (2, 2)]
    assert [tuple(maps.shape[-2:]) for maps in last.maps.values()] == sizes
    first.maps.clear()
    student(images)
    assert not first.maps  # the hooks are gone


class Tokens(nn.Module):
    def __init__(self, count):
        super().__init__()
        self.inner, self.count = nn.Identity(), count

    def forward(self, images):
        return self.inner(images.flatten(2).transpose(1, 2)[:, : self.count])


def test_square_tokens_become_maps_and_others_are_refused():
    images = draw(2, 3, 4, 4)
    with LayerTaps(Tokens(16), ["inner"]) as taps:
        taps._layers["inner"](images.flatten(2).transpose(1, 2))
    torch.testing.assert_close(taps.maps["inner"], images)
    network = Tokens(15)
    with LayerTaps(network, ["inner"]), pytest.raises(InputError, match="no square"):
        network(images)


def test_unknown_layers_and_wrong_terms_are_refused():
    with pytest.raises(InputError, match="no layer 'blocks'"):
        LayerTaps(nn.Sequential(nn.ReLU()), ["blocks"])
    for wrong in ({"kind": "l2"}, {"kind": "kl", "weight": 0.0}, {"kind": "kl", "temperature": 0}):
        with pytest.raises(InputError):
            TermSettings(**wrong)
    with pytest.raises(InputError, match="in pairs"):
        TermSettings("at", student_layers=("blocks.1",))


def test_a_term_of_maps_is_the_mean_over_its_pairs_of_layers():
    student = {name: draw(3, 4, 6, 6, seed=seed) for seed, name in enumerate("ab")}
    teacher = {name: draw(3, 8, 3, 3, seed=seed) for seed, name in enumerate("cd", start=5)}
    for kind, compare in (("at", attention_transfer), ("sp", similarity_preserving)):
        term = TermSettings(kind, student_layers=("a", "b"), teacher_layers=("d", "c"))
        mean = (compare(student["a"], teacher["d"]) + compare(student["b"], teacher["c"])) / 2
        torch.testing.assert_close(map_loss(term, student, teacher), mean)
        assert compared_layers([TermSettings("kl"), term]) == (["a", "b"], ["d", "c"])
    assert compared_layers([TermSettings("kl")]) == ([], [])
