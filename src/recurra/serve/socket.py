"""A stream's connection: frames in, answers out."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import numpy as np
from starlette.types import Message, Receive, Scope, Send

from recurra.errors import RecurraError
from recurra.serve.bank import Push, Reply, Session
from recurra.serve.predicting import Busy
from recurra.serve.sessions import InUse, Lost, Sessions
from recurra.serve.store import StoreAway

if TYPE_CHECKING:
    from recurra.serve.server import Server

ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
REFUSED, TOO_LARGE, RESTART, LATER = 1008, 1009, 1012, 1013


class Closed(Exception):  # noqa: N818, it is how a connection ends
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

    Args:
        server: whose limits hold.
        receive: gives what the client sends.
        send: takes what it is sent.
    """

    def __init__(self, server: Server, receive: Receive, send: Send) -> None:
        self.server, self.receive, self._send = server, receive, send
        self.since: float | None = None  # of an answer that is not taken yet
        self.task = asyncio.current_task()
        self.answering = False
        self.ending: Closed | None = None
        self.break_off: Callable[[], None] = lambda: None

    async def run(self, scope: Scope, name: str) -> None:
        """Serve a client until it goes, or has to."""
        self.break_off = scope["extensions"].get("recurra.abort", self.break_off)
        await self.receive()  # the wish to connect
        await self._send({"type": "websocket.accept"})
        self.server.connections.add(self)
        try:
            await self._serve(scope, name)
        except asyncio.CancelledError:
            if self.ending is None:
                raise
            await self._close(self.ending.code, self.ending.reason)
        except Closed as closed:
            await self._close(closed.code, closed.reason)
        except InUse as error:
            await self._close(REFUSED, str(error))
        except Busy as error:
            await self._close(LATER, str(error))
        except (Lost, StoreAway) as error:
            await self._close(RESTART, str(error))
        except RecurraError as error:
            await self._close(REFUSED, str(error))
        finally:
            self.server.connections.discard(self)

    def end(self, code: int, reason: str) -> None:
        """Close the connection, where it waits for its client."""
        if self.task is not None and self.ending is None:
            self.ending = Closed(code, reason)
            self.task.cancel()

    async def _serve(self, scope: Scope, name: str) -> None:
        server = self.server
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        client = server.client(scope, query.get("key"))
        if client is None:
            raise Closed(REFUSED, "a key is needed: Authorization: Bearer KEY, or ?key=KEY")
        sessions = server.sessions.get(name)
        if sessions is None:
            why = server.models[name].why if name in server.models else "there is no such model"
            raise Closed(REFUSED, f"{name}: {why}")
        if server.draining:
            raise Closed(RESTART, "the server goes down; connect to another")
        id = query.get("session") or secrets.token_urlsafe(16)
        if not ID.fullmatch(id):
            raise Closed(REFUSED, "a session is 8 to 64 letters, digits, - and _")
        scope["state"] |= {"model": name, "session": id, "client": client}
        if not server.places.take(client):
            raise Closed(LATER, f"{server.settings.sessions_per_key} sessions are open already")
        try:
            session = await sessions.open(f"{client}/{name}/{id}", id)
            try:
                await self._greet(session, name, query.get("at"))
                await self._answer(session, sessions, client, query.get("format") == "binary")
            finally:
                await sessions.close(session)
        finally:
            server.places.give(client)

    async def _greet(self, session: Session, name: str, at: str | None) -> None:
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
        await self._tell(json.dumps(told))
        for reply in list(session.replies)[len(session.replies) - missing :]:
            await self._tell(reply)

    async def _answer(
        self, session: Session, sessions: Sessions, client: str, binary: bool
    ) -> None:
        metrics, server = sessions.metrics, self.server
        limited = bool(server.settings.frames_per_second)
        while True:
            if server.draining:
                raise Closed(RESTART, "the server goes down; connect to another")
            message = await self.receive()
            if message["type"] == "websocket.disconnect":
                return
            began = time.perf_counter()
            self.answering = True
            try:
                push = _push(session, message, binary)
                if limited:
                    await asyncio.sleep(server.sent.charge(client, max(len(push.frames), 1)))
                reply = await sessions.push(push)
                await self._tell(reply)
            finally:
                self.answering = False
            seconds = time.perf_counter() - began
            metrics.stepped(sessions.name, push.done, len(push.told), seconds)

    async def _tell(self, reply: Reply) -> None:
        kind = "text" if isinstance(reply, str) else "bytes"
        self.since = time.monotonic()
        await self._send({"type": "websocket.send", kind: reply})
        self.since = None

    async def _close(self, code: int, reason: str) -> None:
        # what a close frame may hold
        short = reason.encode()[:120].decode(errors="ignore")
        try:
            await self._send({"type": "websocket.close", "code": code, "reason": short})
        except (OSError, RuntimeError):
            return  # it has gone already


def _push(session: Session, message: Message, binary: bool) -> Push:
    """Return a message of frames, or one that says why it is none."""
    content = message.get("bytes")
    if content is not None:
        if len(content) % 4:
            return Push(session, [], wrong="a binary message is float32, 4 bytes a number")
        return Push(session, np.frombuffer(content, "<f4"), binary=binary)
    try:
        told = json.loads(message["text"])
        frames, end = told["frames"], told.get("end", False)
        if isinstance(frames, list) and isinstance(end, bool) and set(told) <= {"frames", "end"}:
            return Push(session, frames, end, binary)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        pass  # said below
    return Push(session, [], wrong='a message is {"frames": […]}, with "end": true at the end')
