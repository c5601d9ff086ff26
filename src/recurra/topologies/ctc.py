"""A sequence in, a shorter one out, and nobody says which step is which symbol: CTC."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from recurra import inputs
from recurra.data.batch import Transcribed
from recurra.layers import Pointwise, Stack, aligned, within, zero_beyond
from recurra.layers.base import Layer
from recurra.topologies.loss import Loss

BLANK = 0
"""The class that stands for no symbol; the symbols are 1, 2, …"""


class CTC(nn.Module):
    """Connectionist temporal classification: the sum over all ways to spread symbols over steps.

        scores = head(body(embed(front(x))))        p_t = softmax(scores_t)
        p(y | x) = Σ_{π: B(π) = y} Π_t p_t[π_t]

    with a symbol or the blank (class 0) at each step of π; B drops repeats and then blanks. Graves
    et al. 2006, https://www.cs.toronto.edu/~graves/icml_2006.pdf, equations 2 and 3. Equal symbols
    beside each other need a blank between them, so y takes |y| + repeats steps at least.

    Args:
        front: x → its features, by what it has heard so far (log-mel energies of samples).
        embed: features → [batch time input] of the body, step by step.
        body: the recurrent layers.
        head: their outputs → scores [batch time classes], the blank's first, step by step.
        classes: how many those are.
    """

    def __init__(
        self, front: Layer, embed: nn.Module, body: Layer, head: nn.Module, classes: int
    ) -> None:
        super().__init__()
        self.front, self.embed, self.body, self.head = front, embed, body, head
        self.classes = classes

    @property
    def layer(self) -> Layer:
        """All of it as one layer, x → scores, which a `Stream` steps if the body streams."""
        features, states = self.front.output_size, self.body.output_size
        embed = Pointwise(self.embed, features, self.body.input_size)
        head = Pointwise(self.head, states, self.classes)
        return Stack(self.front, embed, self.body, head)

    def forward(
        self, x: Float[Tensor, "batch time input"], lengths: Int[Tensor, "batch"] | None = None
    ) -> Float[Tensor, "batch time classes"]:
        """Return the scores; those at a step answer the input at that step, whatever the delay."""
        return aligned(self.layer, x, lengths)

    def loss(self, batch: Transcribed) -> Loss:
        """Return −log p(y | x), summed over the rows; it counts symbols, of an empty y one.

        A row whose y does not fit into its steps has p = 0: it is in neither sum nor count.
        """
        inputs.fields("CTC", "the batch", batch, Transcribed)
        scores = self(batch.x, batch.lengths)
        nll = negative_log_likelihood(scores, batch.lengths, batch.y, batch.y_lengths)
        possible = fits(batch.lengths, batch.y, batch.y_lengths).to(nll.device)
        count = batch.y_lengths.to(nll.device).clamp(min=1)
        total = nll.masked_fill(~possible, 0).sum()
        return Loss(total, count.masked_fill(~possible, 0).sum())


def negative_log_likelihood(
    scores: Float[Tensor, "batch time classes"],
    lengths: Int[Tensor, "batch"],
    y: Int[Tensor, "batch symbols"],
    y_lengths: Int[Tensor, "batch"],
) -> Float[Tensor, "batch"]:
    """Return −log p(y | x) of each row: ∞ where y does not fit, with a gradient of 0.

    Args:
        scores: before the softmax; beyond lengths, anything.
        lengths: steps of each row.
        y: symbols, none of them the blank; beyond y_lengths, anything.
        y_lengths: symbols of each row.
    Raises:
        TypeError, ValueError: a value is of another type or shape, or a symbol is no class.
    """
    inputs.numbers("CTC", "scores", scores, ("batch", "time", "classes"), None)
    batch, time, classes = scores.shape
    inputs.lengths(lengths, batch)
    inputs.whole("CTC", "y", y, (batch, "symbols"))
    inputs.lengths(y_lengths, batch)
    lengths = lengths.to(scores.device, torch.int64).clamp(min=0, max=time)
    y = y.to(scores.device, torch.int64)
    y_lengths = y_lengths.to(scores.device, torch.int64).clamp(min=0, max=y.shape[1])
    y = torch.where(within(y_lengths, y.shape[1]), y, 1)
    inputs.within("CTC", "symbols less one", y - 1, classes - 1)
    # in 32 bits at least: a sum over paths that is rounded to 8 bits has lost most of them
    wide = scores if scores.dtype == torch.float64 else scores.float()
    logp = zero_beyond(wide, lengths).log_softmax(-1)
    if not time:  # nothing is heard, and nothing is right
        return torch.where(y_lengths == 0, 0.0, torch.inf) + logp.sum((1, 2))
    possible = fits(lengths, y, y_lengths)
    # what does not fit is computed as if empty: the gradient of its ∞ would be NaN
    asked = y_lengths.masked_fill(~possible, 0)
    nll: Tensor = nn.functional.ctc_loss(
        logp.transpose(0, 1), y, lengths, asked, blank=BLANK, reduction="none"
    )
    return nll.masked_fill(~possible, torch.inf)


def fits(
    lengths: Int[Tensor, "batch"], y: Int[Tensor, "batch symbols"], y_lengths: Int[Tensor, "batch"]
) -> Bool[Tensor, "batch"]:
    """Return whether each row has steps enough for its symbols and a blank in each repeat."""
    live = within(y_lengths, y.shape[1])
    repeats = (y[:, 1:] == y[:, :-1]) & live[:, 1:]
    return lengths >= y_lengths + repeats.sum(1)
