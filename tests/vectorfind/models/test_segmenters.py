"""Which masks of hair belong to a generator."""

import pytest
import torch

from property_cnn.common.errors import CheckpointError
from property_cnn.hair.segmenter import HairSegmenter, load_hair_segmenter
from vectorfind.models.segmenters import segmenter_for

CPU = torch.device("cpu")


@pytest.mark.parametrize("generator", ["default", "base", "mobilestylegan.safetensors", object()])
def test_the_shipped_segmenter_masks_what_is_not_known_to_be_photographs(generator):
    segmenter = segmenter_for(generator, CPU)
    assert isinstance(segmenter, HairSegmenter)
    assert segmenter.digest == load_hair_segmenter(None, CPU).digest


def test_photographs_are_masked_by_their_own_or_the_command_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with pytest.raises(CheckpointError, match="get it by: vectorfind fetch landmarks"):
        segmenter_for("mobilestylegan", CPU)
