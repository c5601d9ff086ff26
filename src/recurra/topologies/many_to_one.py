"""A sequence in, one label out."""

from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from recurra import inputs
from recurra.data.batch import Labelled
from recurra.errors import InputError
from recurra.layers import Running, aligned, zero_beyond
from recurra.layers.base import Layer
from recurra.layers.running import POOLS
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
        logits: Tensor = self.head(self.pool(self._read(x, lengths), lengths))
        return logits

    def heard(
        self, x: Shaped[Tensor, "batch time *input"], lengths: Int[Tensor, "batch"] | None = None
    ) -> Float[Tensor, "batch time classes"]:
        """Return the logits as they would be if the sequence ended at each step.

        With a body that lags they are known `body.delay` steps later. Beyond lengths they mean
        nothing.

        Raises:
            ValueError: the body waits for the end of its input, or the pool for that of its own.
        """
        if not self.body.streams or not isinstance(self.pool, POOLS):
            part = self.pool if self.body.streams else self.body
            raise InputError(
                f"{type(part).__name__} waits for the end of a sequence; nothing is known before"
            )
        y = self._read(x, lengths)
        so_far, _ = Running(self.pool, y.shape[-1]).train(self.training)(y, lengths=lengths)
        logits: Tensor = self.head(so_far)
        return logits

    def _read(self, x: Tensor, lengths: Tensor | None) -> Float[Tensor, "batch time features"]:
        """Return what the body says at each step."""
        lengths = inputs.ragged("ManyToOne", x, lengths)
        x = zero_beyond(x, lengths)
        inputs.taken("ManyToOne", "x", self.embed, x)
        return aligned(self.body, self.embed(x), lengths)

    def loss(self, batch: Labelled, smoothing: float = 0.0) -> Loss:
        """Return the cross entropy over rows."""
        inputs.fields("ManyToOne", "the batch", batch, Labelled)
        return cross_entropy(self(batch.x, batch.lengths), batch.y, smoothing=smoothing)
