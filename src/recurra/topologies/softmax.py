"""A tagger's output in which each step stands alone."""

from jaxtyping import Float, Int
from torch import Tensor, nn

from recurra import inputs
from recurra.layers import within
from recurra.topologies.loss import Loss, cross_entropy


class Softmax(nn.Module):
    """One softmax per step; exchangeable with `CRF`.

    p(y | x) = Π_t softmax(s_t)[y_t]
    """

    def loss(
        self,
        scores: Float[Tensor, "batch time tags"],
        tags: Int[Tensor, "batch time"],
        lengths: Int[Tensor, "batch"],
        smoothing: float = 0.0,
    ) -> Loss:
        """Return the cross entropy over all live steps, and their number."""
        _check(scores, lengths)
        return cross_entropy(scores, tags, within(lengths, scores.shape[1]), smoothing)

    def decode(
        self, scores: Float[Tensor, "batch time tags"], lengths: Int[Tensor, "batch"]
    ) -> list[list[int]]:
        """Return each row's likeliest tags, one per live step."""
        _check(scores, lengths)
        tags, stops = scores.argmax(-1).tolist(), lengths.tolist()
        return [row[:stop] for row, stop in zip(tags, stops, strict=True)]


def _check(scores: Tensor, lengths: Tensor) -> None:
    inputs.numbers("Softmax", "scores", scores, ("batch", "time", "tags"), None)
    inputs.lengths(lengths, scores.shape[0])
