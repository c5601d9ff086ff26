"""An output of real numbers: a distribution for each channel of each step."""

from jaxtyping import Float, Int
from torch import Tensor, nn

from recurra import inputs
from recurra.errors import InputError
from recurra.layers import within
from recurra.topologies.distributions import Distribution
from recurra.topologies.loss import Loss


class Numbers(nn.Module):
    """What a network says of each channel is read as a distribution; exchangeable with `Softmax`.

        ℓ = −Σ_t Σ_c log p(y_{t,c}),  or the distribution's own loss

    Args:
        distribution: of one number.
        channels: numbers of a step; the scores are channel by channel, `distribution.size` of each.
    Raises:
        ValueError: there is no channel.
    """

    def __init__(self, distribution: Distribution, channels: int) -> None:
        super().__init__()
        if channels < 1:
            raise InputError(f"channels is {channels}; Numbers takes 1 or more")
        self.distribution, self.channels = distribution, channels

    @property
    def size(self) -> int:
        """Return how many scores a step has."""
        return self.channels * self.distribution.size

    def loss(
        self,
        scores: Float[Tensor, "batch time scores"],
        y: Float[Tensor, "batch time channels"],
        lengths: Int[Tensor, "batch"],
        smoothing: float = 0.0,
    ) -> Loss:
        """Return the loss over live steps and known numbers (not NaN), and how many they are.

        Raises:
            ValueError: smoothing is asked for, which numbers have none of.
        """
        if smoothing:
            raise InputError(f"smoothing is {smoothing}; numbers are not smoothed")
        raw = self.raw(scores)
        inputs.numbers("Numbers", "y", y, tuple(raw.shape[:-1]), scores)
        inputs.lengths(lengths, scores.shape[0])
        live = within(lengths, scores.shape[1])[..., None] & ~y.isnan()
        return self.distribution.loss(raw, y, live)

    def decode(
        self, scores: Float[Tensor, "batch time scores"], lengths: Int[Tensor, "batch"]
    ) -> list[list[list[float]]]:
        """Return each row's live steps, each with the middle of every channel."""
        inputs.lengths(lengths, scores.shape[0])
        middle, stops = self.distribution.middle(self.raw(scores)).tolist(), lengths.tolist()
        return [row[:stop] for row, stop in zip(middle, stops, strict=True)]

    def raw(
        self, scores: Float[Tensor, "batch time scores"]
    ) -> Float[Tensor, "batch time channels size"]:
        """Return what the distribution reads of each channel."""
        inputs.numbers("Numbers", "scores", scores, ("batch", "time", self.size), None)
        return scores.reshape(*scores.shape[:-1], self.channels, self.distribution.size)
