"""The probabilities of a classifier's classes."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Classes:
    """Head of a `Streamed` that tells classes, which `scores` are the logits of."""

    scores: nn.Module

    def head(self, y: Tensor) -> Tensor:
        """Return the probabilities of the classes, to six digits."""
        return rounded(self.scores(y).softmax(-1))


def rounded(numbers: Tensor) -> Tensor:
    """Return numbers to six digits, in double precision: so short are they in JSON, too."""
    return torch.round(numbers.double(), decimals=6)
