"""One input, one output: the cell stepped once."""

from typing import Any

from jaxtyping import Float, Shaped
from torch import Tensor, nn

from recurra import inputs
from recurra.cells.base import Cell
from recurra.data.batch import Single
from recurra.topologies.loss import Loss, cross_entropy


class OneToOne(nn.Module):
    """Classify one input of fixed size: a feed-forward network whose hidden layer is a cell.

        logits = head(y)    y, s₁ = step(encoder(x), s₀)

    Args:
        encoder: x → [batch input] of the cell.
        cell: stepped once from its initial state.
        head: the cell's output → logits.
    """

    def __init__(self, encoder: nn.Module, cell: Cell[Any], head: nn.Module) -> None:
        super().__init__()
        self.encoder, self.cell, self.head = encoder, cell, head

    def forward(self, x: Shaped[Tensor, "batch *input"]) -> Float[Tensor, "batch classes"]:
        """Return the logits."""
        inputs.tensor("OneToOne", "x", x)
        inputs.taken("OneToOne", "x", self.encoder, x)
        y, _ = self.cell(self.encoder(x))
        logits: Tensor = self.head(y)
        return logits

    def loss(self, batch: Single, smoothing: float = 0.0) -> Loss:
        """Return the cross entropy over rows."""
        inputs.fields("OneToOne", "the batch", batch, Single)
        return cross_entropy(self(batch.x), batch.y, smoothing=smoothing)
