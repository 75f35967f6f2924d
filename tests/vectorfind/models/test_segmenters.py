"""Which masks of hair belong to a generator."""

import pytest

from property_cnn.common.errors import CheckpointError
from property_cnn.hair.segmenter import HairSegmenter, load_hair_segmenter
from stylegan_ft.generator import load_generator
from tests.stylegan_ft import mobile_by_hand
from tests.vectorfind.conftest import ToyGenerator
from vectorfind.models.segmenters import segmenter_for


@pytest.mark.parametrize("make", [ToyGenerator, lambda: load_generator("base", "cpu")])
def test_the_shipped_segmenter_masks_what_is_not_known_to_be_photographs(make):
    segmenter = segmenter_for(make())
    assert isinstance(segmenter, HairSegmenter)
    assert segmenter.digest == load_hair_segmenter(None, "cpu").digest


def test_photographs_are_masked_by_their_own_or_the_command_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "nothing"))
    path = mobile_by_hand.write_checkpoint(tmp_path / "mobile.ckpt", mobile_by_hand.weights())
    with pytest.raises(CheckpointError, match="get it by: vectorfind fetch landmarks"):
        segmenter_for(load_generator(path, "cpu"))
