"""Choice of the device."""

from __future__ import annotations

import pytest
import torch

from property_cnn.common.devices import choose_device
from property_cnn.common.errors import InputError


def test_a_named_device_is_taken():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize("name", [None, "auto"])
@pytest.mark.parametrize(("there", "expected"), [(True, "cuda"), (False, "cpu")])
def test_without_a_name_it_is_the_gpu_where_there_is_one(monkeypatch, name, there, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert choose_device(name).type == expected


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "", "cpu:x", "meta"])
def test_other_names_are_refused(name):
    with pytest.raises(InputError, match="cannot be used here"):
        choose_device(name)
