"""States in memory: age, and bounded bytes."""

import asyncio

from recurra.serve.stores.leases import Leases
from recurra.serve.stores.memory import MemoryStore


def test_the_oldest_states_go_where_there_are_too_many() -> None:
    async def story() -> None:
        store = MemoryStore(5.0, 60.0, most=100)
        for name in "abcd":
            await store.claim(name, "x")
            assert await store.save(name, bytes(30), "x")
        assert [await store.load(name) is None for name in "abcd"] == [True, False, False, False]
        assert await store.save("b", bytes(50), "x")  # saved again: it is the newest now
        assert [await store.load(name) is None for name in "bcd"] == [False, True, False]
        assert await store.forget("b", "x")
        assert await store.save("c", bytes(70), "x")
        assert await store.load("d") is not None  # what was forgotten takes no room

    asyncio.run(story())


def test_leases_that_ended_are_not_kept() -> None:
    now = 0.0
    leases = Leases(10.0, lambda: now)
    for number in range(100):
        assert leases.claim(str(number), "a")
    now = 10.0
    assert leases.holder("1") is None
    assert leases.claim("next", "a")
    assert len(leases._held) == 1
