"""Standard output and error that take every character, and may be closed at any time."""

import contextlib
import io
import os
import sys
from pathlib import Path
from typing import TextIO


def prepare() -> None:
    """Let both streams escape what their encoding lacks; a missing one swallows what it is told.

    A pipe in ASCII or Latin-1, and an undecodable byte in a file's name, end no command.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # it stays open as long as the process: a `with` would close it
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def takes_unicode() -> bool:
    """Return whether standard output can show every character as it is."""
    return (getattr(sys.stdout, "encoding", None) or "").lower().startswith("utf")


def silence(stream: TextIO | io.TextIOBase) -> None:
    """Send what is left in a stream's buffer nowhere: its reader has gone, or its disk is full."""
    with contextlib.suppress(OSError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
