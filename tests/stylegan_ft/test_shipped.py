"""What the files of the shipped generators say: the same as the generators that are built."""

import pytest

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import save_tensors
from stylegan_ft import shipped
from stylegan_ft.formats.mobile.files import MOBILESTYLEGAN
from stylegan_ft.generator import load_generator


@pytest.mark.parametrize("name", shipped.SHIPPED)
def test_the_file_says_what_the_generator_is(name):
    generator, facts = load_generator(name), shipped.shipped_facts(name)
    assert facts == (generator.digest, generator.resolution, dict(generator.layers))


def test_the_generator_of_photographs_has_its_name():
    assert MOBILESTYLEGAN.name in shipped.NAMED


def test_another_file_is_told(tmp_path, monkeypatch):
    import torch

    save_tensors(tmp_path / "x.safetensors", {"a": torch.zeros(2)})
    monkeypatch.setitem(shipped.SHIPPED, "default", tmp_path / "x.safetensors")
    with pytest.raises(CheckpointError, match="no StyleGAN 1 of ours"):
        shipped.shipped_facts()
