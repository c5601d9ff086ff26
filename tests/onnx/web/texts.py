"""Texts that no one writes, of characters that Unicode has."""

import random
import unicodedata

OFTEN = [
    *"nNtTsSmMdDlLrReEvVſ'’'’.,:0123456789 \t\n-aAbBíÉΣσςİı\u0300_$%#@ー漢字กा▁²٣\u0345",
    *("n't", "'re", "www.", "http://", "cannot", "Mr.", "U.S.", "<s>", "<unk>", "..."),
]


def known() -> list[str]:
    """Return every tenth of the characters that this Python's Unicode has."""
    every = map(chr, [*range(0xD800), *range(0xE000, 0x110000)])
    return [c for c in every if unicodedata.category(c) not in ("Cn", "Co")][::10]


def some(count: int, seed: int) -> list[str]:
    """Return so many texts, and each known character within a word and at its beginning."""
    drawn, strange = random.Random(seed), known()

    def piece() -> str:
        return drawn.choice(OFTEN if drawn.random() < 0.8 else strange)

    texts = ["".join(piece() for _ in range(drawn.randrange(30))) for _ in range(count)]
    return [*texts, *(f"a{c}b {c}c" for c in strange)]
