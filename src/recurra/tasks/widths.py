"""What a wider beam is worth: every metric of a task that searches, for several widths."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from recurra.errors import RecurraError
from recurra.tasks.model import Model
from recurra.training.options import Searched

WIDTHS = (1, 3, 5, 10)


def by_width(
    model: Model, rows: Sequence[Any] | None = None, widths: Sequence[int] = WIDTHS
) -> dict[int, dict[str, float]]:
    """Return every metric of a model on the same examples, by the width of its beam.

    A search that is better by its own measure need not be by the reader's: `length_ratio` says
    whether answers become shorter as the beam becomes wider, and `bleu` whether that costs.

    Args:
        model: of a task that searches: `translation`, `image_captioning`.
        rows: examples; none: the test part of what the model was trained on.
        widths: of the beam; 1 is greedy.
    Raises:
        RecurraError: the task does not search, or a width is below 1.
    """
    recipe = model.recipe
    if not isinstance(recipe, Searched):
        raise RecurraError(f"a {model.task.name} model searches for no answers")
    if wrong := [width for width in widths if width < 1]:
        raise RecurraError(f"widths: received {wrong[0]}; a beam has 1 place or more")
    asked = model.task.read(recipe).test if rows is None else rows
    return {
        width: model.task.evaluate(
            model.network, model.codec, asked, dataclasses.replace(recipe, beam=width)
        )
        for width in widths
    }
