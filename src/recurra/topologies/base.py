"""What the topologies that write a sequence have in common: all but the source of the context."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from recurra import inputs
from recurra.data.batch import Paired
from recurra.layers import within, zero_beyond
from recurra.topologies.decoder import Decoder
from recurra.topologies.loss import Loss, cross_entropy


class Writer(nn.Module, ABC):
    """A sequence written from a context. A subclass writes `start`.

    `scheduled` is the share of input tokens that training replaces by the network's own
    predictions, in two passes: the first predicts from the true tokens, the second learns from
    the mixture. So it works with every engine. Mihaylova and Martins 2019,
    https://aclanthology.org/P19-2049, section 3; after Bengio et al. 2015,
    https://arxiv.org/abs/1506.03099.

    Args:
        decoder: what writes.
    """

    scheduled: float = 0.0

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    @abstractmethod
    def start(
        self,
        context: Shaped[Tensor, "batch *context"],
        context_lengths: Int[Tensor, "batch"] | None = None,
    ) -> Any:
        """Return the state before the first token."""

    def advance(
        self, token: Int[Tensor, "batch"], state: Any
    ) -> tuple[Float[Tensor, "batch vocabulary"], Any]:
        """Return the logits of what follows `token`, and the state there."""
        return self.decoder.advance(token, state)

    def forward(
        self,
        context: Shaped[Tensor, "batch *context"],
        x: Int[Tensor, "batch time"],
        lengths: Int[Tensor, "batch"] | None = None,
        context_lengths: Int[Tensor, "batch"] | None = None,
    ) -> Float[Tensor, "batch time vocabulary"]:
        """Return the logits of what follows each token of x (teacher forcing).

        Args:
            context: what to write from.
            x: tokens before each step, the start token first.
            lengths: steps of each row of x; what lies beyond changes nothing. None: all.
            context_lengths: real positions of each row of the context; None: all.
        """
        owner = type(self).__name__
        inputs.tensor(owner, "context", context)
        inputs.whole(owner, "x", x, (context.shape[0], "time"))
        if lengths is not None:
            inputs.lengths(lengths, x.shape[0])
        state = self.start(context, context_lengths)
        x = zero_beyond(x, lengths)
        if self.training and self.scheduled > 0:
            x = self._mix(x, state)
        logits: Tensor = self.decoder(x, state)[0]
        return logits

    def loss(self, batch: Paired, smoothing: float = 0.0) -> Loss:
        """Return the cross entropy over live steps."""
        inputs.fields(type(self).__name__, "the batch", batch, Paired)
        logits = self(batch.context, batch.x, batch.lengths, batch.context_lengths)
        return cross_entropy(logits, batch.y, within(batch.lengths, logits.shape[1]), smoothing)

    @torch.no_grad()
    def _mix(self, x: Tensor, state: Any) -> Tensor:
        own = self.decoder(x, state)[0].argmax(-1)[:, :-1]
        replaced = torch.rand(own.shape, device=x.device) < self.scheduled
        # the start token stays: nothing predicts it
        return torch.cat([x[:, :1], torch.where(replaced, own, x[:, 1:])], dim=1)
