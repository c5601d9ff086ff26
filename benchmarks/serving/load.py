"""Many streams, each with a frame every so many milliseconds: how long answers take.

A client of its own, since one that is as general as a library would take the processor that the
server needs: frames are made once, and of an answer only its length is read.
"""

from __future__ import annotations

import asyncio
import base64
import os
import struct
import time
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Load:
    """Streams at once.

    Args:
        port: of the server on this machine.
        path: of the stream.
        frames: messages that are sent in turn, float32 as bytes or JSON as text.
        sessions: connections, a session each.
        period: seconds between two frames of a session.
        seconds: that all of them send.
        warm: seconds before, whose answers are not counted.
    """

    port: int
    path: str
    frames: list[bytes | str]
    sessions: int
    period: float = 0.02
    seconds: float = 10.0
    warm: float = 2.0
    delays: list[float] = field(default_factory=list)
    missed: int = 0  # frames that could not be sent, since the one before had no answer yet


class Client(asyncio.Protocol):
    """One connection: sends when it is time, and notes how late each answer is.

    An answer's delay is counted from when its frame was due, not from when it was sent.
    """

    def __init__(self, load: Load, number: int) -> None:
        self.load, self.number = load, number
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.buffer, self.due = bytearray(), list[float]()
        self.greeted, self.over = False, False
        self.messages = [masked(frame) for frame in load.frames]
        self.sent = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        self.transport.write(
            f"GET {self.load.path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.greeted:
            if (end := self.buffer.find(b"\r\n\r\n")) < 0:
                return
            if b" 101 " not in self.buffer[:20]:
                self.opened.set_exception(OSError(bytes(self.buffer[:200]).decode("latin-1")))
                return
            del self.buffer[: end + 4]
            self.greeted = True
        now = time.perf_counter()
        while (size := length(self.buffer)) is not None:
            opcode = self.buffer[0] & 15
            del self.buffer[:size]
            if opcode == 9:  # a ping
                self.transport.write(b"\x8a\x80\0\0\0\0")
            elif opcode == 8:
                self.load.missed += len(self.due)
                self.due.clear()
            elif not self.opened.done():
                self.opened.set_result(None)
            elif self.due:
                self.load.delays.append(now - self.due.pop(0))

    def send(self, due: float) -> None:
        """Send the next frame, which was due then."""
        self.due.append(due)
        self.transport.write(self.messages[self.sent % len(self.messages)])
        self.sent += 1

    def connection_lost(self, error: Exception | None) -> None:
        self.load.missed += len(self.due)
        if not self.opened.done():
            self.opened.set_exception(OSError(f"closed: {error}"))


def masked(frame: bytes | str) -> bytes:
    """Return a message of a client, with a mask of zeros."""
    content = frame.encode() if isinstance(frame, str) else frame
    head = 0x81 if isinstance(frame, str) else 0x82
    if len(content) < 126:
        return struct.pack("!BB4x", head, 128 | len(content)) + content
    return struct.pack("!BBH4x", head, 128 | 126, len(content)) + content


def length(buffer: bytearray) -> int | None:
    """Return the bytes of the first message of a server, or None where it is not whole."""
    if len(buffer) < 2:
        return None
    size, head = buffer[1] & 127, 2
    if size == 126:
        if len(buffer) < 4:
            return None
        size, head = struct.unpack_from("!H", buffer, 2)[0], 4
    elif size == 127:
        if len(buffer) < 10:
            return None
        size, head = struct.unpack_from("!Q", buffer, 2)[0], 10
    return head + size if len(buffer) >= head + size else None


async def run(load: Load) -> Load:
    """Have all sessions send, and return with how late answers were."""
    loop = asyncio.get_running_loop()
    clients = list[Client]()
    for number in range(load.sessions):
        _, client = await loop.create_connection(
            lambda number=number: Client(load, number), "127.0.0.1", load.port
        )
        clients.append(client)
    await asyncio.gather(*(client.opened for client in clients))
    began = time.perf_counter()
    step, rounds = load.period / load.sessions, 0
    warm = round(load.warm / load.period)
    while rounds * load.period < load.warm + load.seconds:
        if rounds == warm:
            load.delays.clear()
        for number, client in enumerate(clients):
            due = began + rounds * load.period + number * step
            if (ahead := due - time.perf_counter()) > 0.0005:
                await asyncio.sleep(ahead)
            client.send(due)
        await asyncio.sleep(0)
        rounds += 1
    await asyncio.sleep(1.0)
    for client in clients:
        load.missed += len(client.due)
        client.due.clear()
        client.transport.abort()
    return load


def told(load: Load) -> dict[str, float]:
    """Return the figures of a load that was run."""
    delays = np.array(load.delays) * 1000
    p50, p99 = np.percentile(delays, [50, 99]) if len(delays) else (np.nan, np.nan)
    rate = len(delays) / load.seconds
    return {
        "sessions": load.sessions,
        "p50_ms": round(float(p50), 2),
        "p99_ms": round(float(p99), 2),
        "answers_per_second": round(rate),
        "unanswered": load.missed,
    }


if __name__ == "__main__":
    import json
    import sys

    import uvloop

    given = json.loads(sys.argv[1])
    given["frames"] = [
        bytes.fromhex(one["hex"]) if isinstance(one, dict) else one for one in given["frames"]
    ]
    print(json.dumps(told(uvloop.run(run(Load(**given))))))
