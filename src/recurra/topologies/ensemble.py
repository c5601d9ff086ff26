"""Several networks that answer together."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from recurra import inputs
from recurra.data.batch import Labelled, Single
from recurra.topologies.loss import Loss, cross_entropy


class Ensemble(nn.Module):
    """Classifiers that were drawn apart and see other dropouts; their probabilities are averaged.

        p(y | x) = Σ_k p_k(y | x) / K

    In training each member has its own loss, and learns as if it were alone: the mean of the
    losses, not the loss of the mean. Lakshminarayanan et al. 2017,
    https://arxiv.org/abs/1612.01474, section 2.4.

    Args:
        members: classifiers of the same inputs and classes, ensembles too; each counts alike.
    """

    def __init__(self, members: Iterable[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    @staticmethod
    def of(count: int, make: Callable[[], nn.Module]) -> nn.Module:
        """Return an ensemble of so many that `make` draws, or one of them alone."""
        return make() if count == 1 else Ensemble(make() for _ in range(count))

    def forward(self, *batch: Tensor | None) -> Float[Tensor, "batch classes"]:
        """Return log p, the logits of the average."""
        every = torch.stack([member(*batch).log_softmax(-1) for member in self.members])
        return every.logsumexp(0) - math.log(len(self.members))

    def loss(self, batch: Any, smoothing: float = 0.0) -> Loss:
        """Return the mean of the members' losses; in evaluation, the loss of their average."""
        kind = Labelled if isinstance(batch, Labelled) else Single
        inputs.fields("Ensemble", "the batch", batch, kind)
        if not self.training:
            return cross_entropy(self(*batch[:-1]), batch.y, smoothing=smoothing)
        # every topology has `loss`; nn.Module does not say so
        losses = [member.loss(batch, smoothing) for member in self.members]  # type: ignore[operator]
        total = torch.stack([loss.total for loss in losses]).mean()
        return Loss(total, losses[0].count)
