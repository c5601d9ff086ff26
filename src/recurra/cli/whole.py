"""Whole numbers of the command line: 3.5 is refused, not rounded."""

from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter, Token


def whole(_: Any, tokens: Sequence[Token]) -> int:
    """Return the number; cyclopts shows the text of a ValueError."""
    try:
        return int(tokens[0].value)
    except ValueError:
        raise ValueError(f"received {tokens[0].value!r}; allowed is a whole number") from None


Whole = Annotated[int, Parameter(converter=whole)]
