"""One answer or one error beside each input, in the order of the inputs."""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from recurra.cli.lines import Line
from recurra.cli.streams import takes_unicode
from recurra.errors import RecurraError
from recurra.tasks.answered import answered
from recurra.tasks.model import Model

TOGETHER = 256  # inputs that are answered, and shown, at once
# ends of lines for some readers, which JSON writes as they are
ENDS = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}


def answers(
    model: Model,
    lines: Iterable[Line],
    parse: Callable[[str], Any] | None = None,
    **decoding: Any,
) -> Iterator[list[Any]]:
    """Yield lists of what the model says to each line, or of a RecurraError with its place.

    Args:
        model: what answers.
        lines: the inputs.
        parse: a line's text → what the model takes; none: as its task does.
        decoding: as in `Model.predict`.
    """
    parse = parse or model.task.parse
    left = iter(lines)
    while some := list(islice(left, TOGETHER)):
        told: list[Any] = []
        inputs: list[tuple[int, Any]] = []
        for line in some:
            wrong = line.error or ("" if line.text.strip() else "is empty")
            try:
                told.append(RecurraError(wrong) if wrong else None)
                if not wrong:
                    inputs.append((len(told) - 1, parse(line.text)))
            except RecurraError as error:
                told[-1] = error
        parsed = [one for _, one in inputs]
        found = answered(model, parsed, decoding)
        for (place, _), answer in zip(inputs, found, strict=True):
            told[place] = answer
        yield [
            RecurraError(f"{line.place}: {one}") if isinstance(one, Exception) else one
            for line, one in zip(some, told, strict=True)
        ]


def shown(answer: Any, as_json: bool) -> str:
    """Return an answer, or the error in its place, as one line."""
    if not as_json:
        text = f"error: {answer}" if isinstance(answer, Exception) else str(answer)
        return " ".join(text.splitlines())
    content = {"error": str(answer)} if isinstance(answer, Exception) else answer.asdict()
    return json.dumps(content, ensure_ascii=not takes_unicode()).translate(ENDS)
