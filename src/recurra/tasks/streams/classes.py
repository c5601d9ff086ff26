"""What a classifier tells of a step: a label, and the probability of every one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from recurra.tasks.streams.streamed import Memory


class Classes:
    """Head and answers of a `Streamed` that tells classes.

    Args:
        scores: of what the layer says, the logits.
        labels: of the classes.
    """

    def __init__(self, scores: nn.Module, labels: Sequence[str]) -> None:
        self.scores, self.labels = scores, list(labels)

    def head(self, y: Tensor) -> Tensor:
        """Return the probabilities of the classes, to six digits."""
        return rounded(self.scores(y).softmax(-1))

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


def rounded(numbers: Tensor) -> Tensor:
    """Return numbers to six digits, in double precision: so short are they in JSON, too."""
    return torch.round(numbers.double(), decimals=6)
