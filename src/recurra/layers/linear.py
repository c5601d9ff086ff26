"""Linear layers over sequences, multiplied as the engines multiply."""

from torch import Tensor, nn

from recurra.engines.native.product import linear


class Linear(nn.Linear):
    """`torch.nn.Linear`, by whichever of torch's libraries uses all of the processor."""

    def forward(self, input: Tensor) -> Tensor:  # torch's name
        """Return x Wᵀ + b."""
        return linear(input, self.weight, self.bias)
