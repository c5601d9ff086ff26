"""A function of tensors recorded once, and replayed on the same memory as often as is wanted."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import torch

from recurra.engines.graph.tape import Tape
from recurra.errors import EngineRefused

WARM = 2  # runs before a recording: libraries take memory, kernels are tuned and loaded

_TAPED: ContextVar[bool] = ContextVar("taped", default=False)


class Recording(NamedTuple):
    """What was recorded.

    replay() does it again: it reads the memory that the function read, whatever lies there now,
    and fills the memory of `result`, which the next replay of a recording may overwrite.
    """

    result: Any
    replay: Callable[[], None]


@contextmanager
def taped() -> Iterator[None]:
    """Let recordings be made on the CPU too, by a `Tape`: to test all but the graphs of CUDA."""
    token = _TAPED.set(True)
    try:
        yield
    finally:
        _TAPED.reset(token)


def unrecorded(device: torch.device) -> str | None:
    """Return why nothing can be recorded on a device now, or None."""
    if device.type == "cpu" and _TAPED.get():
        return None
    if device.type != "cuda":
        return f"graphs are recorded on cuda; the input is on {device.type}"
    if torch.cuda.is_current_stream_capturing():
        return "a CUDA graph is being recorded already"
    return None


def memory(device: torch.device) -> Any:
    """Return a pool for recordings that are never replayed at once."""
    return torch.cuda.graph_pool_handle() if device.type == "cuda" else None


def record(function: Callable[[], Any], device: torch.device, pool: Any = None) -> Recording:
    """Record a function: its kernels, the memory that they read and write; nothing of Python.

    Args:
        function: reads and writes tensors that are kept; what it returns is kept for it.
        device: where all of it happens.
        pool: of `memory`, shared with other recordings.
    Raises:
        EngineRefused: it does what cannot be recorded.
    """
    if device.type != "cuda":
        function()
        with Tape() as tape:
            result = function()
        return Recording(result, tape.replay)
    with torch.cuda.device(device):
        return _on_cuda(function, pool)


def _on_cuda(function: Callable[[], Any], pool: Any) -> Recording:
    now = torch.cuda.current_stream()
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch gives it no types
    side.wait_stream(now)
    try:
        with torch.cuda.stream(side):
            for _ in range(WARM):
                function()
        graph = torch.cuda.CUDAGraph()
        with (
            _uncollected(),  # what is freed meanwhile would be freed within the graph
            torch.cuda.graph(graph, pool=pool, stream=side, capture_error_mode="thread_local"),
        ):
            result = function()
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:  # whatever CUDA does not let be recorded
        text = " ".join(str(error).split())
        raise EngineRefused(f"its steps cannot be recorded: {text[:200]}") from error
    finally:
        now.wait_stream(side)
    return Recording(result, graph.replay)


@contextmanager
def _uncollected() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
