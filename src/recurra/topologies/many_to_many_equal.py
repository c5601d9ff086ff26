"""A sequence in, one label per step out."""

from typing import Any

from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from recurra import inputs
from recurra.data.batch import Aligned, Continued
from recurra.layers import aligned, zero_beyond
from recurra.layers.base import Layer
from recurra.topologies.carry import Carrier
from recurra.topologies.crf import CRF
from recurra.topologies.loss import Loss
from recurra.topologies.numbers import Numbers
from recurra.topologies.sets import Sets
from recurra.topologies.softmax import Softmax


class ManyToManyEqual(Carrier):
    """Label every step of a sequence.

        scores = head(body(embed(x)))

    Args:
        embed: x → [batch time input] of the body, step by step.
        body: the recurrent layers.
        head: their outputs → scores [batch time tags].
        output: what scores become: tags, each step alone (`Softmax`) or the path as one (`CRF`);
            or real numbers (`Numbers`), or which of many things hold (`Bernoulli`, `NADE`).
    """

    def __init__(
        self, embed: nn.Module, body: Layer, head: nn.Module, output: Softmax | CRF | Numbers | Sets
    ) -> None:
        super().__init__()
        self.embed, self.body, self.head, self.output = embed, body, head, output

    def forward(
        self, x: Shaped[Tensor, "batch time *input"], lengths: Int[Tensor, "batch"] | None = None
    ) -> Float[Tensor, "batch time tags"]:
        """Return the scores; those at a step answer the input at that step, whatever the delay."""
        lengths = inputs.ragged("ManyToManyEqual", x, lengths)
        x = zero_beyond(x, lengths)
        inputs.taken("ManyToManyEqual", "x", self.embed, x)
        y = aligned(self.body, self.embed(x), lengths)
        scores: Tensor = self.head(y)
        return scores

    def predict(
        self, x: Shaped[Tensor, "batch time *input"], lengths: Int[Tensor, "batch"]
    ) -> list[Any]:
        """Return the best tag path, or the middles of the numbers, of each row."""
        return self.output.decode(self(x, lengths), lengths.to(x.device))

    def loss(self, batch: Aligned | Continued, smoothing: float = 0.0) -> Loss:
        """Return the output's loss; it counts live steps."""
        if isinstance(batch, Continued):
            x = zero_beyond(batch.x, batch.lengths)
            inputs.taken("ManyToManyEqual", "x", self.embed, x)
            scores = self.head(self.carry(self.embed(x), batch.lengths, batch.fresh))
        else:
            inputs.fields("ManyToManyEqual", "the batch", batch, Aligned)
            scores = self(batch.x, batch.lengths)
        return self.output.loss(scores, batch.y, batch.lengths, smoothing)
