"""A server that is sent what is malformed, while neighbours ask it what they know the answer to."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from benchmarks.serving.malformed import Attack, Malformed, request
from benchmarks.serving.question import Found, Settings
from benchmarks.serving.server import serving

WORKERS = 16
PATIENCE, QUIET = 20.0, 0.02  # seconds for an answer, and in which no more of a stream comes
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
PAUSE = 0.01  # seconds between a neighbour's questions
NEAR = 1e-5  # how far numbers may lie apart: others in a batch change the order of sums


@dataclass
class Outcome:
    """What became of it.

    Args:
        sent: attacks by kind.
        statuses: of HTTP, by how often.
        crashes: answers that tell of a fault in the server, or none where one was due.
        changed: answers to neighbours that are others than before.
        asked: answers that neighbours were given.
    """

    sent: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    asked: int = 0


def answer(settings: Settings) -> Iterator[Found]:
    """Yield crashes, tracebacks and changed answers after many malformed requests and frames."""
    count = settings.requests // 50 if settings.quick else settings.requests
    runs = settings.models.tagger, settings.models.sentiment
    with serving(*runs, idle=0.5, keep=300) as server:
        outcome = asyncio.run(storm(server.port, count, settings.seed))
        wrong, ended = server.wrong(), server.process.poll() is not None
    details = [{"malformed": kind, "sent": sent} for kind, sent in sorted(outcome.sent.items())]
    note = "; ".join([f"{sum(outcome.sent.values()):,} sent", *outcome.crashes[:3]])
    yield Found("crashes", len(outcome.crashes) + ended, details, note)
    yield Found("tracebacks", len(wrong), note="; ".join(line.strip()[:300] for line in wrong[:2]))
    note = "; ".join([f"of {outcome.asked:,} answers to neighbours", *outcome.changed[:2]])
    yield Found("changed answers", len(outcome.changed), note=note)


async def storm(port: int, count: int, seed: int) -> Outcome:
    """Send so many attacks to the server at this port, and return what became of it."""
    outcome = Outcome()
    models = json.loads((await asked(port, request("GET", "/v1/models", b"")))[1])["models"]
    states = {one["name"]: await state(port, one) for one in models if one["stream"]}
    malformed = Malformed(seed, models, states)
    neighbours = [
        asyncio.create_task(neighbour(port, one, outcome))
        for one in models
        for neighbour in (predictor, streamer)
        if known(one) is not None and (neighbour is predictor or one["stream"])
    ]
    attacks = (malformed.draw() for _ in range(count))
    await asyncio.gather(*(worker(port, attacks, outcome) for _ in range(WORKERS)))
    for task in neighbours:
        if task.done() and (error := task.exception()):
            outcome.changed.append(f"a neighbour was sent away: {error!r}")
        task.cancel()
    return outcome


def known(model: Mapping[str, Any]) -> Any:
    """Return an input that a neighbour asks about; None: it has none for this kind."""
    drawn = np.random.default_rng(0).normal(size=(6, len(model["channels"]))).round(2)
    return {"text": "Anna was not bad at all in Oslo .", "signal": {"values": drawn.tolist()}}.get(
        model["input"]
    )


async def worker(port: int, attacks: Iterator[Attack], outcome: Outcome) -> None:
    """Send attacks, one after the other, over one connection as long as it stays open."""
    line = None
    for attack in attacks:
        outcome.sent[attack.kind] += 1
        try:
            async with asyncio.timeout(PATIENCE):
                if line is None or not attack.stays:
                    line = await asyncio.open_connection("127.0.0.1", port)
                if not await struck(*line, attack, outcome) or not attack.stays:
                    line[1].transport.abort()
                    line = None
        except TimeoutError:
            outcome.crashes.append(f"no answer: {attack.kind} {attack.content[:200]!r}")
            line = None
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            if attack.stays:
                what = f"{type(error).__name__} {attack.kind} {attack.content[:200]!r}"
                outcome.crashes.append(what)
            line = None


async def struck(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, attack: Attack, outcome: Outcome
) -> bool:
    """Send an attack and judge its answer; whether the connection may be used again."""
    writer.write(attack.content)
    if not attack.answered:
        with suppress(TimeoutError):  # it may wait for more, and that is right
            async with asyncio.timeout(QUIET):
                judge(attack, await reader.readuntil(b"\r\n\r\n"), b"", outcome)
        return False
    head = await reader.readuntil(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 101"):
        for frame in attack.frames:
            writer.write(frame)
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout(QUIET):
                    if not (said := await reader.read(1 << 16)):
                        break
                if said[:1] == b"\x88" and said[2:4] == b"\x03\xf3":  # closed with 1011
                    outcome.crashes.append(f"1011 {attack}"[:400])
        return False
    found = LENGTH.search(head)
    body = await reader.readexactly(int(found[1])) if found else b""
    judge(attack, head, body, outcome)
    return found is not None and b"connection: close" not in head.lower()


def judge(attack: Attack, head: bytes, body: bytes, outcome: Outcome) -> None:
    """Count an answer, and note one that tells of a fault in the server."""
    status = int(head.split(b" ", 2)[1])
    outcome.statuses[status] += 1
    lines = True
    if status >= 400 and body and b"application/json" in head:
        lines = "\n" not in json.loads(body)["error"]
    if (status >= 500 and status != 503) or not lines:
        outcome.crashes.append(f"{status} {attack.kind} {attack.content[:300]!r} {body[:200]!r}")


async def predictor(port: int, model: Mapping[str, Any], outcome: Outcome) -> None:
    """Ask the same again and again."""
    body = json.dumps({"inputs": [known(model)]}).encode()
    content = request("POST", f"/v1/models/{model['name']}/predict", body)
    first: Any = None
    while True:
        status, told = await asked(port, content)
        if status != 503:  # that it is busy is no wrong answer
            first = compared(model["name"], first, json.loads(told), outcome)
        await asyncio.sleep(PAUSE)


async def streamer(port: int, model: Mapping[str, Any], outcome: Outcome) -> None:
    """Tell the same again and again, in one session."""
    given = known(model)
    frames = given["values"] if isinstance(given, dict) else [given]
    address = f"ws://127.0.0.1:{port}/v1/models/{model['name']}/stream"
    first: Any = None
    async with connect(address, compression=None) as stream:
        await stream.recv()
        while True:
            await stream.send(json.dumps({"frames": frames, "end": True}))
            told = json.loads(await stream.recv())
            first = compared(model["name"], first, told | {"at": 0}, outcome)
            await asyncio.sleep(PAUSE)


def compared(name: str, first: Any, told: Any, outcome: Outcome) -> Any:
    """Count an answer and compare it with the first one, which is returned."""
    outcome.asked += 1
    if first is not None and not same(first, told):
        outcome.changed.append(f"{name}: {str(first)[:150]} became {str(told)[:150]}")
    return told if first is None else first


def same(one: Any, other: Any) -> bool:
    """Whether two answers are the same, but for the last digits of numbers."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, Sequence) and isinstance(other, Sequence) and not isinstance(one, str):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= NEAR
    return bool(one == other)


async def asked(port: int, content: bytes) -> tuple[int, bytes]:
    """Return the status and body of a request's answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(content)
    head = await reader.readuntil(b"\r\n\r\n")
    found = LENGTH.search(head)
    body = await reader.readexactly(int(found[1])) if found else b""
    writer.close()
    return int(head.split(b" ", 2)[1]), body


async def state(port: int, model: Mapping[str, Any]) -> bytes:
    """Return the state of a session of this model."""
    path, id = f"/v1/models/{model['name']}", "fetched-0"
    frame = [0.5] * len(model["channels"]) if model["input"] == "signal" else "a "
    with suppress(ConnectionClosed):
        async with connect(f"ws://127.0.0.1:{port}{path}/stream?session={id}") as stream:
            await stream.recv()
            await stream.send(json.dumps({"frames": [frame]}))
            await stream.recv()
    return (await asked(port, request("GET", f"{path}/sessions/{id}", b"")))[1]
