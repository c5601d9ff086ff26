"""Numbers from outside: a list of JSON, or an array."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recurra.errors import RecurraError

MOST = 1_000_000  # numbers of a frame
PLAIN = {float, int}
PERHAPS = {float, int, type(None)}


def taken(given: Any, *, missing: bool = False) -> NDArray[np.float64]:
    """Return the numbers of a flat list or of an array, NaN where one is missing (null).

    Raises:
        RecurraError: it is neither, too long, or holds what is no number.
    """
    if isinstance(given, np.ndarray):
        if given.dtype.kind != "f" or given.size > MOST:
            raise RecurraError(f"a frame is an array of {given.size:,} {given.dtype}; give floats")
        with np.errstate(
            invalid="ignore"
        ):  # a NaN that signals; whether NaNs may be is asked later
            return given.astype(np.float64)
    if not isinstance(given, list) or len(given) > MOST:
        what = f"{len(given):,} numbers" if isinstance(given, list) else type(given).__name__
        raise RecurraError(f"a frame is {what}; give a list of at most {MOST:,} numbers")
    if not set(map(type, given)) <= (PERHAPS if missing else PLAIN):
        wrong = next(one for one in given if type(one) not in PLAIN)
        raise RecurraError(f"a frame holds {repr(wrong)[:40]}; give numbers")
    try:
        return np.array(given, np.float64)
    except OverflowError as error:
        raise RecurraError("a frame holds a number beyond all others; give finite ones") from error


def within(values: NDArray[Any], most: float, meaning: str, *, missing: bool = False) -> None:
    """Check that all numbers are there, but where some may be missing, and none is too large.

    Args:
        values: the numbers.
        most: the largest size that is taken.
        meaning: what that is, and what to do, for the error's text.
        missing: whether NaN is taken.
    Raises:
        RecurraError: one is missing, infinite or too large.
    """
    largest = (np.fmax if missing else np.maximum).reduce(np.abs(values), axis=None, initial=0.0)
    if not largest <= most:  # as it is not where one is NaN
        raise RecurraError(f"a frame holds a number that is missing, infinite or above {meaning}")
