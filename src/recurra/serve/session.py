"""What is kept of a stream, and what it is asked."""

from __future__ import annotations

import asyncio
import base64
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recurra.errors import RecurraError
from recurra.tasks.streams import Memory

Reply = str | bytes


@dataclass(eq=False, slots=True)
class Session:
    """What is kept of one stream.

    Args:
        key: of its store: client, model and id.
        id: as its client names it.
        row: of the batched state.
        late: outputs that are still to be left out.
        memory: of what is read and said.
        at: messages that were answered.
        replies: the last of them, as many as KEPT and as long as BYTES.
        size: of these, in characters.
        used: when it was last, by the loop's clock.
        connected: whether a client is there.
        moving: is done when it has been put away.
    """

    key: str
    id: str
    row: int
    late: int
    memory: Memory
    at: int = 0
    replies: deque[Reply] = field(default_factory=deque)
    size: int = 0
    used: float = 0.0
    connected: bool = False
    moving: asyncio.Future[None] | None = None


@dataclass(eq=False, slots=True)
class Push:
    """A message of a session that is being answered.

    Args:
        session: whose.
        frames: as they came: a list of JSON's, or numbers of float32.
        end: whether nothing follows.
        binary: whether the reply is numbers.
        told_to: is called with the message when its reply is there, or with what went wrong.
        wrong: why it is no message.
    """

    session: Session
    frames: list[Any] | np.ndarray
    end: bool = False
    binary: bool = False
    told_to: Callable[[Push, Exception | None], None] = lambda *_: None
    wrong: str | None = None
    given: np.ndarray | None = None
    done: int = 0
    flushed: int = 0
    told: list[Any] = field(default_factory=list)
    reply: Reply | None = None
    failed: RecurraError | None = None


def stored(reply: Reply) -> Any:
    """Return a reply as JSON has it."""
    if isinstance(reply, str):
        return reply
    return {"binary": base64.b64encode(reply).decode()}


def loaded(stored: Any) -> Reply:
    """Return a reply that `stored` wrote.

    Raises:
        RecurraError: it is none.
    """
    if isinstance(stored, str):
        return stored
    try:
        return base64.b64decode(stored["binary"], validate=True)
    except (LookupError, TypeError, ValueError) as error:
        raise RecurraError("the state's replies are none; begin a new session") from error
