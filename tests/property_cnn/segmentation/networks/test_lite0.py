"""The start from EfficientNet-Lite0's weights."""

import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.segmentation.networks import lite0
from property_cnn.segmentation.networks.effisegnet import new_student
from property_cnn.segmentation.networks.lite0 import lite0_path, start_from_lite0
from property_cnn.segmentation.settings import DistillSettings
from tests.property_cnn.conftest import TINY_STUDENT


@pytest.fixture
def lite(tmp_path):
    """Weights in the package's layout: another student's encoder, and a head that is not used."""
    taken = {
        f"_blocks.{number}.weight": value
        for number, (name, value) in enumerate(new_student(seed=7).state_dict().items())
        if name.startswith(("stem.", "blocks.")) and "squeeze" not in name and "num_b" not in name
    }
    counts = {"_bn0.num_batches_tracked": torch.tensor(3)}
    head = {name: torch.zeros(4) for name in ("_conv_head.weight", "_bn1.bias", "_fc.bias")}
    torch.save(counts | taken | head, tmp_path / "lite.pth")
    return tmp_path / "lite.pth"


def test_convolutions_and_norms_come_from_the_file_and_gates_begin_open(lite):
    student, random, other = new_student(seed=0), new_student(seed=0), new_student(seed=7)
    start_from_lite0(student, lite)
    wanted, before = other.state_dict(), random.state_dict()
    for name, value in student.state_dict().items():
        if name.endswith("squeeze_excite.expand.bias"):
            assert (value == 3).all()
        elif name.startswith(("stem.", "blocks.")) and "squeeze" not in name:
            assert torch.equal(value, wanted[name]), name
        else:
            assert torch.equal(value, before[name]), name


def test_only_the_full_size_fits(lite):
    with pytest.raises(InputError, match=r"width 1 and depth 1, not 0\.25"):
        start_from_lite0(new_student(TINY_STUDENT), lite)


def test_other_files_are_refused(lite, tmp_path):
    state = torch.load(lite, weights_only=True)
    state.pop("_blocks.0.weight")
    torch.save(state, tmp_path / "less.pth")
    (tmp_path / "text.pth").write_text("no weights")
    for name, message in (("less.pth", "no EfficientNet-Lite0"), ("text.pth", "damaged")):
        with pytest.raises(CheckpointError, match=message):
            start_from_lite0(new_student(), tmp_path / name)


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(lite0, "PACKAGE", "a_package_that_is_not_there")
    with pytest.raises(InputError, match="hair-lite0"):
        lite0_path()


def test_an_unknown_start_is_refused():
    with pytest.raises(InputError, match="is no file; give one, or one of random, lite0"):
        DistillSettings(start="imagenet")
