"""What every request passes before a route: its key, its size, its time, and what is told of it."""

from __future__ import annotations

import asyncio
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recurra.errors import RecurraError
from recurra.serve.http import Refused, failed
from recurra.serve.predicting import Busy
from recurra.serve.server import Server
from recurra.serve.socket import FOREIGN

POLICY = (
    b"default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob:; "
    b"media-src 'self' blob:; worker-src 'self' blob:; frame-ancestors 'none'; "
    b"base-uri 'none'; form-action 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


class Guard:
    """An ASGI application around another.

    Args:
        app: that answers.
        server: whose limits hold.
    """

    def __init__(self, app: ASGIApp, server: Server) -> None:
        self.app, self.server = app, server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or turn it away."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})
        body = Body(receive, self.server)

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *HEADERS]
            await send(message)

        async def answer(message: Message) -> None:
            if body.refused is None:
                await told(message)
            elif (
                message["type"] == "http.response.start"
            ):  # a route calls it a bad body, in its way
                await failed(body.refused)(scope, receive, told)

        self.server.requests += 1
        try:
            self._admit(scope)
            body.admit(dict(scope["headers"]).get(b"content-length", b"0"))
            await self.app(scope, body, answer)
        except RecurraError as error:
            await failed(error)(scope, receive, told)
        finally:
            self.server.requests -= 1

    def _admit(self, scope: Scope) -> None:
        """Refuse who has no key, or asks too much."""
        server, path = self.server, scope["path"]
        if not path.startswith("/v1/") and path != "/metrics":
            return
        if server.foreign(scope):
            raise Refused(403, FOREIGN)
        client = server.client(scope)
        if client is None:
            server.metrics.refused("key")
            raise Refused(401, "a key is needed: Authorization: Bearer KEY")
        scope["state"]["client"] = client
        if server.draining:
            raise Busy("the server goes down; try another", 5.0)
        if seconds := server.asked.take(client):
            server.metrics.refused("rate")
            raise TooMany("too many requests", seconds)


class TooMany(Refused):
    """A client has asked too often.

    Args:
        text: what there is too much of.
        seconds: after which to try again.
    """

    def __init__(self, text: str, seconds: float) -> None:
        super().__init__(429, f"{text}; try again in {seconds:.1f} s")
        self.seconds = seconds


class Body:
    """A request's body, as long and as slow as is allowed.

    Args:
        receive: gives its parts.
        server: whose limits hold.
    """

    def __init__(self, receive: Receive, server: Server) -> None:
        self.receive, self.most, self.read = receive, server.settings.max_body, 0
        self.until = time.monotonic() + server.settings.timeout
        self.over = False
        self.refused: Refused | None = None

    def admit(self, length: bytes) -> None:
        """Refuse what says that it is too large."""
        if length.isdigit() and int(length) > self.most:
            raise self._large()

    async def __call__(self) -> Message:
        """Return the next part.

        Raises:
            Refused: it is too large, or too slow.
        """
        if self.over:  # what comes now is that the client has gone
            return await self.receive()
        try:
            async with asyncio.timeout(self.until - time.monotonic()):
                message = await self.receive()
        except TimeoutError:
            self.refused = Refused(408, "the request came too slowly")
            raise self.refused from None
        self.read += len(message.get("body", b""))
        self.over = not message.get("more_body", False)
        if self.read > self.most:
            self.refused = self._large()
            raise self.refused
        return message

    def _large(self) -> Refused:
        return Refused(413, f"a request has at most {self.most} bytes; send fewer inputs")
