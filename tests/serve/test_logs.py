"""Lines of JSON, and what must never be in one."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from recurra.serve import logs

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
    logs.log("stored", model="ner", session=logs.short("session-1"), sessions=2)
    logs.log("stopped", "debug")
    logs.log("store away", "warning", error="Zürich\n\udc80")
    first, second = lines()
    assert first.pop("time").endswith("+00:00")
    session = logs.short("session-1")
    assert first == {
        "level": "info", "event": "stored", "model": "ner", "session": session, "sessions": 2
    }  # fmt: skip
    assert len(session) == 12
    assert "session" not in session
    assert second["error"] == "Zürich\n?"


def test_uvicorns_lines_are_ours_without_queries_or_requests(lines: Any) -> None:
    error, access = logging.getLogger("uvicorn.error"), logging.getLogger("uvicorn.access")
    error.info("Uvicorn running on %s", "http://127.0.0.1:8000")
    error.info('%s - "WebSocket %s" [accepted]', "127.0.0.1", "/v1/stream?key=hidden&at=1")
    access.info('%s - "%s %s" %d', "127.0.0.1", "GET", "/v1/models?key=hidden", 200)
    told = lines()
    assert [line["text"] for line in told] == [
        "Uvicorn running on http://127.0.0.1:8000",
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
