"""A stream's connection: frames in, answers out."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import numpy as np
import orjson
from starlette.types import Receive, Scope, Send

from recurra.errors import RecurraError
from recurra.serve.predicting import Busy
from recurra.serve.protocol import Content, Protocol
from recurra.serve.session import Push, Session
from recurra.serve.sessions import Lost
from recurra.serve.store import StoreAway

if TYPE_CHECKING:
    from recurra.serve.server import Server

ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
REFUSED, RESTART, LATER = 1008, 1012, 1013
CODES = {Busy: LATER, Lost: RESTART, StoreAway: RESTART}
WAIT = 2  # messages of a connection, beyond which no more are read
FOREIGN = "another page asks; without keys, only pages of this server may"
DOWN = "the server goes down; connect to another"


class Closed(RecurraError):  # noqa: N818, it is how a connection ends
    """A connection is closed by us.

    Args:
        code: of WebSockets.
        reason: in words.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Connection:
    """One client of one session.

    Once it has been greeted, messages come by `take` and replies go by `tell`, one after another: a
    second message is begun when the first was replied to, and read when the second was begun.

    Args:
        server: whose limits hold.
        receive: gives what the client sends.
        send: takes what it is sent.
        protocol: below the application.
    """

    def __init__(self, server: Server, receive: Receive, send: Send, protocol: Protocol) -> None:
        self.server, self.receive, self._send, self.protocol = server, receive, send, protocol
        self.since: float | None = None  # of replies that are not taken
        self.task = asyncio.current_task()
        self.ending: Exception | None = None
        self.waiting = deque[Content]()
        self.push: Push | None = None  # the message that is being answered
        self.slow: asyncio.Task[None] | None = None
        self.binary = False
        self.began = 0.0

    async def run(self, scope: Scope, name: str) -> None:
        """Serve a client until it goes, or has to."""
        await self.receive()  # the wish to connect
        await self._send({"type": "websocket.accept"})
        self.server.connections.add(self)
        try:
            await self._serve(scope, name)
        except asyncio.CancelledError:
            if self.ending is None:
                raise
            await self._close(self.ending)
        except RecurraError as error:
            await self._close(error)
        finally:
            self.server.connections.discard(self)

    @property
    def answering(self) -> bool:
        """Whether a message waits for its reply."""
        return self.push is not None or bool(self.waiting)

    def end(self, error: RecurraError) -> None:
        """Close the connection, and say why."""
        if self.task is not None and self.ending is None:
            self.ending = error
            self.task.cancel()

    async def _serve(self, scope: Scope, name: str) -> None:
        server = self.server
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        if server.foreign(scope):
            raise Closed(REFUSED, FOREIGN)
        client = server.client(scope, query.get("key"))
        if client is None:
            raise Closed(REFUSED, "a key is needed: Authorization: Bearer KEY, or ?key=KEY")
        sessions = server.sessions.get(name)
        if sessions is None:
            why = server.models[name].why if name in server.models else "there is no such model"
            raise Closed(REFUSED, f"{name}: {why}")
        if server.draining:
            raise Closed(RESTART, DOWN)
        id = query.get("session") or secrets.token_urlsafe(16)
        if not ID.fullmatch(id):
            raise Closed(REFUSED, "a session is 8 to 64 letters, digits, - and _")
        scope["state"] |= {"model": name, "session": id, "client": client}
        if not server.places.take(client):
            raise Closed(LATER, f"{server.settings.sessions_per_key} sessions are open already")
        try:
            session = await sessions.open(f"{client}/{name}/{id}", id)
            try:
                self._greet(session, name, query.get("at"))
                self.session, self.sessions, self.client = session, sessions, client
                self.binary = query.get("format") == "binary"
                self.protocol.sink, self.protocol.told = self.take, self.go_on
                while (early := await self.receive())["type"] == "websocket.receive":
                    self.take(early["text"] if "text" in early else early["bytes"])
            finally:
                self.protocol.sink = self.protocol.told = None
                if self.slow is not None:
                    self.slow.cancel()
                await sessions.close(session)
        finally:
            server.places.give(client)

    def _greet(self, session: Session, name: str, at: str | None) -> None:
        """Tell where the session is, and what the client says it lacks."""
        missing = session.at - int(at) if at is not None and at.isdecimal() else 0
        if not 0 <= missing <= len(session.replies):
            raise Closed(
                REFUSED,
                f"the session has answered {session.at} messages, and keeps the last "
                f"{len(session.replies)} replies; at={at} cannot go on",
            )
        streamed = self.server.models[name].streamed
        assert streamed is not None, "it has sessions"
        told = {
            "session": session.id,
            "at": session.at,
            "unit": streamed.unit,
            "delay": streamed.layer.delay,
            "resent": missing,
        }
        self.protocol.tell(json.dumps(told))
        for reply in list(session.replies)[len(session.replies) - missing :]:
            self.protocol.tell(reply)

    def take(self, content: Content) -> None:
        """Take a message."""
        self.waiting.append(content)
        if self.push is None and self.since is None:
            self._begin()
        elif len(self.waiting) >= WAIT:
            self.protocol.pause(paused=True)

    def go_on(self) -> None:
        """Go on when the client has read what it was told."""
        self.since = None
        if self.waiting and self.push is None:
            self._begin()

    def _begin(self) -> None:
        """Begin to answer the message that has waited longest."""
        content = self.waiting.popleft()
        if not self.waiting:
            self.protocol.pause(paused=False)
        self.push = push = _push(self.session, content, self.binary, self._reply)
        self.began = time.perf_counter()
        if self.sessions.begin(push, limited=bool(self.server.sent.per_second)):
            return
        self.slow = asyncio.get_running_loop().create_task(self._begin_later(push))

    async def _begin_later(self, push: Push) -> None:
        """Begin when a limit allows it, and the session is back."""
        try:
            frames = max(len(push.frames), 1)
            await asyncio.sleep(self.server.sent.charge(self.client, frames))
            await self.sessions.bring(push)
        except RecurraError as error:
            self.end(error)

    def _reply(self, push: Push, error: Exception | None) -> None:
        """Tell a reply, or end with an error."""
        self.push = None
        if error is not None or push.reply is None:
            failed = Closed(RESTART, "the server could not answer")
            self.end(error if isinstance(error, RecurraError) else failed)
            return
        if not self.protocol.tell(push.reply):
            self.since = time.monotonic()
        self.sessions.waited(time.perf_counter() - self.began)
        if self.server.draining:
            self.end(Closed(RESTART, DOWN))
        elif self.waiting and self.since is None:
            self._begin()

    async def _close(self, error: Exception) -> None:
        code = error.code if isinstance(error, Closed) else CODES.get(type(error), REFUSED)
        # what a close frame may hold
        short = str(error).encode()[:120].decode(errors="ignore")
        try:
            await self._send({"type": "websocket.close", "code": code, "reason": short})
        except (OSError, RuntimeError):
            return  # it has gone already


def _push(
    session: Session, content: Content, binary: bool, told: Callable[[Push, Exception | None], None]
) -> Push:
    """Return a message of frames, or one that says why it is none."""
    if isinstance(content, bytes):
        if len(content) % 4:
            wrong = "a binary message is float32, 4 bytes a number"
            return Push(session, [], told_to=told, wrong=wrong)
        return Push(session, np.frombuffer(content, "<f4"), binary=binary, told_to=told)
    try:
        read = orjson.loads(content)
        frames, end = read["frames"], read.get("end", False)
        if isinstance(frames, list) and isinstance(end, bool) and len(read) == 1 + ("end" in read):
            return Push(session, frames, end, binary, told)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        pass  # said below
    wrong = 'a message is {"frames": […]}, with "end": true at the end'
    return Push(session, [], told_to=told, wrong=wrong)
