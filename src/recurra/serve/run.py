"""A server from its first line to its last answer."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import torch
import uvicorn

from recurra.errors import RecurraError
from recurra.serve.app import build
from recurra.serve.keys import Keys, check_exposure
from recurra.serve.logs import configure
from recurra.serve.models import open_models
from recurra.serve.protocol import Protocol
from recurra.serve.server import Server
from recurra.serve.settings import Settings

SWITCH = 5e-4  # seconds that a thread of a model may keep the loop from a frame


class Drained(uvicorn.Server):
    """A server that answers what has begun before it ends.

    Args:
        config: of uvicorn.
        server: whose requests they are.
    """

    def __init__(self, config: uvicorn.Config, server: Server) -> None:
        super().__init__(config)
        self.server, self.draining = server, False
        self.seen = weakref.WeakKeyDictionary[Any, float]()  # connections, and since when

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end; a second signal ends at once."""
        if self.draining:
            self.should_exit = self.force_exit = True
            return
        self.draining = True
        if self.server.loop is not None:
            self.server.loop.create_task(self._drain())

    async def on_tick(self, counter: int) -> bool:
        """Close connections that never ask anything, ten times a second; return whether to end."""
        now = time.monotonic()
        for one in list(self.server_state.connections):
            since = self.seen.setdefault(one, now)
            silent = getattr(one, "cycle", one) is None  # a request's, once its head was read
            if silent and now - since > self.server.settings.timeout:
                one.transport.close()
        return await super().on_tick(counter)

    async def _drain(self) -> None:
        await self.server.drain()
        self.should_exit = True


def run(runs: Sequence[str], settings: Settings) -> None:
    """Serve models until a signal comes.

    Raises:
        RecurraError: a model, a setting or the address cannot be used.
    """
    configure()
    keys = Keys.read(None if settings.keys is None else Path(settings.keys))
    check_exposure(settings.host, keys, exposed=settings.open)
    torch.set_num_threads(settings.threads)
    sys.setswitchinterval(SWITCH)
    listener = listen(settings)
    hosted = host(Server(open_models(runs), settings, keys))
    until_stopped(hosted, listener, said)


def host(server: Server) -> Drained:
    """Return what answers for a server."""
    settings = server.settings
    config = uvicorn.Config(
        build(server),
        http="httptools",
        ws=Protocol,
        ws_max_size=settings.max_message,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=settings.max_connections,
        timeout_graceful_shutdown=1,
    )
    return Drained(config, server)


def said(hosted: Drained, listener: socket.socket) -> None:
    """Say what is served, and where."""
    address, port = listener.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    print(f"serving {', '.join(hosted.server.models)} on http://{shown}:{port}", flush=True)


def until_stopped(
    hosted: Drained,
    listener: socket.socket,
    begun: Callable[[Drained, socket.socket], None] = lambda *_: None,
) -> None:
    """Answer what comes, in a loop of this thread's own, until it is stopped.

    Args:
        hosted: the server.
        listener: where it listens.
        begun: is called when the store was asked, and requests are about to be answered.
    """

    async def answer() -> None:
        await hosted.server.start()
        # what is here stays: to look through it for garbage would take longer than a frame may
        gc.collect()
        gc.freeze()
        begun(hosted, listener)
        try:
            await hosted.serve([listener])
        finally:
            await hosted.server.close()

    with asyncio.Runner(loop_factory=_loop) as runner:
        runner.run(answer())


def listen(settings: Settings) -> socket.socket:
    """Return a socket at the settings' address.

    Raises:
        RecurraError: it cannot be used.
    """
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(2048)
    except OSError as error:
        raise RecurraError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror or error}; "
            "give another --port or --host"
        ) from error
    return listener


def _loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ModuleNotFoundError:  # there is none for Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
