"""Lines of JSON, and what must never be in one."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Request, WebSocket

from recurra.serve import logs
from recurra.serve.access import Access
from recurra.serve.metrics import Metrics

NAMES = ("recurra.serve", "uvicorn", "uvicorn.access", "asyncio")


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Configure the logs, and return what reads their lines."""
    loggers = [logging.getLogger(name) for name in NAMES]
    before = [(one.handlers, one.propagate, one.level) for one in loggers]
    out = io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    logs.configure()
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    for one, (handlers, propagate, level) in zip(loggers, before, strict=True):
        one.handlers, one.propagate = handlers, propagate
        one.setLevel(level)


def test_an_event_is_a_line(lines: Any) -> None:
    logs.event("stored", model="ner", session=logs.short("session-1"), count=2)
    logs.event("stopped", "debug")
    logs.event("store away", "warning", reason="Zürich\n\udc80")
    first, second = lines()
    assert first.pop("time").endswith("+00:00")
    session = logs.short("session-1")
    assert first == {
        "level": "info", "event": "stored", "model": "ner", "session": session, "count": 2
    }  # fmt: skip # as a line of the log
    assert len(session) == 12
    assert "session" not in session
    assert second["reason"] == "Zürich\n?"


def test_uvicorns_lines_are_ours_without_queries_or_requests(lines: Any) -> None:
    error, access = logging.getLogger("uvicorn.error"), logging.getLogger("uvicorn.access")
    error.info("Uvicorn running on %s", "http://127.0.0.1:8000")  # as the server says itself
    error.warning("Invalid HTTP request received.")
    error.warning('%s - "WebSocket %s" [accepted]', "127.0.0.1", "/v1/stream?key=hidden&at=1")
    access.info('%s - "%s %s" %d', "127.0.0.1", "GET", "/v1/models?key=hidden", 200)
    told = lines()
    assert [line["text"] for line in told] == [
        "Invalid HTTP request received.",
        '127.0.0.1 - "WebSocket /v1/stream?…" [accepted]',
    ]
    assert told[0]["event"] == "uvicorn.error"


def test_an_exception_is_told_by_its_kind_and_place(lines: Any) -> None:
    def answer(secret: str) -> None:
        raise ValueError(secret)

    try:
        answer("hidden")
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")
        logging.getLogger("asyncio").error("Task failed\nfuture: %s", "hidden")  # noqa: TRY400, as asyncio does
    first, second = lines()
    assert (first["error"], first["text"]) == ("ValueError", "Exception in ASGI application")
    assert first["at"][-1].startswith("test_logs.py:")
    assert first["at"][-1].endswith(" answer")
    assert "hidden" not in json.dumps([first, second])


def served(metrics: Metrics) -> Access:
    app = FastAPI()

    @app.get("/v1/models/{name}")
    def known(request: Request, name: str) -> str:
        request.state.model, request.state.session = name, "session-1"
        request.state.client = "alice"
        return "answer"

    @app.get("/broken/{name}")
    def broken(name: str) -> str:
        raise ValueError(name)

    @app.websocket("/stream")
    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        await socket.receive_text()
        await socket.close(1013)

    return Access(app, metrics)


def ask(app: Access, path: str, kind: str = "http", received: tuple[Any, ...] = ()) -> None:
    scope = {
        "type": kind, "method": "GET", "path": path, "raw_path": path.encode(), "headers": [],
        "query_string": b"key=hidden", "http_version": "1.1", "scheme": "http", "state": {},
    }  # fmt: skip # what is always the same takes little room
    waiting = list(received) or [{"type": "http.request", "body": b"hidden"}]

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(_: Any) -> None:
        pass

    asyncio.run(app(scope, receive, send))


def test_requests_are_told_by_route_and_status_and_nothing_else(lines: Any) -> None:
    metrics = Metrics()
    app = served(metrics)
    ask(app, "/v1/models/ner")
    ask(app, "/v1/models/ner/hidden")
    with pytest.raises(ValueError, match="hidden"):
        ask(app, "/broken/hidden")
    told = lines()
    for line in told:
        assert line.pop("milliseconds") >= 0
        line.pop("time")
    assert told[0] == {
        "level": "info", "event": "request", "route": "/v1/models/{name}", "method": "GET",
        "status": 200, "model": "ner", "client": "alice", "session": logs.short("session-1"),
    }  # fmt: skip # as a line of the log
    assert [(line["route"], line["status"]) for line in told[1:]] == [
        ("unknown", 404),
        ("/broken/{name}", 500),
    ]
    assert "hidden" not in json.dumps(told)
    text = metrics.text().decode()
    assert 'recurra_requests_total{method="GET",route="/v1/models/{name}",status="200"} 1.0' in text
    assert "hidden" not in text


def test_streams_are_told_by_how_they_were_closed(lines: Any) -> None:
    app = served(Metrics())
    connect = {"type": "websocket.connect"}
    ask(app, "/stream", "websocket", (connect, {"type": "websocket.receive", "text": "hidden"}))
    gone = {"type": "websocket.disconnect", "code": 1001}
    assert "WS" in app.metrics.text().decode()
    with pytest.raises(Exception, match="1001"):  # whatever the library raises then
        ask(app, "/stream", "websocket", (connect, gone))
    told = lines()
    assert [(line["event"], line["route"], line["status"]) for line in told] == [
        ("stream", "/stream", 1013),
        ("stream", "/stream", 1001),
    ]
    assert "hidden" not in json.dumps(told)


def test_what_raises_before_it_answers_is_an_error(lines: Any) -> None:
    async def raises(*_: Any) -> None:
        raise ZeroDivisionError

    for kind in ("http", "websocket"):
        with pytest.raises(ZeroDivisionError):
            ask(Access(raises, Metrics()), "/", kind)
    assert [line["status"] for line in lines()] == [500, 1011]
