"""Dropout for sequences."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from recurra import inputs


def check_rate(name: str, rate: float) -> float:
    """Return a dropout rate.

    Raises:
        ValueError: it is not in [0, 1).
    """
    if not 0 <= rate < 1:
        raise ValueError(f"{name} is {rate}; a dropout rate is at least 0 and below 1")
    return rate


class VariationalDropout(nn.Module):
    """Dropout with one mask per row, the same at every step of the call.

        y_t = m ⊙ x_t / (1 − rate)      m ~ Bernoulli(1 − rate), drawn once per row

    Gal and Ghahramani 2016, https://arxiv.org/abs/1512.05287, section 4.
    In evaluation it is the identity.

    Args:
        rate: share of features that are dropped.
    Raises:
        ValueError: rate is not in [0, 1).
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = check_rate("rate", rate)

    def forward(
        self, x: Float[Tensor, "batch time features"]
    ) -> Float[Tensor, "batch time features"]:
        """Return x with the same features of a row dropped at every step."""
        inputs.sequence("VariationalDropout", x, "features", None)
        if not self.training or self.rate == 0:
            return x
        return x * functional.dropout(x.new_ones(x.shape[0], 1, x.shape[2]), self.rate)

    def extra_repr(self) -> str:
        """Show the rate."""
        return f"{self.rate}"
