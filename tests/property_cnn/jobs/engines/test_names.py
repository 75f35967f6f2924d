"""Names of engines: those that there are, and what is refused."""

from pathlib import Path

import pytest

from property_cnn.common.errors import InputError
from property_cnn.jobs.engines.names import EngineName, engine_name


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ("threads", None),
        ("dask-local:4", EngineName("dask", 4)),
        ("ray-local:1", EngineName("ray", 1)),
        ("dask://node-3.lab:8786", EngineName("dask", None, "node-3.lab", 8786)),
        ("dask://10.0.0.1:8786/", EngineName("dask", None, "10.0.0.1", 8786)),
        ("ray://[::1]:10001/a/b", EngineName("ray", None, "[::1]", 10001, Path("/a/b"))),
    ],
)  # fmt: skip
def test_a_name_is_taken_apart(given, parts):
    assert engine_name(given) == parts


@pytest.mark.parametrize(
    "given",
    ["", "dask", "dask-local", "dask-local:", "dask-local:x", "ray-local:-1", "dask://host",
     "dask://host:", "dask://host:99999", "dask://:8786", "spark://host:1", "dask://a b:1",
     "dask-local:4x", "Dask-local:4"],
)  # fmt: skip
def test_another_is_refused_with_those_that_there_are(given):
    with pytest.raises(InputError, match="dask-local:4, ray-local:4"):
        engine_name(given)


@pytest.mark.parametrize("given", ["dask-local:0", "ray-local:9999"])
def test_numbers_of_workers_have_bounds(given):
    with pytest.raises(InputError, match="give 1 to 1024"):
        engine_name(given)


def test_a_name_is_shown_as_it_is_given():
    for given in ("dask-local:4", "ray://host:10001"):
        assert str(engine_name(given)) == given
