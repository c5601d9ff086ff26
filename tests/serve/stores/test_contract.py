"""What every store does, in memory, in a folder and in Redis."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable

import pytest

from recurra.errors import RecurraError
from recurra.serve.store import Store
from recurra.serve.stores import open_store


def run(store: Callable[[], Store], story: Callable[[Store, str], Awaitable[None]]) -> None:
    """Tell a story of a new session to a store that is closed in the end."""

    async def told() -> None:
        opened = store()
        try:
            await story(opened, uuid.uuid4().hex)
        finally:
            await opened.close()

    asyncio.run(told())


def test_one_owner_at_a_time(opened) -> None:
    async def story(store: Store, session: str) -> None:
        assert await store.claim(session, "a")
        assert await store.claim(session, "a")  # again: it is the same one
        assert not await store.claim(session, "b")
        assert await store.claim(session + "-other", "b")
        await store.release(session, "b")  # not its own
        assert not await store.claim(session, "b")
        await store.release(session, "a")
        assert await store.claim(session, "b")

    run(opened, story)


def test_what_was_saved_is_loaded(opened) -> None:
    async def story(store: Store, session: str) -> None:
        assert await store.load(session) is None
        assert await store.claim(session, "a")
        content = bytes(range(256)) * 300
        assert await store.save(session, content, "a")
        assert await store.load(session) == content
        assert await store.save(session, b"later", "a")
        await store.release(session, "a")
        assert await store.load(session) == b"later"

    run(opened, story)


def test_only_the_owner_writes(opened) -> None:
    async def story(store: Store, session: str) -> None:
        assert not await store.save(session, b"nobody's", "a")
        assert await store.claim(session, "a")
        assert await store.save(session, b"first", "a")
        assert not await store.save(session, b"stolen", "b")
        assert await store.renew([session], "b") == {session}
        assert not await store.forget(session, "b")
        assert await store.load(session) == b"first"
        assert await store.forget(session, "a")
        assert await store.load(session) is None
        assert await store.claim(session, "b")

    run(opened, story)


def test_many_at_once_and_those_that_were_lost(opened) -> None:
    async def story(store: Store, session: str) -> None:
        names = [f"{session}-{number}" for number in range(40)]
        for name in names:
            assert await store.claim(name, "b" if name == names[7] else "a")
        states = {name: name.encode() for name in names}
        assert await store.save_many(states, "a") == {names[7]}
        assert await store.renew(names, "a") == {names[7]}
        assert [await store.load(name) for name in names[:7]] == [n.encode() for n in names[:7]]
        assert await store.load(names[7]) is None
        assert await store.save_many({}, "a") == set()
        assert await store.renew([], "a") == set()

    run(opened, story)


def test_a_silent_owner_loses_its_session(opened) -> None:
    async def story(store: Store, session: str) -> None:
        assert await store.claim(session, "a")
        await asyncio.sleep(0.3)
        assert await store.save(session, b"state", "a")  # begins the lease again
        await asyncio.sleep(0.3)
        assert await store.renew([session], "a") == set()  # likewise
        await asyncio.sleep(0.3)
        assert not await store.claim(session, "b")
        await asyncio.sleep(0.3)
        assert not await store.save(session, b"late", "a")
        assert await store.claim(session, "b")
        assert not await store.save(session, b"late", "a")
        assert await store.renew([session], "a") == {session}
        assert await store.load(session) == b"state"

    run(lambda: opened(lease=0.5), story)


def test_states_that_nobody_comes_back_to_go(opened) -> None:
    async def story(store: Store, session: str) -> None:
        assert await store.claim(session, "a")
        assert await store.save(session, b"state", "a")
        assert await store.load(session) == b"state"
        await asyncio.sleep(0.55)
        assert await store.load(session) is None

    run(lambda: opened(keep=0.5), story)


def test_a_session_may_have_any_name(opened) -> None:
    async def story(store: Store, session: str) -> None:
        for name in ("../../" + session, "a/b:{c}\0\n" + session, "ü" * 1000 + session, "\udc80"):
            assert await store.claim(name, "a")
            assert await store.save(name, name.encode("utf-8", "replace"), "a")
            assert await store.load(name) == name.encode("utf-8", "replace")
            assert await store.forget(name, "a")

    run(opened, story)


@pytest.mark.parametrize("where", ["http://example.org", "postgres://a:b@c", "redis://h:port/x"])
def test_another_address_is_refused_and_told_without_its_password(where: str) -> None:
    with pytest.raises(RecurraError) as error:
        open_store(where)
    assert "\n" not in str(error.value)
    assert "a:b" not in str(error.value)
