"""Real images of a run."""

from __future__ import annotations

import pytest
import torch

from property_cnn.common.errors import InputError
from stylegan_ft.finetune.data import RealImages, load_real_images
from tests.stylegan_ft.image_files import write_images


@pytest.fixture
def folder(tmp_path):
    names = [f"{k}.png" for k in range(4)]
    images = torch.arange(4 * 3 * 8 * 8).reshape(4, 3, 8, 8).remainder(256).to(torch.uint8)
    write_images(tmp_path, names, images)
    rows = [f"{name},{2.0 * k},5" for k, name in enumerate(names)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,eyes,mouth", *rows]) + "\n")
    return tmp_path, images


def test_images_and_labels_come_as_they_are(folder):
    path, images = folder
    data = load_real_images(path, ("mouth", "eyes"), 8)
    assert torch.equal(data.images, images)
    assert data.labels.tolist() == [[5, 0], [5, 2], [5, 4], [5, 6]]


def test_normalised_labels_have_mean_0_and_deviation_1(folder):
    labels = load_real_images(folder[0], ("eyes", "mouth"), 8, normalise=True).labels
    assert abs(float(labels[:, 0].mean())) < 1e-6
    assert abs(float(labels[:, 0].std(correction=0)) - 1) < 1e-6
    assert labels[:, 1].tolist() == [0, 0, 0, 0]  # a constant has no deviation


def test_without_labels_there_are_none(folder):
    assert load_real_images(folder[0], (), 8).labels.shape == (4, 0)


def test_a_missing_label_is_named(folder):
    with pytest.raises(InputError, match="no pose"):
        load_real_images(folder[0], ("eyes", "pose"), 8)


def test_a_label_that_is_no_number_is_refused(folder):
    path, _ = folder
    text = (path / "labels.csv").read_text().replace("0.png,0.0", "0.png,")
    (path / "labels.csv").write_text(text)
    with pytest.raises(InputError, match="no number"):
        load_real_images(path, ("eyes",), 8)


def test_an_epoch_shows_every_image_once_in_an_order_of_its_own():
    data = RealImages(torch.zeros(10, 3, 8, 8, dtype=torch.uint8), torch.zeros(10, 0))
    epochs = [torch.cat([data.rows(e, k, 5, seed=3) for k in range(2)]).tolist() for e in (0, 1)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(10))
    assert epochs[0] != epochs[1]
