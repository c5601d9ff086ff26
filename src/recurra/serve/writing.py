"""A piece, told as it is written."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from recurra.serve.inputs import desk
from recurra.serve.models import Served
from recurra.serve.predicting import Busy
from recurra.serve.server import Server

Event = tuple[str, dict[str, Any]]


class Gone(Exception):  # noqa: N818, it is what a reader is
    """Nobody reads any more."""


async def write(
    server: Server,
    served: Served,
    prompt: Any,
    options: Mapping[str, Any],
) -> AsyncIterator[Event]:
    """Yield each part of a piece, and the whole.

    Args:
        server: whose threads write.
        served: the model.
        prompt: an INPUT of the model.
        options: of decoding.
    Raises:
        Busy: too many pieces are being written.
        RecurraError: the prompt cannot be read.
    """
    from recurra.serve.http import told

    if server.pieces >= server.settings.max_pieces:
        raise Busy(f"{server.pieces} pieces are being written; try again later", 2.0)
    loop, parts = asyncio.get_running_loop(), asyncio.Queue[Event | Exception](64)
    over = False

    def tell(event: Event | Exception) -> None:
        """Hand on an event from the thread that writes, as fast as it is read."""
        if over:
            raise Gone
        asyncio.run_coroutine_threadsafe(parts.put(event), loop).result(server.settings.timeout)

    def part(text: str) -> None:
        if text != prompt:  # which is told first, and is known
            tell(("part", {"text": text}))

    def run(given: Any) -> None:
        try:
            (piece,) = served.model.write([given], part, **options)
            tell(("done", told(piece)))
        except Gone:
            return
        except Exception as error:  # whatever it is, the reader is told
            with contextlib.suppress(Gone):
                tell(error)

    with desk(server.desk) as lent:
        given = lent.read(served.model, served.kind, prompt)
        server.pieces += 1
        work = loop.run_in_executor(server.writers, run, given)
        try:
            while True:
                event = await asyncio.wait_for(parts.get(), server.settings.timeout)
                if isinstance(event, Exception):
                    raise event
                yield event
                if event[0] == "done":
                    return
        finally:
            over = True
            while not parts.empty():
                parts.get_nowait()
            server.pieces -= 1
            await asyncio.shield(asyncio.wait([work], timeout=1.0))
