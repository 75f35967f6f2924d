"""Training: planted scores are learned, a broken-off run ends in the same bytes."""

from __future__ import annotations

import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.training_state import save_state
from property_cnn.network import training
from property_cnn.network.layout import NetworkSettings, layout_of
from property_cnn.network.training import (
    ScorerSettings,
    mirrored_scores,
    predict_raw,
    r_squared,
    train_scorer,
)
from property_cnn.pictures import to_bytes
from property_cnn.properties import PROPERTIES

TINY = ScorerSettings(
    epochs=3, batch_size=16, lr=1e-2, network=NetworkSettings(resolution=32, width=4, features=8)
)


def planted(n=320, size=32, seed=0):
    """uint8 images with a brightness and a slope, and raw scores that tell them."""
    generator = torch.Generator().manual_seed(seed)
    brightness, slope = (torch.rand(2, n, generator=generator) - 0.5).unbind()
    across = torch.linspace(-1, 1, size)
    images = brightness[:, None, None, None] + slope[:, None, None, None] * across
    images = images.expand(n, 3, size, size) + 0.02 * torch.randn(
        n, 3, size, size, generator=generator
    )
    targets = brightness[:, None] * torch.arange(1.0, 9.0) * 10 + 50
    targets[:, PROPERTIES.index("pose")] = slope  # mirrored images have the opposite one
    return to_bytes(images.clamp(-1, 1)), targets


def state(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def test_planted_scores_are_learned_with_their_units():
    images, targets = planted()
    network, found = train_scorer(images, targets, TINY)
    assert set(found) == set(PROPERTIES)
    assert min(found.values()) > 0.8
    fresh_images, fresh_targets = planted(n=60, seed=1)
    fresh = r_squared(predict_raw(network, fresh_images), fresh_targets)
    assert min(fresh.values()) > 0.8
    train = targets[:288].double()
    torch.testing.assert_close(network.score_mean, train.mean(0).float())
    torch.testing.assert_close(network.score_std, train.std(0, correction=0).float())


def test_bytes_and_floats_train_alike():
    images, targets = planted(n=64)
    settings = ScorerSettings(epochs=1, batch_size=16, network=TINY.network)
    first, _ = train_scorer(images, targets, settings)
    second, _ = train_scorer(images.float() / 127.5 - 1, targets, settings)
    torch.testing.assert_close(state(first), state(second))


def test_a_broken_off_training_ends_in_the_same_bytes(tmp_path):
    images, targets = planted(n=64)
    whole, _ = train_scorer(images, targets, TINY)

    class Broken(Exception):
        pass

    lines = []

    def interrupt(line):
        lines.append(line)
        raise Broken

    checkpoint = tmp_path / "training.pt"
    with pytest.raises(Broken):
        train_scorer(images, targets, TINY, checkpoint, log=interrupt)
    resumed, _ = train_scorer(images, targets, TINY, checkpoint, log=lines.append)
    assert [line.split(",")[0] for line in lines] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    for name, tensor in state(whole).items():
        assert torch.equal(tensor, state(resumed)[name]), name
    finished, found = train_scorer(images, targets, TINY, checkpoint)
    assert torch.equal(finished.score_mean, whole.score_mean)
    assert set(found) == set(PROPERTIES)


def test_the_global_generator_is_left_alone():
    images, targets = planted(n=64)
    torch.manual_seed(7)
    expected = torch.rand(4)
    torch.manual_seed(7)
    train_scorer(images, targets, ScorerSettings(epochs=1, batch_size=16, network=TINY.network))
    assert torch.equal(torch.rand(4), expected)


def test_a_checkpoint_of_other_data_is_replaced(tmp_path):
    images, targets = planted(n=64)
    checkpoint, lines = tmp_path / "training.pt", []
    train_scorer(images, targets, TINY, checkpoint)
    train_scorer(images, targets + 1, TINY, checkpoint, log=lines.append)
    assert len(lines) == TINY.epochs


def test_a_wrong_checkpoint_is_refused(tmp_path):
    images, targets = planted(n=64)
    checkpoint = tmp_path / "training.pt"
    checkpoint.write_bytes(b"no checkpoint")
    with pytest.raises(CheckpointError, match="damaged or no checkpoint"):
        train_scorer(images, targets, TINY, checkpoint)
    save_state(checkpoint, "another", "", {})
    with pytest.raises(CheckpointError, match="something else"):
        train_scorer(images, targets, TINY, checkpoint)
    train_scorer(images, targets, TINY, tmp_path / "good.pt")
    whole = (tmp_path / "good.pt").read_bytes()
    checkpoint.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError):
        train_scorer(images, targets, TINY, checkpoint)


