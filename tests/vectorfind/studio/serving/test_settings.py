"""Settings of a server: what is allowed."""

import pytest

from property_cnn.common.errors import InputError
from vectorfind.studio.serving.settings import ServeSettings


@pytest.mark.parametrize("origin", ["*", "http://localhost:5173", "https://example.org"])
def test_origins(origin):
    assert ServeSettings(allow_origin=origin).allow_origin == origin


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"port": 70_000}, "port is 70000; give a whole number from 0 to 65,535"),
        ({"rate": 0.0}, "rate is 0.0; give a number above 0"),
        ({"queue": -1}, "queue is -1"),
        ({"workers": 0}, "workers is 0"),
        ({"allow_origin": "http://a/b"}, "origin is 'http://a/b'; give one as http://localhost"),
        ({"allow_origin": "http://a\r\nX: y"}, "origin is"),
    ],
)
def test_refusals(given, told):
    with pytest.raises(InputError, match=told):
        ServeSettings(**given)
