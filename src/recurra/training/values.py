"""What a recipe's field takes: in words, and as a test."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from dataclasses import field
from typing import Any, NamedTuple, get_args

from recurra.data.readers.encoding import names as encodings
from recurra.errors import RecurraError


class Allowed(NamedTuple):
    """What a field takes: in words, and as a test."""

    words: str
    holds: Callable[[Any], bool]


def seconds(text: str) -> float:
    """Return a duration such as 90s, 3m, 2h or 1h30m in seconds.

    Raises:
        RecurraError: the text is no such duration, or is zero.
    """
    parts = re.fullmatch(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s)?", text, re.ASCII)
    counts = [int(count or 0) for count in parts.groups()] if parts else [0, 0, 0]
    total = 3600 * counts[0] + 60 * counts[1] + counts[2]
    if not total:
        raise RecurraError(f"duration {text!r}: write it as 90s, 3m, 2h or 1h30m, above zero")
    return float(total)


def _duration(text: str) -> bool:
    try:
        return seconds(text) > 0
    except RecurraError:
        return False


def _split(text: str) -> bool:
    try:
        sizes = [float(part) for part in text.split(",")]
    except ValueError:
        return False
    shares = max(sizes) <= 1 and sum(sizes) <= 1 + 1e-9
    whole = min(sizes) >= 1 and all(size == int(size) for size in sizes if math.isfinite(size))
    return len(sizes) == 3 and min(sizes) > 0 and max(sizes) < 2**31 and (shares or whole)


COUNT = Allowed("a whole number, 0 or more, below 2**31", lambda n: 0 <= n < 2**31)
STEPS = Allowed("a whole number, -1 or more, below 2**31", lambda n: -1 <= n < 2**31)
SIZE = Allowed("a whole number, 1 or more, below 2**31", lambda n: 1 <= n < 2**31)
THREADS = Allowed("a whole number from 0 to 1024", lambda n: 0 <= n <= 1024)
DEPTH = Allowed("a whole number from 1 to 256", lambda n: 1 <= n <= 256)
DEPTH_OR_NONE = Allowed("a whole number from 0 to 256", lambda n: 0 <= n <= 256)
POSITIVE = Allowed("a number above 0", lambda n: n > 0)
AMOUNT = Allowed("a number, 0 or more", lambda n: n >= 0)
SHARE = Allowed("a number from 0 up to but not 1", lambda n: 0 <= n < 1)
PORTION = Allowed("a number above 0 and below 1", lambda n: 0 < n < 1)
PART = Allowed("a number from 0 to 1", lambda n: 0 <= n <= 1)
SCALE = Allowed("a number, 2 or more", lambda n: n >= 2)
NUCLEUS = Allowed("a number above 0, up to 1", lambda n: 0 < n <= 1)
RATE = Allowed("a number above 0, below 1", lambda n: 0 < n < 1)
SPLIT = Allowed("three shares such as 0.7,0.1,0.2, or steps such as 8640,2880,2880", _split)
SEED = Allowed("a whole number from 0 to 2**63 - 1", lambda n: 0 <= n < 2**63)
HERTZ = Allowed("a whole number of Hz from 1000 to 768000", lambda n: 1000 <= n <= 768_000)
MILLISECONDS = Allowed("a number of milliseconds above 0, up to 1000", lambda n: 0 < n <= 1000)
NAME = Allowed(
    "a name or path that is not empty", lambda text: bool(text.strip()) and "\0" not in text
)
TEXT = Allowed("an encoding by its name, or utf-8,NAME", lambda text: bool(encodings(text)))
DATES = Allowed("dmy, mdy or ymd", lambda text: text in ("dmy", "mdy", "ymd"))
DECIMAL = Allowed("point or comma", lambda text: text in ("point", "comma"))
DEVICE = Allowed(
    "auto, cpu, cuda or cuda:N",
    lambda text: re.fullmatch(r"auto|cpu|cuda(:\d+)?", text) is not None,
)
DURATION = Allowed("a time above zero such as 90s, 3m, 2h or 1h30m", _duration)


def option(group: str, default: Any, text: str, allowed: Allowed | None = None) -> Any:
    """Return a recipe field: the group it is shown in, default, a line of help, what it takes."""
    metadata = {"group": group, "help": text, "allowed": allowed}
    return field(default=default, metadata=metadata)


def checked(known: dataclasses.Field[Any], hint: Any, value: Any) -> Any:
    """Return `value` as the field, annotated by `hint`, keeps it.

    Raises:
        RecurraError: it is not of the field's kind or range.
    """
    kinds = get_args(hint) or (hint,)
    if value is None and type(None) in kinds:
        return None
    received = value
    if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
        # the command line's bytes that are no text could not be written into the model's files
        raise RecurraError(
            f"{known.name}: received {received!r}, which is not UTF-8; give the file another name"
        )
    if float in kinds and type(value) is int:
        value = float(value) if abs(value) < 1 << 1023 else math.inf  # which is refused below
    allowed: Allowed | None = known.metadata["allowed"]
    if all(isinstance(kind, str) for kind in kinds):
        words, fits = "one of " + ", ".join(kinds), isinstance(value, str) and value in kinds
    elif allowed is None:
        words, fits = "true or false", type(value) is bool
    else:
        words, fits = allowed.words, type(value) in kinds
        fits = fits and (type(value) is not float or math.isfinite(value)) and allowed.holds(value)
    if not fits:
        raise RecurraError(f"{known.name}: received {received!r}; allowed is {words}")
    return value
