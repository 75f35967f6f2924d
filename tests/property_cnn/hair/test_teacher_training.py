"""The teacher's training: it learns, and a broken-off one ends in the same bytes."""

from __future__ import annotations

import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.training_state import save_state
from property_cnn.hair.teacher_training import train_teacher
from property_cnn.segmentation.degrade import degrade, flip
from property_cnn.segmentation.metrics import METRICS
from property_cnn.segmentation.settings import TeacherSettings
from tests.property_cnn.conftest import TINY_SEGFORMER

TINY = TeacherSettings(
    faces=24, test_faces=4, batch_size=4, lr=3e-3, save_every=2, network=TINY_SEGFORMER
)


class Broken(Exception):
    pass


def test_a_broken_off_training_ends_in_the_same_bytes(tmp_path):
    whole, scores = train_teacher(TINY)
    assert tuple(scores) == METRICS
    checkpoint, lines = tmp_path / "training.pt", []

    def interrupt(line):
        lines.append(line)
        raise Broken

    with pytest.raises(Broken):
        train_teacher(TINY, checkpoint, interrupt)
    resumed, again = train_teacher(TINY, checkpoint, lines.append)
    assert [line.split(",")[0] for line in lines] == [f"teacher: step {n}/6" for n in (2, 4, 6)]
    assert resumed.digest == whole.digest
    assert again == pytest.approx(scores, nan_ok=True)


def test_faces_are_learned():
    settings = TeacherSettings(
        faces=240, test_faces=8, batch_size=8, lr=6e-3, network=TINY_SEGFORMER, save_every=1
    )
    losses = []
    train_teacher(settings, log=lambda line: losses.append(float(line.split()[-1])))
    assert sum(losses[-5:]) / 5 < 0.85 * sum(losses[:3]) / 3


def test_a_wrong_checkpoint_is_refused(tmp_path):
    path = tmp_path / "training.pt"
    path.write_bytes(b"no checkpoint")
    with pytest.raises(CheckpointError, match="damaged"):
        train_teacher(TINY, path)
    save_state(path, "another", "", {})
    with pytest.raises(CheckpointError, match="something else"):
        train_teacher(TINY, path)


def test_wrong_settings_are_refused():
    for wrong in ({"faces": 0}, {"batch_size": 0}, {"lr": 0.0}, {"faces": 3, "batch_size": 4}):
        with pytest.raises(InputError):
            TeacherSettings(**wrong)


def test_degraded_pictures_are_poorer_ones_of_the_same_faces():
    ramp = torch.linspace(-0.5, 0.5, 64).expand(4, 3, 64, 64)
    checks = ramp + 0.3 * (-1) ** torch.arange(64)
    first = degrade(checks, torch.Generator().manual_seed(3))
    assert torch.equal(first, degrade(checks, torch.Generator().manual_seed(3)))
    assert not torch.equal(first, degrade(checks, torch.Generator().manual_seed(4)))
    assert -1 <= first.min() <= first.max() <= 1
    rising = first.mean(dim=(1, 2))
    assert (rising[:, -8:].mean(1) > rising[:, :8].mean(1)).all()
    assert degrade(checks[:0], torch.Generator()).shape == (0, 3, 64, 64)


def test_images_and_masks_are_mirrored_together():
    images = torch.arange(4.0).expand(32, 3, 4, 4)
    masks = torch.arange(4).expand(32, 4, 4)
    mirrored, others = flip(images, masks, torch.Generator().manual_seed(0))
    assert torch.equal(mirrored[:, 0], others.float())
    assert 5 < int((others[:, 0, 0] == 3).sum()) < 27
