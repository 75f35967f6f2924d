"""Direction fields that hold one direction a group."""

import numpy as np
import pytest

from property_cnn.common.errors import InputError
from vectorfind.methods.fields import FittedField, GroupField


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_no_field_holds_a_direction_that_is_not_finite(value):
    directions = np.eye(2, 4, dtype=np.float32)
    field = GroupField(np.array(["h", "l"]), directions)
    assert np.array_equal(field.of_groups(), directions)
    directions = directions.copy()
    directions[1, 2] = value
    with pytest.raises(InputError, match="a direction holds NaN or infinity"):
        GroupField(np.array(["h", "l"]), directions)


def test_a_fitted_field_tells_its_quality_and_comes_back_from_its_arrays():
    directions = np.eye(2, 4, dtype=np.float32)
    field = FittedField(np.array(["h", "l"]), directions, np.array([0.5, 0.75]), "R²")
    assert [(fit.group, fit.measure, fit.value) for fit in field.fits()] == [
        ("h", "R²", 0.5), ("l", "R²", 0.75),
    ]  # fmt: skip
    assert field.summary() == "held-out R² 0.625"
    again = FittedField.unpack(*field.pack())
    assert again.fits() == field.fits()
    assert np.array_equal(again.of_groups(), directions)


def test_only_fields_of_several_groups_depend_on_them():
    one, two = (np.eye(count, 4, dtype=np.float32) for count in (1, 2))
    assert not GroupField(np.array(["all"]), one).depends_on_groups
    assert GroupField(np.array(["h", "l"]), two).depends_on_groups
