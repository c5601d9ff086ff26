"""A simulated day: sessions come, fall silent, return and die, and the server's memory is watched.

Time is pressed together: a message has 20 frames, a session is put away after 0.2 seconds of
silence and forgotten after some more, and the frames of a day come as fast as they are answered.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np
from websockets.asyncio.client import connect

from benchmarks.serving.figures import growth, median
from benchmarks.serving.models import CHANNELS
from benchmarks.serving.question import Found, Settings
from benchmarks.serving.server import Running, serving

CLIENTS, MESSAGE = 48, 20  # at once; frames of a message
IDLE, KEEP = 0.2, 3.0  # seconds: until a silent session is put away, and forgotten
SILENT, LEAVES, ENDS, DIES = 0.02, 0.02, 0.01, 0.01  # what follows a message, as a share of all
EVERY = 0.05  # seconds between looks at the memory
PARTS = 10  # of the table
WARM = 0.5  # share of the frames that come before those that count


def answer(settings: Settings) -> Iterator[Found]:
    """Yield by how many percent a server's memory grows after it is warm, by where states lie."""
    frames = settings.frames // 10 if settings.quick else settings.frames
    frames = round(frames / (1 - WARM))
    for where in ("memory", "a folder"):
        with tempfile.TemporaryDirectory() as folder:
            state = "memory" if where == "memory" else folder
            options: dict[str, Any] = {"idle": IDLE, "keep": KEEP, "state": state}
            with serving(settings.models.tagger, **options) as server:
                samples, told = asyncio.run(lived(server, frames, settings.seed))
        details = [
            {"tenth": i + 1, "MiB": round(float(median(part)), 1)}
            for i, part in enumerate(np.array_split(samples, PARTS))
        ]
        note = ", ".join(f"{number:,} {name}" for name, number in told.items())
        before = growth(samples[: round(WARM * len(samples))])
        note += f"; over as many frames before these: {before:.2f} %"
        yield Found(f"states in {where}", round(growth(samples, WARM), 2), details, note)


async def lived(server: Running, frames: int, seed: int) -> tuple[list[float], dict[str, int]]:
    """Return the server's memory over time, and what its clients did."""
    told = dict.fromkeys(("frames", "sessions", "silences", "returns", "ends", "deaths"), 0)
    samples, numbers = list[float](), count()

    async def watch() -> None:
        while True:
            samples.append(server.memory)
            await asyncio.sleep(EVERY)

    watching = asyncio.create_task(watch())
    clients = (Client(server, random.Random(f"{seed} {i}"), told) for i in range(CLIENTS))
    await asyncio.gather(*(client.live(frames, numbers) for client in clients))
    watching.cancel()
    return samples, told


class Client:
    """One after another, sessions of a server.

    Args:
        server: that is asked.
        drawn: what happens next.
        told: counts it.
    """

    def __init__(self, server: Running, drawn: random.Random, told: dict[str, int]) -> None:
        self.drawn, self.told = drawn, told
        rows = np.random.default_rng(drawn.getrandbits(32)).normal(size=(MESSAGE, CHANNELS))
        self.message = rows.astype("<f4").tobytes()
        self.address = f"ws://127.0.0.1:{server.port}/v1/models/tagger/stream?format=binary"

    async def live(self, frames: int, numbers: Iterator[int]) -> None:
        """Send messages until all clients together have sent so many frames."""
        while self.told["frames"] < frames:
            self.told["sessions"] += 1
            name = f"session-{next(numbers):012}"
            while await self.visit(name, frames) and self.told["frames"] < frames:
                self.told["returns"] += 1
                await asyncio.sleep(self.drawn.uniform(0, 2 * IDLE))

    async def visit(self, name: str, frames: int) -> bool:
        """Connect once, and return whether the session is gone on with later."""
        async with connect(f"{self.address}&session={name}", compression=None) as stream:
            await stream.recv()
            while self.told["frames"] < frames:
                await stream.send(self.message)
                await stream.recv()
                self.told["frames"] += MESSAGE
                dice = self.drawn.random()
                if (dice := dice - SILENT) < 0:
                    self.told["silences"] += 1
                    await asyncio.sleep(self.drawn.uniform(IDLE, 3 * IDLE))
                elif (dice := dice - LEAVES) < 0:
                    return True
                elif (dice := dice - ENDS) < 0:
                    self.told["ends"] += 1
                    await stream.send('{"frames": [], "end": true}')
                    await stream.recv()
                    return False
                elif dice < DIES:
                    self.told["deaths"] += 1
                    stream.transport.abort()
                    return False
        return False
