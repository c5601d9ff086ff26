"""A sequence in, one label out."""

from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from recurra import inputs
from recurra.data.batch import Labelled
from recurra.layers import aligned, zero_beyond
from recurra.layers.base import Layer
from recurra.topologies.loss import Loss, cross_entropy


class ManyToOne(nn.Module):
    """Classify a sequence.

        logits = head(pool(body(embed(x))))

    Args:
        embed: x → [batch time input] of the body, step by step.
        body: the recurrent layers.
        pool: their outputs, lengths → [batch features], for example `AttentionPool`.
        head: features → logits.
    """

    def __init__(self, embed: nn.Module, body: Layer, pool: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.embed, self.body, self.pool, self.head = embed, body, pool, head

    def forward(
        self, x: Shaped[Tensor, "batch time *input"], lengths: Int[Tensor, "batch"] | None = None
    ) -> Float[Tensor, "batch classes"]:
        """Return the logits."""
        inputs.ragged("ManyToOne", x, lengths)
        x = zero_beyond(x, lengths)
        inputs.taken("ManyToOne", "x", self.embed, x)
        y = aligned(self.body, self.embed(x), lengths)
        logits: Tensor = self.head(self.pool(y, lengths))
        return logits

    def loss(self, batch: Labelled, smoothing: float = 0.0) -> Loss:
        """Return the cross entropy over rows."""
        inputs.fields("ManyToOne", "the batch", batch, Labelled)
        return cross_entropy(self(batch.x, batch.lengths), batch.y, smoothing=smoothing)
