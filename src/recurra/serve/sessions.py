"""The sessions of one model: opened, answered together, put away and brought back."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from recurra.errors import RecurraError
from recurra.serve.bank import Bank
from recurra.serve.metrics import Metrics
from recurra.serve.predicting import Busy
from recurra.serve.session import Push, Session
from recurra.serve.snapshot import Snapshot, pack
from recurra.serve.store import Store

T = TypeVar("T")
PATIENCE = 1.5  # seconds
AWAY = 8  # sessions that are put away at once: longer, and frames would wait for it


class InUse(RecurraError):  # noqa: N818, it is what a session is
    """Another client, or another server, has the session."""


class Lost(RecurraError):  # noqa: N818, it is what became of a session
    """Another server has taken the session over."""


class Sessions:
    """Sessions of a model.

    Args:
        name: of the model.
        bank: their states.
        compute: the one thread of the model.
        store: where silent ones lie.
        shared: whether other servers use the store: then all is saved before it is told.
        wait: seconds that a frame waits for others.
        most: sessions that are stepped together.
        secret: that states are signed with.
        metrics: is told what happens.
    """

    def __init__(
        self,
        name: str,
        bank: Bank,
        compute: Executor,
        store: Store,
        metrics: Metrics,
        *,
        shared: bool,
        wait: float,
        most: int,
        secret: bytes | None,
    ) -> None:
        self.name, self.bank, self.compute, self.store = name, bank, compute, store
        self.shared, self.wait, self.most, self.secret = shared, wait, most, secret
        self.metrics, self.owner = metrics, secrets.token_hex(16)
        self.waited = metrics.waited(name)
        self.live = dict[str, Session]()
        self.ready = list[Push]()
        self.waiting = set[Push]()
        self.running: asyncio.Task[None] | None = None
        self.opening = set[str]()

    async def open(self, key: str, id: str) -> Session:
        """Return the session of a client that comes: a live one, a stored one, or a new one.

        Who comes back may be quicker than the end of its own last connection: that is waited for.

        Raises:
            InUse: somebody else is connected to it.
            Busy: there is no place.
            StoreAway: the store cannot be asked.
            RecurraError: what is stored cannot be read.
        """
        until = _now() + PATIENCE
        while True:
            try:
                return await self._opened(key, id)
            except InUse:
                if _now() > until:
                    raise
            await asyncio.sleep(PATIENCE / 10)

    async def _opened(self, key: str, id: str) -> Session:
        live = self.live.get(key)
        if key in self.opening or (live and live.connected):
            raise InUse(f"session {id} is in use by another client")
        self.opening.add(key)
        try:
            live = await self._settled(key)
            if live is None:
                live = await self._brought(key, id)
            live.connected, live.used = True, _now()
            return live
        finally:
            self.opening.discard(key)

    async def close(self, session: Session) -> None:
        """Let a session's client go; what is shared is free for other servers at once."""
        while self._busy(session) or session.moving is not None:
            await asyncio.sleep(0.01)  # its client has gone before the reply came
        session.connected, session.used = False, _now()
        if session.row < 0:
            self.live.pop(session.key, None)
            await self.store.release(session.key, self.owner)
        elif self.shared:
            await self._put_away([session])

    def begin(self, push: Push, *, limited: bool = False) -> bool:
        """Have a message answered; False: its session is away, and `bring` is to be awaited."""
        session = push.session
        session.used = _now()
        if limited or session.row < 0 or session.moving is not None:
            return False
        self.waiting.add(push)
        self.ready.append(push)
        if self.running is None:
            self.running = asyncio.get_running_loop().create_task(self._run())
        return True

    async def bring(self, push: Push) -> None:
        """Have a message answered, once its session is back.

        Raises:
            Lost: another server has the session.
            StoreAway: it cannot be brought back.
        """
        session = push.session
        while not self.begin(push):
            if session.moving is not None:
                await session.moving
            else:  # it was put away while its client was silent
                await self._back(session)

    async def state(self, key: str) -> bytes | None:
        """Return a session's state, packed, or None where there is no such session.

        Raises:
            InUse: a message of it is being answered.
        """
        session = await self._settled(key)
        if session is None or session.row < 0:
            return await self.store.load(key)
        if self._busy(session):
            raise InUse(f"a message of session {session.id} is being answered; try again")
        with self._moving([session]):
            return await self._do(lambda: pack(self.bank.snapshot(session), self.secret))

    async def put(self, key: str, found: Snapshot) -> None:
        """Set a session's state.

        Raises:
            InUse: somebody is connected to it.
        """
        await self.forget(key)
        if not await self.store.claim(key, self.owner):
            raise InUse(f"session {found.session} is in use by another client")
        await self.store.save(key, pack(found, self.secret), self.owner)
        await self.store.release(key, self.owner)

    async def forget(self, key: str) -> None:
        """Forget a session.

        Raises:
            InUse: somebody is connected to it.
        """
        session = await self._settled(key)
        if session is not None and session.connected:
            raise InUse(f"session {session.id} is in use by another client")
        if session is not None:
            self._dropped(session)
        if not await self.store.claim(key, self.owner):
            raise InUse("the session is in use by another client")
        await self.store.forget(key, self.owner)

    async def tidy(self, idle: float, *, renew: bool) -> None:
        """Put away those that are silent for so long, and begin leases again if it is time."""
        late = _now() - idle
        while some := self._silent(late):  # asked again each time, since others go on meanwhile
            await self._put_away(some)
        if renew and self.live:
            for key in await self.store.renew(list(self.live), self.owner):
                one = self.live.get(key)
                if one is not None and one.moving is None and not self._busy(one):
                    self._dropped(one)

    async def drain(self) -> None:
        """Answer what waits, and put all away."""
        while self.running is not None:
            await asyncio.shield(self.running)
        while some := self._silent(math.inf):
            await self._put_away(some)

    async def _brought(self, key: str, id: str) -> Session:
        if not await self.store.claim(key, self.owner):
            raise InUse(f"session {id} is in use at another server")
        try:
            content = await self.store.load(key)
            if content is None:
                begun = await self._do(lambda: self._placed(lambda: self.bank.begin(key, id)))
            else:
                found = self.bank.unpacked(content, self.secret)
                self.metrics.resumed(self.name)
                begun = await self._do(lambda: self._placed(lambda: self.bank.restore(key, found)))
        except BaseException:  # also where its client has gone: no lease stays behind
            await self.store.release(key, self.owner)
            raise
        self.live[key] = begun
        return begun

    async def _back(self, session: Session) -> None:
        """Give a session that was put away a row again."""
        if not await self.store.claim(session.key, self.owner):
            self.live.pop(session.key, None)
            raise Lost(f"session {session.id} is at another server now")
        content = await self.store.load(session.key)
        if content is None:
            self.live.pop(session.key, None)
            raise Lost(f"session {session.id} was silent for too long, and is forgotten")
        found = self.bank.unpacked(content, self.secret)
        self.metrics.resumed(self.name)
        own = await self._do(lambda: self._placed(lambda: self.bank.restore(session.key, found)))
        session.row, session.late, session.memory = own.row, own.late, own.memory
        self.live[session.key] = session

    async def _put_away(self, sessions: Sequence[Session]) -> None:
        """Store sessions and free their rows; connected ones keep their place here."""
        with self._moving(sessions):
            packed = await self._do(
                lambda: {one.key: pack(self.bank.snapshot(one), self.secret) for one in sessions}
            )
            lost = await self.store.save_many(packed, self.owner)
            for one in sessions:
                self.bank.end(one)
                self.metrics.stored(self.name, len(packed[one.key]))
                if not one.connected:
                    self.live.pop(one.key, None)
                    if one.key not in lost:
                        await self.store.release(one.key, self.owner)

    @contextmanager
    def _moving(self, sessions: Sequence[Session]) -> Iterator[None]:
        """Keep sessions as they are: messages and requests wait until it is over."""
        moved = asyncio.get_running_loop().create_future()
        for one in sessions:
            one.moving = moved
        try:
            yield
        finally:
            for one in sessions:
                one.moving = None
            moved.set_result(None)

    async def _settled(self, key: str) -> Session | None:
        """Return a live session once it is not being moved."""
        while (session := self.live.get(key)) is not None and session.moving is not None:
            await session.moving
        return session

    async def _run(self) -> None:
        try:
            while self.ready:
                if self.wait:
                    await asyncio.sleep(self.wait)
                some, self.ready = self.ready[: self.most], self.ready[self.most :]
                self.metrics.batch(self.name, "frames", len(some))
                try:
                    states = await self._do(lambda some=some: self._round(some))  # type: ignore[misc] # bound now
                    lost = await self.store.save_many(states, self.owner) if states else set()
                except Exception as error:  # whatever it is, those who wait are told
                    for push in some:
                        self._dropped(push.session)
                        self._told(push, error)
                    continue
                over = [push for push in some if push.reply is not None]
                frames, answers = sum(one.done for one in over), sum(len(one.told) for one in over)
                self.metrics.stepped(self.name, frames, answers)
                for push in some:
                    if push.reply is None:
                        self.ready.append(push)
                    elif push.failed is not None:
                        self._dropped(push.session)
                        self._told(push, push.failed)
                    elif push.session.key in lost:
                        self._dropped(push.session)
                        self._told(
                            push, Lost(f"session {push.session.id} is at another server now")
                        )
                    else:
                        self._told(push, None)
        finally:
            self.running = None

    def _round(self, pushes: Sequence[Push]) -> dict[str, bytes]:
        self.bank.round(pushes)
        if not self.shared:
            return {}
        over = [push.session for push in pushes if push.reply is not None]
        return {one.key: pack(self.bank.snapshot(one), self.secret) for one in over}

    def _told(self, push: Push, error: Exception | None) -> None:
        self.waiting.discard(push)
        push.told_to(push, error)

    def _silent(self, late: float) -> list[Session]:
        """Return some of those that have a row, and were not used since then."""
        busy = {push.session for push in self.waiting}
        silent = (
            one
            for one in self.live.values()
            if one.row >= 0 and one.moving is None and one.used < late and one not in busy
        )
        return list(islice(silent, AWAY))

    def _dropped(self, session: Session) -> None:
        self.live.pop(session.key, None)
        self.bank.end(session)

    def _placed(self, make: Callable[[], Session]) -> Session:
        try:
            return make()
        except RecurraError as error:
            raise Busy(f"{error}; try again later", 5.0) from error

    def _busy(self, session: Session) -> bool:
        return any(push.session is session for push in self.waiting)

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.compute, work)


_now = time.monotonic
