"""SegFormer's faster decoder is the same function as the library's, with the same gradients."""

from __future__ import annotations

import copy
from functools import cache

import pytest
import torch
from transformers import SegformerForSemanticSegmentation

from property_cnn.segmentation.networks.segformer import new_segformer
from property_cnn.segmentation.settings import SEGFORMERS, SegformerSettings

SMALL = SegformerSettings((8, 16, 24, 32), (1, 2, 1, 1), (1, 2, 3, 4), decoder=12, stride=4)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def twins(settings=SMALL, classes=5):
    """One network twice, every weight away from what it was drawn as, biases and norms too."""
    ours = new_segformer(settings, classes, seed=1)
    with torch.no_grad():
        for number, weight in enumerate(ours.parameters()):
            weight += 0.1 * draw(*weight.shape, seed=number)
    return ours, copy.deepcopy(ours)


def theirs(network, images):
    """The library's own way, whatever the class has made of it."""
    return SegformerForSemanticSegmentation.forward(network, pixel_values=images).logits


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize("size", [(64, 64), (45, 83), (32, 33)], ids=str)
def test_logits_gradients_and_running_statistics_are_the_librarys(size, training):
    ours, plain = twins()
    images = draw(2, 3, *size)
    for step in range(2 if training else 1):
        first = ours.train(training).logits(images + step)
        second = theirs(plain.train(training), images + step)
        torch.testing.assert_close(first, second, rtol=1e-5, atol=1e-5)
        weights = draw(*first.shape, seed=9)
        (first * weights).mean().backward()
        (second * weights).mean().backward()
    assert first.shape[:2] == (2, 5)
    other = dict(plain.named_parameters())
    for name, weight in ours.named_parameters():
        assert weight.grad is not None, name
        torch.testing.assert_close(weight.grad, other[name].grad, rtol=1e-5, atol=1e-5, msg=name)
    buffers = dict(plain.named_buffers())
    assert {"decode_head.batch_norm.running_mean"} <= buffers.keys()
    for name, kept in ours.named_buffers():
        torch.testing.assert_close(kept, buffers[name], rtol=1e-5, atol=1e-6, msg=name)
    assert ours.decode_head.batch_norm.num_batches_tracked == (2 if training else 0)


def test_a_stride_of_2_and_other_widths():
    ours, plain = twins(SegformerSettings((8,) * 4, (1,) * 4, (1,) * 4, decoder=4, stride=2), 2)
    images = draw(1, 3, 50, 34)
    with torch.inference_mode():
        first, second = ours.eval().logits(images), theirs(plain.eval(), images)
    assert first.shape == (1, 2, 25, 17)
    torch.testing.assert_close(first, second, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(ours.logits(images).detach(), first)  # with gradients afterwards


def test_half_precision_is_near_and_gradients_stay_whole():
    ours, plain = twins()
    images = draw(2, 3, 64, 64)
    with torch.autocast("cpu", torch.bfloat16):
        half = ours.eval().logits(images).float()
    whole = theirs(plain.eval(), images)
    assert (half - whole).abs().max() < 0.1 * whole.abs().max()
    half.mean().backward()
    assert all(weight.grad.dtype == torch.float32 for weight in ours.parameters())


def test_the_papers_sizes():
    """Millions of parameters with the 150 classes of ADE20K, Xie et al. 2021, table 1."""
    published = {"b0": 3.8, "b1": 13.7, "b2": 27.5, "b3": 47.3, "b4": 64.1, "b5": 84.7}
    assert SEGFORMERS.keys() == published.keys()
    counts = {name: parameters(built(name)) for name in ("b0", "b1", "b2")}
    blocks = [parameters(stage.blocks[0]) for stage in built("b2").segformer.stages]
    for name in ("b3", "b4", "b5"):  # as b2, but for more blocks
        more = zip(SEGFORMERS[name].depths, SEGFORMERS["b2"].depths, blocks, strict=True)
        counts[name] = counts["b2"] + sum((own - less) * block for own, less, block in more)
    for name, millions in published.items():
        assert counts[name] / 1e6 == pytest.approx(millions, abs=0.15), name


@cache
def built(name):
    """A network without its weights, which takes no memory."""
    with torch.device("meta"):
        return new_segformer(SEGFORMERS[name], classes=150)


def parameters(module):
    return sum(weight.numel() for weight in module.parameters())
