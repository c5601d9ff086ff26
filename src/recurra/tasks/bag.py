"""A text as the set of its words, pairs of words and runs of letters, whatever their order."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from recurra.codecs.texts import LETTERS
from recurra.data.batch import Labelled
from recurra.layers import zero_beyond
from recurra.layers.dropout import Dropout
from recurra.topologies.loss import Loss, cross_entropy

RUNS = range(2, 6)  # letters of a run, with the word's two edges
EDGE = 1  # a code point that no text holds
BITS = 18  # of a bucket's number
GAIN = 4.0  # of a text's grams together: their weights begin at 0 and move as far as all others
BASE, MIX = 1_000_003, 0x2545F4914F6CDD1D  # odd; the second: Vigna 2016, arXiv:1402.6246


class Bag(nn.Module):
    """A linear classifier of what a text holds: words and pairs, and runs of 2 to 5 letters.

        logits = b + g Σ_k 1/√n_k Σ_{gram of kind k} W[hash(gram)]

    Each kind has n_k grams, counted as often as they occur; of a gram that is dropped nothing is
    added. Joulin et al. 2017, https://arxiv.org/abs/1607.01759 (grams); Bojanowski et al. 2017,
    https://arxiv.org/abs/1607.04606 (runs with edges); Weinberger et al. 2009,
    https://arxiv.org/abs/0902.2206 (hashing: grams that share a bucket share a weight).

    Args:
        classes: logits.
        dropout: share of grams dropped in training.
    """

    def __init__(self, classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.table = nn.Embedding(1 << BITS, classes)
        nn.init.zeros_(self.table.weight)
        self.bias = nn.Parameter(torch.zeros(classes))
        self.dropout = Dropout(dropout)

    def forward(
        self, x: Int[Tensor, "batch time columns"], lengths: Int[Tensor, "batch"] | None = None
    ) -> Float[Tensor, "batch classes"]:
        """Return the logits; x[..., -16:] are the code points of a word, 0 beyond it."""
        letters = zero_beyond(x, lengths)[..., -LETTERS:]
        logits = self.bias
        for codes, live in (_words(letters), _runs(letters)):
            share = self.dropout(live.to(logits.dtype))
            count = live.sum(1, keepdim=True).clamp(min=1)
            found = self.table(_mixed(codes)) * share[..., None]
            logits = logits + GAIN * found.sum(1) / count.sqrt()
        return logits

    def loss(self, batch: Labelled, smoothing: float = 0.0) -> Loss:
        """Return the cross entropy over rows."""
        return cross_entropy(self(batch.x, batch.lengths), batch.y, smoothing=smoothing)


Grams = tuple[Int[Tensor, "batch grams"], Bool[Tensor, "batch grams"]]


def _words(letters: Int[Tensor, "batch time letters"]) -> Grams:
    """Return the codes of words and of pairs of neighbours, and which of them there are."""
    word, live = _coded(letters), letters[..., 0] > 0
    # rolled, not sliced: a slice binds an exported graph to a number of words
    pairs = BASE**2 * (word + BASE * word.roll(-1, 1))
    inner = torch.arange(word.shape[1], device=word.device) < word.shape[1] - 1
    return torch.cat([word, pairs], 1), torch.cat([live, live & live.roll(-1, 1) & inner], 1)


def _runs(letters: Int[Tensor, "batch time letters"]) -> Grams:
    """Return the codes of runs of letters within words and their edges, and which there are."""
    size = (letters > 0).sum(-1, keepdim=True)
    whole = nn.functional.pad(letters, (1, 1))
    place = torch.arange(LETTERS + 2, device=letters.device)
    whole = torch.where(((place == 0) | (place == size + 1)) & (size > 0), EDGE, whole)
    runs = [whole.unfold(-1, n, 1) for n in RUNS]
    codes = [(_coded(run) + n).flatten(1) for n, run in zip(RUNS, runs, strict=True)]
    return torch.cat(codes, 1), torch.cat([(run[..., -1] > 0).flatten(1) for run in runs], 1)


def _coded(letters: Int[Tensor, "*axes letters"]) -> Int[Tensor, "*axes"]:
    """Return Σ_i letters_i BASE^i modulo 2⁶⁴."""
    powers = [pow(BASE, i, 1 << 64) for i in range(letters.shape[-1])]
    signed = [p - (1 << 64) if p >= 1 << 63 else p for p in powers]
    # term by term: ONNX Runtime sums whole numbers of 64 bits along an axis with fewer
    first, *rest = (one * p for one, p in zip(letters.unbind(-1), signed, strict=True))
    return sum(rest, first)


def _mixed(codes: Int[Tensor, "batch grams"]) -> Int[Tensor, "batch grams"]:
    """Return the bucket of each code: its product's upper bits, which depend on all of its own."""
    mixed: Tensor = (codes ^ (codes >> 29)) * MIX
    return (mixed >> (63 - BITS)) & ((1 << BITS) - 1)
