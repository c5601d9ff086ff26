"""States in Redis: round trips, keys that end, and a Redis that goes away and comes back."""

import asyncio
import time

import pytest
from redis import Redis

from recurra.errors import RecurraError
from recurra.serve.store import StoreAway
from recurra.serve.stores.redis import RedisStore


def test_many_states_take_one_round_trip_and_all_keys_end(redis) -> None:
    async def story() -> None:
        store = RedisStore(redis.url, 5.0, 60.0)
        names = [f"trip-{number}" for number in range(50)]
        for name in names:
            assert await store.claim(name, "a")
        sent = []
        send = store._send
        store._send = lambda commands: sent.append(len(commands)) or send(commands)
        states = dict.fromkeys(names, bytes(1000))
        assert await store.save_many(states, "a") == set()
        assert await store.save_many(states, "a") == set()
        assert sent == [50, 51, 50]  # the first time the script is loaded, too
        await store.close()

    asyncio.run(story())
    with Redis(port=redis.port) as client:
        keys = client.keys("*")
        assert len(keys) >= 100
        assert all(key.startswith(b"recurra:{") and client.pttl(key) > 0 for key in keys)


def test_a_redis_that_goes_away_and_comes_back(redis) -> None:
    async def story() -> None:
        store = RedisStore(redis.url, 5.0, 60.0, patience=0.5)
        assert await store.claim("away", "a")
        assert await store.save("away", b"state", "a")
        redis.end()
        begun = time.monotonic()
        for call in (
            store.save("away", b"state", "a"),
            store.load("away"),
            store.claim("away", "a"),
            store.renew(["away"], "a"),
        ):
            with pytest.raises(StoreAway, match="away"):
                await call
        assert time.monotonic() - begun < 4
        redis.begin()
        assert not await store.save("away", b"state", "a")  # it kept nothing: the lease is lost
        assert await store.claim("away", "b")
        assert await store.save("away", b"new", "b")
        assert await store.load("away") == b"new"
        await store.close()

    asyncio.run(story())


def test_a_pause_of_redis_is_waited_for_and_then_told(redis) -> None:
    async def story() -> None:
        store = RedisStore(redis.url, 5.0, 60.0, patience=0.5)
        assert await store.claim("pause", "a")
        with Redis(port=redis.port) as client:
            client.client_pause(100)
            assert await store.save("pause", b"state", "a")
            client.client_pause(750)
            with pytest.raises(StoreAway):
                await store.save("pause", b"later", "a")
        assert await store.save("pause", b"last", "a")  # no answer of another call is read
        assert await store.load("pause") == b"last"
        await store.close()

    asyncio.run(story())


def test_a_call_that_is_cancelled_leaves_no_answer_to_the_next(redis) -> None:
    async def story() -> None:
        store = RedisStore(redis.url, 5.0, 60.0)
        for name in ("one", "two"):
            await store.claim(name, "a")
            await store.save(name, name.encode(), "a")
        for wait in range(20):
            call = asyncio.create_task(store.load("one"))
            await asyncio.sleep(wait * 5e-5)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            assert await store.load("two") == b"two"
        await store.close()

    asyncio.run(story())


def test_a_wrong_password_is_told_without_it(redis) -> None:
    async def story() -> None:
        store = RedisStore(
            f"redis://nobody:hidden-word@127.0.0.1:{redis.port}/0", 5.0, 60.0, patience=0.3
        )
        with pytest.raises(RecurraError) as error:
            await store.load("session")
        assert "hidden-word" not in str(error.value)
        await store.close()

    asyncio.run(story())
