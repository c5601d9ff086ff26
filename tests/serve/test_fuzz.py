"""What is malformed is refused, and nobody else notices: 2,000 of the benchmark's, from a seed."""

import asyncio
import json
import logging
import random
import socket
import threading
from collections.abc import Mapping

import pytest

from benchmarks.serving.fuzz import storm
from benchmarks.serving.malformed import UPGRADE, framed, opening
from recurra.tasks.model import Model
from tests.serve.serving import Running, running

COUNT = 2000


def test_what_is_malformed_is_refused_and_nobody_notices(
    models: Mapping[str, Model], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    with running(models, idle=0.5) as server:
        outcome = asyncio.run(storm(server.port, COUNT, seed=1))
        assert server.ask("GET", "/healthz")[0] == 200
    assert sum(outcome.sent.values()) == COUNT
    assert len(outcome.sent) == 9, "a kind was never drawn"
    assert {200, 400, 404, 422} <= outcome.statuses.keys()
    assert outcome.asked > 50
    assert not outcome.crashes
    assert not outcome.changed
    assert not [record.getMessage() for record in caplog.records]


def raw(server: Running, content: bytes, *frames: bytes, last: bytes = b"nothing") -> bytes:
    """Return all that is said to these bytes, and to frames after that, until its end or these."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as line:
        line.sendall(content)
        said = b""
        while last not in said and (part := line.recv(1 << 16)):
            said += part
            if frames and b"\r\n\r\n" in said:
                line.sendall(b"".join(frames))
                frames = ()
        return said


def test_an_opening_that_is_too_long_is_refused(server: Running) -> None:
    path = f"/v1/models/signals/stream?session={'a' * 9000}"
    assert raw(server, opening(path, UPGRADE)).startswith(b"HTTP/1.1 414")
    huge = {**UPGRADE, "X": "y" * 20000}
    assert raw(server, opening("/v1/models/signals/stream", huge)).startswith(b"HTTP/1.1 431")


def test_a_text_that_is_none_ends_a_stream_and_is_no_error_of_ours(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    begun = opening("/v1/models/signals/stream", UPGRADE)
    said = raw(server, begun, framed(1, b"\xff\xfe"))
    assert said.endswith(b"\x88\x02\x03\xef"), "closed with 1007"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_frames_that_come_before_the_greeting_are_answered(
    server: Running, models: Mapping[str, Model]
) -> None:
    channels = len(models["signals"].codec.channels)  # type: ignore[attr-defined] # of signals
    row = [random.Random(0).random() for _ in range(channels)]
    frame = framed(1, json.dumps({"frames": [row]}).encode())
    over = framed(1, json.dumps({"frames": [], "end": True}).encode())
    let = threading.Event()
    server.server.threads["signals"].submit(let.wait)  # so that there is no greeting yet
    threading.Timer(0.2, let.set).start()
    begun = opening("/v1/models/signals/stream", UPGRADE)
    said = raw(server, begun, frame, frame, over, last=b'"ended"')
    said = said.replace(b": ", b":")
    places = [said.index(part) for part in (b'"resent"', b'"at":1', b'"at":2', b'"ended"')]
    assert places == sorted(places)
