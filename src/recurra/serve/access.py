"""A line and a count for each request."""

from __future__ import annotations

import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recurra.serve.logs import Told, event, short
from recurra.serve.metrics import Metrics


class Access:
    """ASGI middleware: logs and counts requests and streams by their route's template.

    A handler that knows them puts `model`, `session` and `client` (the name of a key) into
    `request.state`, and `route` where the framework has not chosen it; nothing else is logged.

    Args:
        app: what answers.
        metrics: that count.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and tell of it; an exception goes on its way as a 500."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500 if scope["type"] == "http" else 1011

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
            elif message["type"] == "websocket.close":
                status = message.get("code", 1000)
            await send(message)

        async def received() -> Message:
            nonlocal status
            message = await receive()
            if message["type"] == "websocket.disconnect":
                status = message.get("code", 1005)
            return message

        try:
            await self.app(scope, received, sent)
        finally:
            self._tell(scope, status, time.perf_counter() - begun)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        stream = scope["type"] == "websocket"
        state: dict[str, Any] = scope.get("state", {})
        route = state.get("route") or getattr(scope.get("route"), "path", None) or "unknown"
        method = "WS" if stream else _method(scope)
        self.metrics.request(route, method, status, None if stream else seconds)
        told: Told = {"route": route, "method": method, "status": status}
        told["milliseconds"] = round(seconds * 1000, 3)
        if state.get("model"):
            told["model"] = state["model"]
        if state.get("client"):
            told["client"] = state["client"]
        if state.get("session"):
            told["session"] = short(state["session"])
        event("stream" if stream else "request", **told)


def _method(scope: Scope) -> str:
    known = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}
    return scope["method"] if scope["method"] in known else "other"
