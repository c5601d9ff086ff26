"""Which bodies tell anything before their input ends, and what a classifier is as a layer."""

from __future__ import annotations

from recurra.errors import RecurraError
from recurra.layers import Layer, Running, Stack
from recurra.layers.running import POOLS
from recurra.tasks.streams.late import Late
from recurra.topologies import ManyToOne


def checked(body: Layer) -> Layer:
    """Return a body that streams.

    Raises:
        RecurraError: it reads backward too.
    """
    if not body.streams:
        raise RecurraError(
            "this model reads both ways, and waits for the end of its input; train one with "
            "--no-bidirectional, and --lookahead 4 for some right context"
        )
    return body


def so_far(network: ManyToOne) -> Layer:
    """Return body and pool as one layer, which says at each step what a sequence up to there is.

    Raises:
        RecurraError: body or pool wait for the end.
    """
    body = checked(network.body)
    if not isinstance(network.pool, POOLS):
        kind = type(network.pool).__name__
        raise RecurraError(f"this model pools by {kind}, which waits for the end of its input")
    running: Layer = Running(network.pool, body.output_size)
    return Stack(body, Late(running, body.delay) if body.delay else running)
