"""The discriminator: names of weights, its pieces, labels, level of detail, double gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from property_cnn.common.errors import InputError
from stylegan_ft.architectures.stylegan1.discriminator import (
    Discriminator,
    conv_downsample,
    minibatch_std,
)
from stylegan_ft.training.losses import r1_penalty


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(2)


@pytest.fixture
def images(rng) -> torch.Tensor:
    return torch.randn(4, 3, 16, 16, generator=rng)


def tiny(**settings) -> Discriminator:
    return Discriminator(16, (8, 7, 6), **settings)


def test_keys_are_the_originals():
    state = tiny(label_dim=2, unconditional=False).state_dict()
    shapes = {
        "lod": (), "input0.weight": (6, 3, 1, 1), "input1.weight": (7, 3, 1, 1),
        "input2.weight": (8, 3, 1, 1), "input0.bias": (6,), "input1.bias": (7,),
        "input2.bias": (8,), "layer0.weight": (6, 6, 3, 3), "layer0.bias": (6,),
        "layer1.weight": (7, 6, 3, 3), "layer1.bias": (7,), "layer1.blur.kernel": (6, 1, 3, 3),
        "layer2.weight": (7, 7, 3, 3), "layer2.bias": (7,), "layer3.weight": (8, 7, 3, 3),
        "layer3.bias": (8,), "layer3.blur.kernel": (7, 1, 3, 3), "layer4.weight": (8, 9, 3, 3),
        "layer4.bias": (8,), "layer5.weight": (8, 128), "layer5.bias": (8,),
        "layer6.weight": (2, 8), "layer6.bias": (2,),
    }  # fmt: skip
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == shapes


def test_downsampling_convolution_is_convolution_then_average_pooling(rng):
    x, weight = torch.randn(2, 3, 8, 8, generator=rng), torch.randn(5, 3, 3, 3, generator=rng)
    expected = F.avg_pool2d(F.conv2d(x, weight, padding=1), 2)
    torch.testing.assert_close(conv_downsample(x, weight), expected, rtol=1e-4, atol=1e-5)


def test_minibatch_std_by_hand():
    x = torch.zeros(4, 2, 3, 3)
    x[2:, 1] = 2.0  # rows 0 and 2, 1 and 3 are pairs: std 1 in half of the channels
    out = minibatch_std(x, group=2)
    assert out.shape == (4, 3, 3, 3)
    assert torch.equal(out[:, :2], x)
    torch.testing.assert_close(out[:, 2], torch.full((4, 3, 3), 0.5), rtol=0, atol=1e-3)
    same = minibatch_std(x[:1].repeat(3, 1, 1, 1), group=2)  # 3 rows have no pairs
    torch.testing.assert_close(same[:, 2], torch.zeros(3, 3, 3), rtol=0, atol=1e-3)


def test_scores_have_one_number_a_row_and_depend_on_the_seed_alone(images):
    scores = tiny(seed=1)(images)
    assert scores.shape == (4,)
    assert torch.equal(scores, tiny(seed=1)(images))
    assert not torch.equal(scores, tiny(seed=2)(images))


def test_label_multiplies_its_outputs(images, rng):
    network = tiny(label_dim=2).requires_grad_(False)
    network.layer6.bias.copy_(torch.tensor([0.5, 0.0, 0.0]))
    label = torch.randn(4, 2, generator=rng)
    zero = network(images, torch.zeros(4, 2))
    effect = network(images, label) - zero
    torch.testing.assert_close(network(images, -label) - zero, -effect)
    original = tiny(label_dim=2, unconditional=False)
    assert torch.equal(original(images, torch.zeros(4, 2)), torch.zeros(4))


def test_label_and_image_of_other_shapes_are_refused(images):
    with pytest.raises(InputError, match="no label"):
        tiny(label_dim=2)(images)
    with pytest.raises(InputError, match=r"shape \(4, 3\)"):
        tiny(label_dim=2)(images, torch.zeros(4, 3))
    with pytest.raises(InputError, match="16 × 16"):
        tiny()(images[..., :8])
    with pytest.raises(InputError, match="power of two"):
        Discriminator(20, (8, 8))


def test_level_of_detail_takes_small_images_and_blends(images):
    network = tiny().requires_grad_(False)
    small = F.avg_pool2d(images, 2)
    torch.testing.assert_close(network(images, lod=1), network(small, lod=1))
    near_one = network(images, lod=1 - 1e-6)
    torch.testing.assert_close(near_one, network(small, lod=1), rtol=1e-3, atol=1e-4)
    assert not torch.allclose(network(images), near_one)
    with pytest.raises(InputError, match="between 0 and 2"):
        network(images, lod=2.5)


def test_r1_reaches_every_weight_that_shapes_the_gradient(images):
    network = tiny()
    images.requires_grad_()
    r1_penalty(network(images), images).backward()
    without = {name for name, p in network.named_parameters() if p.grad is None}
    used = {name for name, _ in network.named_parameters() if name.endswith("weight")}
    assert not (used - {"input1.weight", "input2.weight"}) & without


def test_r1_gradient_is_the_numerical_one(rng):
    network = tiny().double()
    images = torch.randn(2, 3, 16, 16, generator=rng).double().requires_grad_()
    weight = network.layer1.weight

    def penalty() -> torch.Tensor:
        return r1_penalty(network(images), images, gamma=1.0)

    (gradient,) = torch.autograd.grad(penalty(), weight)
    step = torch.randn(weight.shape, generator=rng).double()
    with torch.no_grad():
        weight.add_(1e-6 * step)
    above = penalty().detach()
    with torch.no_grad():
        weight.sub_(2e-6 * step)
    numerical = (above - penalty().detach()) / 2e-6
    assert float((gradient * step).sum()) == pytest.approx(float(numerical), rel=1e-4)