def test_r_squared_of_known_predictions():
    wanted = torch.tensor([[0.0], [2.0], [4.0]]).expand(3, 8).clone()
    wanted[:, 7] = 5  # constant
    predicted = wanted.clone()
    predicted[:, 1] = 2  # the mean
    predicted[:, 2] = torch.tensor([0.0, 2.0, 2.0])  # half of the variance
    found = list(r_squared(predicted, wanted).values())
    assert found == pytest.approx([1, 0, 0.5, 1, 1, 1, 1, 0])


@pytest.mark.parametrize(
    ("images", "targets"),
    [((64, 1, 32, 32), (64, 8)), ((64, 3, 32, 32), (64, 7)), ((64, 3, 32, 32), (60, 8))],
)
def test_wrong_shapes_are_refused(images, targets):
    with pytest.raises(InputError):
        train_scorer(torch.zeros(images), torch.zeros(targets), TINY)


def test_too_few_images_and_wrong_settings_are_refused():
    with pytest.raises(InputError, match="too few"):
        train_scorer(*planted(n=16), TINY)
    for wrong in ({"epochs": 0}, {"batch_size": 1}, {"validation": 0}, {"validation": 1.0}):
        with pytest.raises(InputError):
            ScorerSettings(**wrong)


def test_what_a_mirrored_image_scores():
    names = ("eyes", "left_eye", "right_eye", "yaw", "roll", "pose", "mouth", "of no list")
    columns, signs = mirrored_scores(names)
    assert [names[column] for column in columns] == [
        "eyes", "right_eye", "left_eye", "yaw", "roll", "pose", "mouth", "of no list",
    ]  # fmt: skip
    assert signs == [1, 1, 1, -1, -1, -1, 1, 1]


def test_images_and_scores_are_mirrored_together():
    images = torch.arange(2 * 3 * 2 * 2.0).reshape(2, 3, 2, 2)
    raw = torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    change = mirrored_scores(("left_eye", "right_eye", "yaw"))
    turned, scores = training._mirror(images, raw, torch.tensor([True, False]), change)
    assert torch.equal(turned[0], images[0].flip(2))
    assert torch.equal(turned[1], images[1])
    assert scores.tolist() == [[2, 1, -3], [1, 2, 3]]


def test_an_eye_alone_cannot_be_mirrored():
    branches, heads = layout_of(("left_eye",), {}, 32)
    network = NetworkSettings(32, 4, 8, branches, heads)
    settings = ScorerSettings(batch_size=16, network=network)
    with pytest.raises(InputError, match="right_eye, which is not learned"):
        train_scorer(torch.zeros(64, 3, 32, 32), torch.zeros(64, 1), settings)


def test_images_move_and_leave_their_border():
    image = torch.arange(9, dtype=torch.uint8).reshape(1, 1, 3, 3)
    moved = training._moved(image.expand(2, -1, -1, -1), [(1, 0), (0, -1)])
    assert moved[0, 0].tolist() == [[0, 1, 2], [0, 1, 2], [3, 4, 5]]
    assert moved[1, 0].tolist() == [[1, 2, 2], [4, 5, 5], [7, 8, 8]]


def test_own_properties_are_learned_by_their_names():
    images, targets = planted()
    branches, heads = layout_of(("bright", "slope"), {}, 32)
    network = NetworkSettings(32, 4, 8, branches, heads)
    settings = ScorerSettings(4, 16, lr=1e-2, flip=False, shift=0.05, network=network)
    _, found = train_scorer(images, targets[:, [0, 4]], settings)
    assert list(found) == ["bright", "slope"]
    assert min(found.values()) > 0.8


def test_settings_of_older_files_are_as_they_were():
    assert TINY.plain()["network"] == {"resolution": 32, "width": 4, "features": 8}
    assert "shift" not in TINY.plain()
    assert ScorerSettings(shift=0.1).plain()["shift"] == 0.1
