"""Requests over a few connections that stay open: how many texts are answered in a second.

A client of its own, in a process of its own: bodies are made before the clock starts, and of an
answer only its status, its length and the number of its parts are looked at.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import Any

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


async def run(port: int, path: str, texts: list[str], size: int, connections: int) -> float:
    """Return texts a second; half of a first round warms the server.

    Raises:
        ValueError: a request was not answered.
    """
    parts = [texts[begin : begin + size] for begin in range(0, len(texts), size)]
    bodies = [(request(path, part), len(part)) for part in parts]
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(connections)]
    for given in (bodies[: len(bodies) // 2], bodies):
        queue = iter(given)
        began = time.perf_counter()
        await asyncio.gather(*(ask(reader, writer, queue) for reader, writer in opened))
        took = time.perf_counter() - began
    for _, writer in opened:
        writer.close()
    return len(texts) / took


def request(path: str, texts: list[str]) -> bytes:
    """Return a request's bytes."""
    body = json.dumps({"inputs": texts}).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, queue: Any) -> None:
    """Send what is left, one after the other, over one connection."""
    for content, count in queue:
        writer.write(content)
        head = await reader.readuntil(b"\r\n\r\n")
        found = LENGTH.search(head)
        answer = await reader.readexactly(int(found[1])) if found else b""
        if not head.startswith(b"HTTP/1.1 200") or answer.count(b'"label"') != count:
            raise ValueError(f"a request was not answered: {head[:100]!r} {answer[:200]!r}")


if __name__ == "__main__":
    import uvloop

    print(uvloop.run(run(**json.load(sys.stdin))))
