"""Trainings in folders: gone on with, read again, refused where they are of something else."""

from __future__ import annotations

import pytest
import torch

from property_cnn.common.errors import InputError
from property_cnn.segmentation.networks.files import load_network, new_network
from property_cnn.segmentation.settings import ScheduleSettings
from property_cnn.segmentation.training import Lesson
from tests.vectorfind.runs.segmentation.pictures import write_pictures
from vectorfind.runs.segmentation.courses import RESULTS, TRAINING, train_in
from vectorfind.runs.segmentation.data import folds_of, open_labelled

pytest.importorskip("transformers", reason="needs the extra hair")
pytestmark = pytest.mark.usefixtures("tiny_b0")

SCHEDULE = ScheduleSettings(
    iterations=3, batch_size=2, height=32, width=32, checks=3, save_every=1, lr=1e-3
)


@pytest.fixture
def given(tmp_path):
    settings = write_pictures(tmp_path / "data")
    data = open_labelled(settings)
    return data, folds_of(settings, data)[0]


def _train(folder, given, settings=SCHEDULE, seed=0, **more):
    lessons = {"network": Lesson(new_network("b0", 3, seed))}
    return train_in(folder, lessons, *given, settings, **more)


def test_broken_off_or_not_the_files_are_the_same(tmp_path, given):
    def stop(line):
        if not line.startswith("iteration 1,"):
            raise KeyboardInterrupt

    whole = _train(tmp_path / "whole", given)
    with pytest.raises(KeyboardInterrupt):
        _train(tmp_path / "broken", given, log=stop)
    with pytest.raises(KeyboardInterrupt):
        _train(tmp_path / "broken", given, log=stop)
    assert (tmp_path / "broken" / TRAINING).is_file()
    with pytest.raises(InputError, match="training of network from other first weights"):
        _train(tmp_path / "broken", given, seed=1)
    _train(tmp_path / "broken", given)
    for name in (RESULTS, "network.safetensors"):
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not (tmp_path / "broken" / TRAINING).exists()
    assert [row["iteration"] for row in whole.courses["network"].checks] == [1, 2, 3]


def test_what_is_finished_is_read(tmp_path, given):
    first = _train(tmp_path / "out", given)
    # elsewhere, the same seed may draw other last digits
    again = _train(tmp_path / "out", given, seed=1, log=lambda line: pytest.fail("trained again"))
    assert again.courses["network"].last == first.courses["network"].last
    network, card = load_network(tmp_path / "out" / "network.safetensors")
    assert card["classes"] == ["sky", "road", "car"]
    assert len(card["palette"]) == 3
    images = torch.zeros(1, 3, 32, 32)
    with torch.inference_mode():
        assert torch.equal(network.logits(images), again.networks["network"].logits(images))


def test_a_missing_network_is_trained_again(tmp_path, given):
    _train(tmp_path / "out", given)
    path = tmp_path / "out" / "network.safetensors"
    before = path.read_bytes()
    path.unlink()
    _train(tmp_path / "out", given)
    assert path.read_bytes() == before


def test_other_settings_are_refused(tmp_path, given):
    _train(tmp_path / "out", given)
    other = ScheduleSettings(
        iterations=3, batch_size=2, height=32, width=32, checks=3, save_every=1, lr=2e-3
    )
    with pytest.raises(InputError, match="other settings or data"):
        _train(tmp_path / "out", given, other)


def test_another_network_is_refused(tmp_path, given):
    _train(tmp_path / "out", given)
    lessons = {"network": Lesson(new_network("b1", 3, 0))}
    with pytest.raises(InputError, match="other settings or data"):
        train_in(tmp_path / "out", lessons, *given, SCHEDULE)
