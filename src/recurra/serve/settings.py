"""What a server allows, and how long it waits."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from recurra.errors import RecurraError


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a server allows, and how long it waits.

    Parameters
    ----------
    host
        Address to listen on.
    port
        Port; 0: one that is free.
    keys
        File of the keys that clients may have, one a line, or `name:key`; none: those in the
        environment's RECURRA_KEYS, or no keys.
    open
        Listen on other addresses than this machine's own, or behind another name, without any key.
    max_wait_ms
        How long a request may wait for others to be answered together with.
    max_batch
        Inputs, or sessions, that are computed together.
    max_inputs
        Inputs of a request.
    max_queue
        Inputs that wait for a model, beyond which requests are turned away (503).
    max_body
        Bytes of a request.
    max_message
        Bytes of a message on a stream.
    max_frames
        Frames of a message on a stream.
    max_connections
        Connections at once.
    max_sessions
        Sessions of a model at once, those that are stored not counted.
    max_pieces
        Pieces that a model writes at once.
    idle
        Seconds after which a silent session is stored.
    keep
        Seconds for which a stored session is kept.
    state
        Where sessions are stored: memory, a folder, or redis://HOST:PORT/NUMBER.
    timeout
        Seconds for a request, and for a slow reader to take an answer.
    drain
        Seconds for what has begun when the server is told to stop.
    requests_per_second
        Of a key, or of an address without keys; 0: any number.
    frames_per_second
        Of a key likewise; 0: any number.
    sessions_per_key
        Of a key likewise; 0: any number.
    threads
        Threads of the processor that a model computes with.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    keys: str | None = None
    open: bool = False
    max_wait_ms: float = 2.0
    max_batch: int = 256
    max_inputs: int = 1000
    max_queue: int = 4096
    max_body: int = 32 << 20
    max_message: int = 1 << 20
    max_frames: int = 100_000
    max_connections: int = 10_000
    max_sessions: int = 4096
    max_pieces: int = 4
    idle: float = 60.0
    keep: float = 86400.0
    state: str = "memory"
    timeout: float = 60.0
    drain: float = 30.0
    requests_per_second: float = 0.0
    frames_per_second: float = 0.0
    sessions_per_key: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        zero = {"port", "max_wait_ms", "requests_per_second", "frames_per_second"}
        zero |= {"sessions_per_key"}
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int | float) or isinstance(value, bool):
                continue
            least = 0 if field.name in zero else 1 if isinstance(value, int) else 1e-3
            if not (math.isfinite(value) and least <= value < 1 << 40):
                name = field.name.replace("_", "-")
                raise RecurraError(f"--{name}: received {value}; allowed is {least} or more")
        if self.port >= 1 << 16:
            raise RecurraError(f"--port: received {self.port}; allowed is 0 to 65535")
