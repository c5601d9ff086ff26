"""A loss as a sum and its count, so that parts of a batch add up; cross entropy over live steps."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from recurra import inputs

IGNORED = -(1 << 40)  # no class of anyone's, as −100 might be


class Loss(NamedTuple):
    """The sum of a loss over rows or steps, and how many there were: the mean is total / count."""

    total: Float[Tensor, ""]
    count: Int[Tensor, ""]  # type: ignore[assignment]  # tuple.count is not missed


def cross_entropy(
    logits: Float[Tensor, "*axes classes"],
    targets: Int[Tensor, "*axes"],
    live: Bool[Tensor, "*axes"] | None = None,
    smoothing: float = 0.0,
) -> Loss:
    """Return the label-smoothed cross entropy, summed over what is live.

        ℓ = −Σ_k q_k log p_k        q = (1 − ε) onehot(y) + ε / K

    Szegedy et al. 2016, https://arxiv.org/abs/1512.00567, section 7.

    Args:
        logits: scores before the softmax.
        targets: the true classes; where it is not live, any number.
        live: what counts; None: all of it.
        smoothing: ε, from 0 up to 1.
    Raises:
        TypeError, ValueError: a value is of another type or shape, or what is live is no class.
            On another device than the CPU classes are not looked at.
    """
    inputs.share("smoothing", smoothing)
    inputs.tensor("cross_entropy", "logits", logits)
    inputs.numbers("cross_entropy", "logits", logits, ("…",) * logits.dim(), None)
    inputs.whole("cross_entropy", "targets", targets, tuple(logits.shape[:-1]))
    targets = targets.long()
    if live is None:
        live = torch.ones_like(targets, dtype=torch.bool)
    inputs.mask("cross_entropy", live, tuple(targets.shape))
    inputs.within("cross_entropy", "targets", targets.masked_fill(~live, 0), logits.shape[-1])
    total = nn.functional.cross_entropy(
        logits.flatten(0, -2),
        targets.masked_fill(~live, IGNORED).flatten(),
        ignore_index=IGNORED,
        label_smoothing=smoothing,
        reduction="sum",
    )
    return Loss(total, live.sum())
