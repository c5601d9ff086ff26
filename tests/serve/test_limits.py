"""Rates and places of clients, by a clock of the test's own."""

import random

import pytest

from recurra.serve.limits import Places, Rate, client_of


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_is_emptied_and_fills_again() -> None:
    clock = Clock()
    rate = Rate(2.0, clock=clock)
    assert [rate.take("a") for _ in range(3)] == [0, 0, 0.5]
    assert rate.take("b") == 0  # each has its own
    clock.now = 0.4
    assert rate.take("a") == pytest.approx(0.1)
    clock.now = 0.5
    assert rate.take("a") == 0
    clock.now = 100.0
    assert [rate.take("a") for _ in range(3)] == [0, 0, 0.5]  # no more than full


def test_whoever_waits_as_long_as_told_is_let_in_and_the_rate_holds() -> None:
    clock, taken = Clock(), 0
    rate = Rate(7.0, clock=clock)
    for _ in range(2000):
        clock.now += random.Random(taken).choice((0.0, 0.01, 0.3))
        if wait := rate.take("a"):
            clock.now += wait
            assert rate.take("a") == 0
        taken += 1
    assert taken <= 7 * clock.now + 7


def test_frames_are_owed_and_waited_for() -> None:
    clock, draw, taken = Clock(), random.Random(0), 0
    rate = Rate(10.0, clock=clock)
    assert rate.charge("a", 10) == 0
    assert rate.charge("a", 50) == pytest.approx(5.0)
    assert rate.charge("a", 1) == pytest.approx(5.1)  # of another session of the same client
    clock.now = 6.1
    assert rate.charge("a", 10) == 0
    begun = clock.now
    for _ in range(500):
        n = draw.randrange(1, 40)
        taken += n
        clock.now += rate.charge("a", n)
    assert taken == pytest.approx(10 * (clock.now - begun), abs=10)


def test_a_slow_rate_gives_one_at_a_time() -> None:
    clock = Clock()
    rate = Rate(0.1, clock=clock)
    assert rate.take("a") == 0
    assert rate.take("a") == pytest.approx(10)


def test_no_rate_is_no_limit() -> None:
    rate = Rate(0.0)
    assert all(rate.take("a") == rate.charge("a", 10**9) == 0 for _ in range(10))
    assert not rate._buckets


def test_few_clients_are_remembered() -> None:
    clock = Clock()
    rate = Rate(1.0, most=100, clock=clock)
    for number in range(1000):
        assert rate.take(str(number)) == 0
        assert (rate.take("busy") == 0) == (number == 0)  # who asks on is not forgotten
    assert len(rate._buckets) == 100


def test_places_are_taken_and_given_back() -> None:
    places = Places(2)
    assert [places.take("a"), places.take("a"), places.take("a"), places.take("b")] == [
        True,
        True,
        False,
        True,
    ]
    places.give("a")
    assert places.take("a")
    for client in "aab":
        places.give(client)
    assert not places._taken
    assert all(Places(0).take("a") for _ in range(100))


def test_a_refused_client_leaves_no_trace() -> None:
    places = Places(1)
    places.take("a")
    assert not places.take("a")
    places.give("a")
    assert not places._taken


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        (None, "unknown"),
    ],
)
def test_a_client_is_an_address_or_a_network(address: str | None, client: str) -> None:
    assert client_of(address) == client
