"""Networks that are quick to train."""

from __future__ import annotations

import pytest

from property_cnn.segmentation.settings import SEGFORMERS
from tests.property_cnn.conftest import TINY_SEGFORMER


@pytest.fixture(scope="module")
def tiny_b0():
    """A SegFormer called b0 is a tiny one; what one is, is for `tests/property_cnn`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SEGFORMERS, "b0", TINY_SEGFORMER)
        yield
