"""One answer, or one error, for each of many inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from recurra.errors import RecurraError
from recurra.storage import reason


@runtime_checkable
class Predicts(Protocol):
    """What has `Model.predict`."""

    def predict(self, inputs: Any, **decoding: Any) -> list[Any]:
        """Return one prediction per input."""
        ...


def answered(model: Predicts, inputs: Sequence[Any], decoding: Mapping[str, Any]) -> list[Any]:
    """Return one prediction per input, or the RecurraError that stands in its place.

    Where an input is refused, halves are asked until it stands alone; what is wrong with it is said
    as of the only one.
    """
    if not inputs:
        return []
    try:
        return model.predict(inputs, **decoding)
    except (RecurraError, OSError) as error:
        if len(inputs) == 1:
            text = str(error) if isinstance(error, RecurraError) else reason(error)
            text = text.removeprefix("input 1 ").removeprefix("input 1: ")
            return [RecurraError(" ".join(text.split()))]
    half = len(inputs) // 2
    return [
        *answered(model, inputs[:half], decoding),
        *answered(model, inputs[half:], decoding),
    ]
