"""Streams: layers stepped frame by frame, many streams as rows of one state.

`Stream` is found on first use: what needs no torch is imported without it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recurra.streaming.stream import Stream

__all__ = ["Stream"]


def __getattr__(name: str) -> Any:
    if name == "Stream":
        from recurra.streaming.stream import Stream

        return Stream
    raise AttributeError(f"module 'recurra.streaming' has no attribute {name!r}")
