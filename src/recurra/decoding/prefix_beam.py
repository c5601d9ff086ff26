"""CTC's most probable labelling: a beam of beginnings, each the sum of its alignments."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from recurra import inputs, tree
from recurra.decoding.best_path import BLANK, checked
from recurra.decoding.search import Generator
from recurra.errors import InputError

Prefix = tuple[int, ...]


class Fusion(NamedTuple):
    """What tells how likely a text is, symbol by symbol.

    Args:
        generator: writes texts: a language model, in evaluation mode.
        tokens: the generator's token for each class; the blank's is not asked for.
        start: its token before the first one.
        weight: α.
        context: what `generator.start` takes, for one row.
    """

    generator: Generator
    tokens: Sequence[int]
    start: int
    weight: float
    context: tuple[Any, ...] = ()


class Labelling(NamedTuple):
    """One answer of the search.

    Args:
        symbols: y.
        score: what it is ranked by, language model and bonus included.
        log_probability: log p(y | x), over those alignments that the beam has kept.
    """

    symbols: list[int]
    score: float
    log_probability: float


class PrefixBeam:
    """Prefix beam search of one row, as its frames come: whole or in pieces, it is the same.

        score(y) = log p(y | x) + α log p_lm(y) + Σ_i β[y_i]

    Of each beginning it keeps the probabilities of all alignments that end in a blank and of those
    that end in its last symbol, so that alignments of one labelling add up: Hannun et al. 2014,
    https://arxiv.org/abs/1408.2873, algorithm 1. A beam as wide as there are beginnings finds the
    best labelling exactly.

    Args:
        classes: the blank and the symbols.
        width: beginnings that are kept after each frame.
        bonus: β, what each class adds to the score where it is written; none: 0.
        fusion: none: α is 0.
    Raises:
        ValueError, TypeError: a number is out of its range, or there are not as many as classes.
    """

    def __init__(
        self,
        classes: int,
        width: int,
        *,
        bonus: Sequence[float] | None = None,
        fusion: Fusion | None = None,
    ) -> None:
        inputs.count("PrefixBeam", "classes", classes)
        inputs.count("PrefixBeam", "width", width)
        if classes < 1 or width < 1:
            raise InputError(f"classes is {classes}, width {width}; PrefixBeam takes 1 or more")
        given = {"bonus": bonus, "tokens": fusion and fusion.tokens}
        for name, values in given.items():
            if values is not None and len(values) != classes:
                raise InputError(f"{name} has {len(values)} numbers for {classes} classes")
        if fusion is not None and fusion.weight == 0:
            fusion = None  # what it finds impossible would be 0 · ∞
        self.classes, self.width, self.fusion = classes, width, fusion
        self.bonus = np.zeros(classes) if bonus is None else np.array(bonus, dtype=np.float64)
        self.prefixes: list[Prefix] = [()]
        self.blank = np.zeros(1)  # log p of alignments that end in a blank
        self.symbol = np.full(1, -np.inf)  # and of those that end in the last symbol
        self.earned = np.zeros(1)  # what language model and bonus have added
        self.gains = np.zeros((1, classes)) + self.bonus  # and would add for each symbol
        self._state: Any = None
        if fusion is not None:
            with torch.inference_mode():
                self._begin(fusion)

    def push(self, logp: Float[Tensor, "time classes"]) -> None:
        """Take the log probabilities of the next frames."""
        inputs.numbers("PrefixBeam", "logp", logp, ("time", self.classes), None)
        with torch.inference_mode():
            for frame in checked("PrefixBeam", logp):
                self._step(frame)

    @property
    def best(self) -> list[Labelling]:
        """The beginnings that are kept, best first."""
        total = np.logaddexp(self.blank, self.symbol)
        score = total + self.earned
        order = np.argsort(-score, kind="stable")
        return [Labelling(list(self.prefixes[i]), float(score[i]), float(total[i])) for i in order]

    def _step(self, frame: NDArray[np.float64]) -> None:
        count, everyone = len(self.prefixes), np.arange(len(self.prefixes))
        last = np.array([prefix[-1] if prefix else BLANK for prefix in self.prefixes])
        total = np.logaddexp(self.blank, self.symbol)
        blank = total + frame[BLANK]
        symbol = np.where(last == BLANK, -np.inf, self.symbol + frame[last])
        grown = total[:, None] + frame
        grown[everyone, last] = self.blank + frame[last]  # twice the same: past a blank only
        grown[:, BLANK] = -np.inf
        place = {prefix: i for i, prefix in enumerate(self.prefixes)}
        for i, prefix in enumerate(self.prefixes):
            # a beginning that grows into one that is kept already is that one
            j = place.get(prefix[:-1]) if prefix else None
            if j is not None:
                symbol[i] = np.logaddexp(symbol[i], grown[j, last[i]])
                grown[j, last[i]] = -np.inf
        kept = np.logaddexp(blank, symbol) + self.earned
        new = grown + self.earned[:, None] + self.gains
        ranked = np.concatenate([kept, new.ravel()])
        chosen = np.argsort(-ranked, kind="stable")[: self.width]
        chosen = chosen[ranked[chosen] > -np.inf]
        if not len(chosen):
            raise InputError("no labelling has a probability above 0; logp has −∞ everywhere")
        stays, grows = chosen[chosen < count], chosen[chosen >= count] - count
        parents, symbols = grows // self.classes, grows % self.classes
        self.prefixes = [self.prefixes[i] for i in stays] + [
            (*self.prefixes[i], int(c)) for i, c in zip(parents, symbols, strict=True)
        ]
        self.blank = np.concatenate([blank[stays], np.full(len(grows), -np.inf)])
        self.symbol = np.concatenate([symbol[stays], grown[parents, symbols]])
        gained = self.gains[parents, symbols]
        self.earned = np.concatenate([self.earned[stays], self.earned[parents] + gained])
        self._advance(stays, parents, symbols)

    def _begin(self, model: Fusion) -> None:
        self._state = model.generator.start(*model.context)
        device = tree.leaves(self._state)[0].device
        self._tokens = torch.tensor(list(model.tokens), device=device)
        logits, self._state = model.generator.advance(
            torch.full((1,), model.start, device=device), self._state
        )
        self.gains = self._gains(logits)

    def _gains(self, logits: Tensor) -> NDArray[np.float64]:
        assert self.fusion is not None
        logp = logits.double().log_softmax(-1)[:, self._tokens].cpu().numpy()
        gains: NDArray[np.float64] = self.fusion.weight * logp + self.bonus
        return gains

    def _advance(self, stays: NDArray[Any], parents: NDArray[Any], symbols: NDArray[Any]) -> None:
        """Have the language model read the new symbols, each from its parent's state."""
        gains = np.zeros((len(symbols), self.classes)) + self.bonus
        if self.fusion is not None:
            device = self._tokens.device
            held, origin = (torch.from_numpy(one).to(device) for one in (stays, parents))
            state = tree.map(lambda leaf: leaf.index_select(0, held), self._state)
            if len(symbols):
                before = tree.map(lambda leaf: leaf.index_select(0, origin), self._state)
                read = self._tokens[torch.from_numpy(symbols).to(device)]
                logits, after = self.fusion.generator.advance(read, before)
                gains = self._gains(logits)
                state = tree.map(lambda a, b: torch.cat([a, b]), state, after)
            self._state = state
        self.gains = np.concatenate([self.gains[stays], gains])
