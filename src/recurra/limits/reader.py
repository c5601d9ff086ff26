"""Any recurrent layer, ours or PyTorch's, and what it says: one model for all experiments."""

from jaxtyping import Float
from torch import Tensor, nn

from recurra.layers import Layer


class Reader(nn.Module):
    """A layer that reads a sequence, and a linear map of its outputs.

    Args:
        layer: of recurra, or an `nn.RNN`, `nn.LSTM`, `nn.GRU` with `batch_first`.
        answers: numbers of an answer.
        last: whether it answers after the last step alone, or at every step.
    """

    def __init__(self, layer: Layer | nn.RNNBase, answers: int, *, last: bool = True) -> None:
        super().__init__()
        size = layer.output_size if isinstance(layer, Layer) else layer.hidden_size
        self.layer, self.last = layer, last
        self.head = nn.Linear(size, answers)

    def forward(self, x: Float[Tensor, "rows steps input"]) -> Float[Tensor, "rows *steps answers"]:
        """Return the answers."""
        y, _ = self.layer(x)
        answers: Tensor = self.head(y[:, -1] if self.last else y)
        return answers
