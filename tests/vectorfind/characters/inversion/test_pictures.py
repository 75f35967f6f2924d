"""Edits of what was found, and the picture of all of it."""

from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from tests.vectorfind.characters.inversion.conftest import LAYERS, W_DIM
from vectorfind.characters.inversion.inversion import Inversion
from vectorfind.characters.inversion.pictures import edited_images, inversion_png
from vectorfind.models.pair import Models
from vectorfind.sampling.lessons import Unscored


@pytest.fixture
def models(generator):
    return Models(generator.with_layer("w+"), Unscored())


@pytest.fixture
def inversion(models):
    draws = np.random.default_rng(0)
    plus, w = (
        draws.standard_normal((1, size), dtype=np.float32) for size in (LAYERS * W_DIM, W_DIM)
    )
    images = {
        layer: models.synthesize(latents, layer).numpy()
        for layer, latents in (("w", w), ("w+", plus))
    }
    label = np.zeros((1, 0), np.float32)
    return Inversion(plus, "w+", w, "w", label, "tiny", {}, {}, {}, images)


def directions_at(layer, models, size):
    """Property k moves number k of the vector."""
    names = ("eyes", "mouth", "yaw", "smile")
    return SimpleNamespace(
        layer=layer,
        models=models,
        properties=names,
        strengths=dict.fromkeys(names, (-1.0, 0.0, 2.0)),
        group_of=lambda scores: np.array(["all"]),
        vectors=lambda latents, groups: np.eye(size, dtype=np.float32)[None, : len(names)],
    )


def test_directions_of_w_move_each_layer_alike(inversion, models):
    edits = edited_images(inversion, directions_at("w", models, W_DIM), models)
    assert [*edits] == ["eyes +2.0", "mouth +2.0", "yaw +2.0"]
    moved = inversion.latents.reshape(LAYERS, W_DIM).copy()
    moved[:, 1] += 2
    wanted = models.synthesize(torch.from_numpy(moved.reshape(1, -1)), "w+").numpy()
    np.testing.assert_allclose(edits["mouth +2.0"], wanted, atol=1e-6)


def test_directions_of_w_plus_move_what_they_say(inversion, models):
    edits = edited_images(inversion, directions_at("w+", models, LAYERS * W_DIM), models)
    moved = inversion.latents.copy()
    moved[:, 2] += 2
    wanted = models.synthesize(torch.from_numpy(moved), "w+").numpy()
    np.testing.assert_allclose(edits["yaw +2.0"], wanted, atol=1e-6)


def test_pictures_hold_all_images(inversion):
    row = Image.open(BytesIO(inversion_png(inversion, {"eyes +2.0": inversion.images["w"]})))
    assert row.width >= 3 * 128
    assert row.height >= 128
