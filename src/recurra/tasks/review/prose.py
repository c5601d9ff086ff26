"""A text as a language model reads it: what surprises in it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from recurra.reports import Part, Shaded, Table
from recurra.tasks.codecs.prose import ScoredText

READ = 2000  # characters


@dataclass(frozen=True)
class Beginning:
    """The beginning of a text, each unit as red as it surprises."""

    scored: ScoredText
    title = "Beginning of the test part"

    @property
    def note(self) -> str:
        """How to read it."""
        bits = self.scored.bits_per_character
        return f"{bits:.2f} bits per character; the redder, the less expected."

    def html(self) -> str:
        """Return the text."""
        return f"<p>{Shaded(self.scored.tokens, self.scored.surprises).html()}</p>"


def of_surprises(scored: ScoredText) -> list[Part]:
    """Return a text with what surprises in it, and the units that cost most."""
    bits: dict[str, list[float]] = defaultdict(list)
    for token, cost in zip(scored.tokens, scored.surprises, strict=True):
        bits[token].append(cost)
    ranked = sorted(bits.items(), key=lambda pair: (-sum(pair[1]), pair[0]))
    rows = [[repr(t)[1:-1], len(some), sum(some) / len(some), sum(some)] for t, some in ranked]
    note = f"Of the {len(scored.text):,} characters above."
    head = ["unit", "count", "bits each", "bits in all"]
    return [Beginning(scored), Table("What costs most", head, rows, note)]
