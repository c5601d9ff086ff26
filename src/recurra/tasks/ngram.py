"""Counting what follows the last few tokens: what a language model must be better than."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

MOST = 1 << 24  # tokens that are counted, at most: the last ones

Tokens = NDArray[np.int64]


class NGrams:
    """An interpolated Witten–Bell model.

        p(w | h) = (c(h w) + t(h) p(w | h′)) / (c(h) + t(h))

    with c how often, t how many different tokens followed h, h′ the history h without its first
    token, and 1 / V below the empty history. Witten and Bell 1991,
    https://doi.org/10.1109/18.87000, method C; interpolated as in Chen and Goodman 1999,
    https://doi.org/10.1006/csla.1999.0128, equation 7.

    Args:
        tokens: what is counted.
        vocabulary: V.
        order: tokens of an n-gram, at most; fewer where their numbers would not fit 63 bits.
    """

    def __init__(self, tokens: Tokens, vocabulary: int, order: int) -> None:
        self.vocabulary = vocabulary
        self.order = max(1, min(order, int(62 / math.log2(max(vocabulary, 2)))))
        tokens = tokens[-MOST:]
        self.tables = []
        for n in range(1, self.order + 1):
            grams, counts = np.unique(_grams(tokens, n, vocabulary), return_counts=True)
            histories, first = np.unique(grams // vocabulary, return_index=True)
            totals = np.add.reduceat(counts, first) if len(first) else counts
            kinds = np.diff([*first.tolist(), len(grams)])
            self.tables.append((grams, counts, histories, totals, kinds))

    def nats(self, tokens: Tokens) -> NDArray[np.float64]:
        """Return −log p of each token, given those before it."""
        p = np.full(len(tokens), 1 / self.vocabulary)
        for n, (grams, counts, histories, totals, kinds) in enumerate(self.tables, start=1):
            asked = _grams(tokens, n, self.vocabulary)
            if not len(asked):
                break
            c, _ = _found(grams, (counts,), asked)
            (total, kind), known = _found(histories, (totals, kinds), asked // self.vocabulary)
            mixed = (c[0] + kind * p[n - 1 :]) / np.maximum(total + kind, 1)
            p[n - 1 :] = np.where(known, mixed, p[n - 1 :])
        nats: NDArray[np.float64] = -np.log(p)
        return nats


def _grams(tokens: Tokens, n: int, vocabulary: int) -> Tokens:
    """Return one number for each n tokens in a row: the last one is its lowest digit."""
    size = max(len(tokens) - n + 1, 0)
    found = np.zeros(size, np.int64)
    for i in range(n):
        found = found * vocabulary + tokens[i : i + size]
    return found


def _found(
    keys: Tokens, values: tuple[NDArray[np.int64], ...], asked: Tokens
) -> tuple[list[NDArray[np.int64]], NDArray[np.bool_]]:
    """Return each key's values, 0 where there is no such key, and where there is one."""
    places = np.searchsorted(keys, asked).clip(max=max(len(keys) - 1, 0))
    known = keys[places] == asked if len(keys) else np.zeros(len(asked), np.bool_)
    return [np.where(known, value[places], 0) for value in values], known
