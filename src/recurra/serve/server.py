"""What a server is made of: models, their threads, sessions and limits."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from recurra.data.readers.text import SAID
from recurra.serve.bank import Bank
from recurra.serve.keys import Keys
from recurra.serve.limits import Places, Rate, client_of
from recurra.serve.logs import event
from recurra.serve.metrics import Metrics
from recurra.serve.models import Served
from recurra.serve.origin import foreign, loopback
from recurra.serve.predicting import Batcher
from recurra.serve.sessions import Sessions
from recurra.serve.settings import Settings
from recurra.serve.socket import DOWN, RESTART, Closed, Connection
from recurra.serve.store import StoreAway
from recurra.serve.stores import open_store

TICK = 1.0  # seconds between looks at what is silent or slow
LEASE, RENEWED = 6.0, 2  # seconds that a session is kept for a silent server; ticks


class Server:
    """Models and all that requests share.

    Args:
        models: by name.
        settings: limits and times.
        keys: of clients; none: anybody.
    Raises:
        RecurraError: the store cannot be used.
    """

    def __init__(self, models: Mapping[str, Served], settings: Settings, keys: Keys) -> None:
        self.models, self.settings, self.keys = models, settings, keys
        self.metrics = Metrics()
        self.asked = Rate(settings.requests_per_second)
        self.sent = Rate(settings.frames_per_second)
        self.places = Places(settings.sessions_per_key)
        self.draining = False
        self.connections = set[Connection]()
        self.requests = 0  # that are being answered
        self.pieces = 0  # that are being written
        self.folder = tempfile.TemporaryDirectory(prefix="recurra-")
        self.store = open_store(settings.state, LEASE, settings.keep)
        self.shared = settings.state.startswith("redis")
        secret = os.environ.get("RECURRA_STATE_SECRET", "").encode() or None
        self.secret = secret
        self.threads = {
            name: ThreadPoolExecutor(1, f"recurra-{name}", SAID.set, (False,)) for name in models
        }
        self.writers = ThreadPoolExecutor(settings.max_pieces, "recurra-write", SAID.set, (False,))
        self.batchers = {
            name: Batcher(
                served.model,
                self.threads[name],
                wait=settings.max_wait_ms / 1000,
                most=settings.max_batch,
                queue=settings.max_queue,
                told=lambda size, name=name: self.metrics.batch(name, "predict", size),  # type: ignore[misc] # bound now
            )
            for name, served in models.items()
        }
        self.sessions = {
            name: Sessions(
                name,
                Bank(served.streamed, served.hash, settings.max_sessions, settings.max_frames),
                self.threads[name],
                self.store,
                self.metrics,
                shared=self.shared,
                wait=settings.max_wait_ms / 1000,
                most=settings.max_batch,
                secret=secret,
            )
            for name, served in models.items()
            if served.streamed is not None
        }
        self.keeper: asyncio.Task[None] | None = None
        self.loop: asyncio.AbstractEventLoop | None = None

    @property
    def desk(self) -> Path:
        """The folder of files that requests bring."""
        return Path(self.folder.name)

    def client(self, scope: Mapping[str, Any], key: str | None = None) -> str | None:
        """Return who asks: the name of a key, or an address where there are no keys."""
        if not self.keys:
            address = scope.get("client")
            return client_of(address and address[0])
        header = dict(scope["headers"]).get(b"authorization")
        return self.keys.who(None if header is None else header.decode("latin-1"), key)

    def foreign(self, scope: Mapping[str, Any]) -> bool:
        """Return whether a page of somebody else asks, which has no key to show."""
        local = loopback(self.settings.host) and not self.settings.open
        return not self.keys and foreign(scope, local=local)

    async def start(self) -> None:
        """Begin to look after sessions.

        Raises:
            StoreAway: the store cannot be reached.
        """
        self.loop = asyncio.get_running_loop()
        await self.store.load("a session that is never there")  # whether it can be asked
        self.keeper = self.loop.create_task(self._keep())

    async def drain(self) -> None:
        """Take nothing new, answer what has begun, and put all sessions away."""
        self.draining = True
        until = time.monotonic() + self.settings.drain
        while time.monotonic() < until:
            for one in list(self.connections):
                if not one.answering:
                    one.end(Closed(RESTART, DOWN))
            if not self.connections and not self.requests:
                break
            await asyncio.sleep(0.02)
        for sessions in self.sessions.values():
            with contextlib.suppress(StoreAway):  # then they are lost, which the log says
                await sessions.drain()
        event("drained", count=len(self.connections) + self.requests)

    async def close(self) -> None:
        """End threads, and let go of the store."""
        if self.keeper is not None:
            self.keeper.cancel()
        for thread in [*self.threads.values(), self.writers]:
            thread.shutdown(wait=False, cancel_futures=True)
        await self.store.close()
        self.folder.cleanup()

    async def _keep(self) -> None:
        for round in itertools.count():
            await asyncio.sleep(min(TICK, self.settings.idle))
            now = time.monotonic()
            for one in list(self.connections):
                if one.since is not None and now - one.since > self.settings.timeout:
                    one.protocol.abort()  # it would not read a farewell either
            for name, sessions in self.sessions.items():
                try:
                    await sessions.tidy(self.settings.idle, renew=round % RENEWED == 0)
                except Exception as error:  # whatever it is, sessions are looked after again
                    self.metrics.store_failed()
                    event("store", "error", model=name, reason=type(error).__name__)
                self.metrics.sessions(name, len(sessions.live))
                self.metrics.queue(name, "frames", len(sessions.waiting))
                self.metrics.queue(name, "predict", self.batchers[name].count)
