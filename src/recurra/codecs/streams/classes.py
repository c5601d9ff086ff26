"""What is told of a step of which the classes are known: a label, and all probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from recurra.codecs.streams import Memory


class Labelling:
    """Answers that are classes.

    Args:
        labels: of the classes.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = list(labels)

    def say(self, memory: Memory, scores: NDArray[Any]) -> list[dict[str, Any]]:
        """Return step, label and probabilities of each."""
        labels, step, answers = self.labels, memory["step"], []
        for p in scores.tolist():
            step += 1
            best = labels[p.index(max(p))]
            answers.append(
                {"step": step, "label": best, "probabilities": dict(zip(labels, p, strict=True))}
            )
        memory["step"] = step
        return answers
