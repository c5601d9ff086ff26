"""One number, without a word on how sure it is."""

from typing import Literal

from jaxtyping import Float
from torch import Tensor

from recurra.errors import InputError
from recurra.topologies.distributions.base import Distribution


class Point(Distribution):
    """The number itself, learned by its error.

        squared    ℓ = (y − ŷ)²      learns the mean
        absolute   ℓ = |y − ŷ|       learns the median

    Args:
        error: which of the two.
    Raises:
        ValueError: neither.
    """

    size = 1
    draws = False

    def __init__(self, error: Literal["squared", "absolute"] = "squared") -> None:
        super().__init__()
        if error not in ("squared", "absolute"):
            raise InputError(f"error is {error!r}; Point takes squared or absolute")
        self.error = error

    def losses(
        self, raw: Float[Tensor, "*axes size"], y: Float[Tensor, "*axes"]
    ) -> Float[Tensor, "*axes"]:
        """Return the error of each number."""
        error = y - raw[..., 0]
        return error.square() if self.error == "squared" else error.abs()

    def middle(self, raw: Float[Tensor, "*axes size"]) -> Float[Tensor, "*axes"]:
        """Return the number."""
        return raw[..., 0]

    def _quantile(
        self, raw: Float[Tensor, "*axes size"], levels: Float[Tensor, "levels"]
    ) -> Float[Tensor, "*axes levels"]:
        if bool((levels != 0.5).any()):
            raise InputError(
                "Point tells no interval; take gaussian, student_t or quantiles, or level 0.5"
            )
        return raw.expand(*raw.shape[:-1], len(levels))

    def extra_repr(self) -> str:
        """Show the error."""
        return self.error
