"""Direction fields that hold one direction a group."""

import numpy as np
import pytest

from property_cnn.common.errors import InputError
from vectorfind.methods.fields import GroupField


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_no_field_holds_a_direction_that_is_not_finite(value):
    directions = np.eye(2, 4, dtype=np.float32)
    field = GroupField(np.array(["h", "l"]), directions)
    assert np.array_equal(field.of_groups(), directions)
    directions = directions.copy()
    directions[1, 2] = value
    with pytest.raises(InputError, match="a direction holds NaN or infinity"):
        GroupField(np.array(["h", "l"]), directions)
