"""Streams: layers stepped frame by frame, many streams as rows of one state."""

from recurra.streaming.stream import Stream

__all__ = ["Stream"]
