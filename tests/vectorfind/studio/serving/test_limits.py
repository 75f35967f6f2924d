"""Rates, kept answers and hosts, by their definitions."""

import pytest

from vectorfind.studio.serving.limits import Cache, Rate, is_own


def test_a_bucket_gives_its_tokens_and_then_one_in_its_time():
    now = [0.0]
    rate = Rate(2.0, lambda: now[0])
    assert [rate.wait("a") for _ in range(3)] == [0, 0, 0.5]
    assert rate.wait("b") == 0  # another client
    now[0] = 0.5
    assert rate.wait("a") == 0
    assert rate.wait("a") == 0.5
    now[0] = 100.0  # no more than the bucket holds
    assert [rate.wait("a") > 0 for _ in range(3)] == [False, False, True]


def test_a_rate_below_one_still_lets_one_through():
    rate = Rate(0.1, lambda: 0.0)
    assert rate.wait("a") == 0
    assert rate.wait("a") == pytest.approx(10)


def test_clients_are_forgotten_before_they_fill_the_memory():
    rate = Rate(1.0, lambda: 0.0)
    for number in range(5_000):
        rate.wait(str(number))
    assert len(rate._clients) == 4_096


def test_what_was_wanted_last_is_kept():
    cache = Cache(10)
    cache.put("a", b"1234")
    cache.put("b", b"1234")
    assert cache.get("a") == b"1234"
    cache.put("c", b"1234")
    assert cache.get("b") is None
    assert cache.get("a") == b"1234"
    cache.put("a", b"12")
    assert cache.size == 6
    cache.put("d", b"x" * 11)  # larger than all
    assert cache.size == 0
    assert cache.get("d") is None


OWN = ["127.0.0.1", "127.0.0.1:7870", "localhost:80", "LOCALHOST", "[::1]:7870", "box.lan:1"]
FOREIGN = [
    "",
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.",
    "192.168.0.7",
    "::1::",
    ":80",
]


@pytest.mark.parametrize("given", OWN)
def test_own_names_are_known(given):
    assert is_own(given, "box.lan")


@pytest.mark.parametrize("given", FOREIGN)
def test_foreign_names_are_not(given):
    assert not is_own(given, "127.0.0.1")


def test_a_server_of_all_addresses_takes_any_address_but_no_name():
    assert is_own("192.168.0.7:7870", "0.0.0.0")
    assert is_own("[fe80::1]", "::")
    assert not is_own("evil.example", "0.0.0.0")
