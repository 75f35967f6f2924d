"""Layouts: their crops, what they share, and how they are kept in a file."""

from __future__ import annotations

import json

import pytest
import torch

from property_cnn.common.errors import InputError
from property_cnn.network.cnn import PropertyCNN
from property_cnn.network.layout import (
    BranchSettings,
    Crop,
    HeadSettings,
    NetworkSettings,
    layout_of,
)
from property_cnn.network.scorer import load_scorer, save_scorer
from property_cnn.properties import PROPERTIES

NAMES = ("both", "left", "right", "turn")
BOXES = {"left": Crop(0.3, 0.4, 0.1, 0.45), "right": Crop(0.3, 0.4, 0.55, 0.9)}
PARTS = {"both": ("left", "right")}


def settings(resolution=64):
    return NetworkSettings(resolution, 4, 6, *layout_of(NAMES, BOXES, resolution, PARTS))


def test_boxes_become_crops_with_borders_between_pixels():
    crops = {branch.name: branch.crop for branch in settings().branches}
    assert list(crops) == ["left", "right", "image"]
    assert crops["left"] == (19 / 64, 26 / 64, 6 / 64, 29 / 64)
    assert crops["image"] == (0, 1, 0, 1)
    assert settings().branches[0].pixels(64) == (7, 23)


def test_heads_read_their_boxes_and_the_image():
    heads = {head.properties: head.branches for head in settings().heads}
    assert heads == {
        ("both",): ("left", "right", "image"),
        ("left",): ("left", "image"),
        ("right",): ("right", "image"),
        ("turn",): ("left", "right", "image"),
    }
    assert settings().properties == NAMES


def test_large_crops_are_laid_out_for_smaller_images():
    sides = {branch.name: branch.side for branch in settings(512).branches}
    assert sides == {"left": 256, "right": 256, "image": 32}
    alone, _ = layout_of(("bright",), {}, 256)
    assert [branch.side for branch in alone] == [128]


def test_a_layout_is_kept_with_the_weights(tmp_path):
    torch.manual_seed(0)
    network = PropertyCNN(settings()).eval()
    save_scorer(network, tmp_path / "s.safetensors", dtype=torch.float32)
    scorer = load_scorer(tmp_path / "s.safetensors", "cpu")
    assert scorer.properties == NAMES
    assert scorer.network.settings == network.settings
    images = torch.rand(3, 3, 64, 64) * 2 - 1
    with torch.inference_mode():
        assert torch.equal(scorer(images), network(images))


def test_settings_pass_through_json():
    plain = json.loads(json.dumps(settings().plain()))
    assert NetworkSettings.of(plain) == settings()
    rendered = NetworkSettings(resolution=32)
    assert set(rendered.plain()) == {"resolution", "width", "features"}
    assert NetworkSettings.of(rendered.plain()).properties == PROPERTIES


def test_the_eye_s_score_depends_on_its_branches_only():
    network = PropertyCNN(settings()).eval()
    images = torch.rand(1, 3, 64, 64).requires_grad_()
    left = network.settings.branches[0]
    head = network.hidden["left"][0].weight
    with torch.no_grad():
        head[:, network.branches["left"].outputs :] = 0  # what it reads of the whole image
    network(images)[:, 1].sum().backward()
    seen = torch.zeros(1, 3, 64, 64)
    Crop(*left.crop).of(seen).fill_(1)
    assert torch.count_nonzero(images.grad * (1 - seen)) == 0
    assert torch.count_nonzero(images.grad) > 0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: BranchSettings("a", (0, 1, 0.5, 0.5)),
        lambda: BranchSettings("a", (0, 1, 0, 2)),
        lambda: BranchSettings("a", (0, 1, 0)),
        lambda: BranchSettings("a.b", (0, 1, 0, 1)),
        lambda: BranchSettings("a", (0, 1, 0, 1), stride=3),
        lambda: HeadSettings("a", (), ("a",)),
        lambda: NetworkSettings(branches=(), heads=(HeadSettings("a", ("a",), ("a",)),)),
        lambda: NetworkSettings(branches=2 * (BranchSettings("a", (0, 1, 0, 1)),), heads=()),
        lambda: NetworkSettings(
            branches=(BranchSettings("a", (0, 1, 0, 1)),),
            heads=(HeadSettings("a", ("x",), ("a",)), HeadSettings("b", ("x",), ("a",))),
        ),
        lambda: NetworkSettings(
            branches=(BranchSettings("a", (0, 0.001, 0, 1)),),
            heads=(HeadSettings("a", ("x",), ("a",)),),
        ),
        lambda: NetworkSettings(heads=()),
    ],
)
def test_layouts_that_do_not_fit_are_refused(wrong):
    with pytest.raises(InputError):
        wrong()
