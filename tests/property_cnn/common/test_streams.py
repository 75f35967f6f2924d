"""Random streams: fixed by their keys, apart from each other."""

from property_cnn.common.streams import CASES, CONTROL, random_stream


def test_a_stream_depends_on_its_keys_alone():
    def draw(*keys):
        return random_stream(0, CASES, *keys).integers(2**60)

    assert draw("eyes", "hh") == draw("eyes", "hh")
    assert draw("eyes", "hh") != draw("eyes", "hl")
    assert random_stream(0, CASES).integers(2**60) != random_stream(0, CONTROL).integers(2**60)
