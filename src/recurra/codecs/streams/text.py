"""Text that comes in pieces: what of it is whole, and what waits for the next piece."""

from __future__ import annotations

import re
from typing import Any

from recurra.codecs.streams import Memory
from recurra.codecs.texts import LONGEST_TEXT
from recurra.errors import RecurraError

LONGEST_WAIT = 10_000  # characters without a blank
PARTS = re.compile(r"\S+")


def taken(memory: Memory, given: Any) -> tuple[str, int]:
    """Return what waits and what is given, as one text; and half a character that ends it, or 0.

    JavaScript counts in halves of 16 bits, and may part a character between them.

    Raises:
        RecurraError: it is no text, too long, or holds half a character elsewhere.
    """
    if not isinstance(given, str):
        raise RecurraError(f"a frame is a {type(given).__name__}; give a text")
    if len(given) > LONGEST_TEXT:
        raise RecurraError(
            f"a frame has {len(given):,} characters; at most {LONGEST_TEXT:,} are read: give "
            "it in pieces"
        )
    half = memory["half"]
    text = (chr(half) if half else "") + given
    half = ord(text[-1]) if text and "\ud800" <= text[-1] <= "\udbff" else 0
    whole = text[:-1] if half else text
    try:
        joined = whole.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as error:
        raise RecurraError("a frame holds half a character; give whole ones") from error
    return memory["waiting"] + joined, half


def keep(memory: Memory, waiting: str, half: int) -> None:
    """Let a text wait for the next piece.

    Raises:
        RecurraError: it is longer than any word.
    """
    if len(waiting) > LONGEST_WAIT:
        raise RecurraError(
            f"a word goes on for more than {LONGEST_WAIT:,} characters; put blanks between words"
        )
    memory["waiting"], memory["half"] = waiting, half


def left(memory: Memory) -> str:
    """Return the text that waited, at the end; half a character is none."""
    waiting: str = memory["waiting"]
    memory["waiting"], memory["half"] = "", 0
    return waiting


def last_part(text: str) -> int:
    """Return where the last part between blanks begins, if the next piece may go on with it."""
    if not text or text[-1].isspace():
        return len(text)
    return len(text) - len(text.split()[-1])
