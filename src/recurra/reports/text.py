"""Texts of users: whole or cut, with marked words, or shaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple
from zlib import crc32

LONGEST, WORDS = 600, 120  # characters of a text that are shown, and words of a sentence
STRONGEST = 10.0  # bits that have the strongest colour


def told(text: str, most: int = LONGEST) -> str:
    """Return a text for a page: escaped and, where it is long, cut, which is said."""
    if len(text) <= most:
        return escape(text)
    return f'{escape(text[:most])}… <span class="dim">({len(text):,} characters)</span>'


@dataclass(frozen=True)
class Text:
    """A text, written in whichever direction its letters are."""

    text: str

    def html(self) -> str:
        """Return it, cut where it is long."""
        return f'<span dir="auto">{told(self.text)}</span>'


class Span(NamedTuple):
    """A kind that some words are of, from the first to the last; right: as it should be."""

    kind: str
    first: int
    last: int
    right: bool = True


@dataclass(frozen=True)
class Marked:
    """A sentence in which some words are marked; spans that are wrong have a red line."""

    tokens: Sequence[str]
    spans: Sequence[Span]

    def html(self) -> str:
        """Return the sentence; one of very many words is cut."""
        shown = [told(token) for token in self.tokens[:WORDS]]
        for kind, first, last, right in self.spans:
            if first >= len(shown):
                continue
            off = "" if right else ' class="off"'
            shown[first] = f'<mark{off} style="background:{colour(kind)}">{shown[first]}'
            shown[min(last, len(shown) - 1)] += f"<small>{told(kind, 30)}</small></mark>"
        more = len(self.tokens) - len(shown)
        rest = f' … <span class="dim">({more:,} more words)</span>' if more else ""
        return f'<span dir="auto">{" ".join(shown)}{rest}</span>'


def colour(kind: str) -> str:
    """Return a pale colour that is the same for the same kind, on every page."""
    return f"hsl({crc32(kind.encode('utf-8', 'replace')) % 360},65%,80%)"


@dataclass(frozen=True)
class Shaded:
    """A text unit by unit, each as red as it has bits."""

    tokens: Sequence[str]
    bits: Sequence[float]

    def html(self) -> str:
        """Return the text; each unit tells its bits."""
        shown = []
        for token, bits in zip(self.tokens, self.bits, strict=True):
            strength = min(bits / STRONGEST, 1.0)
            style = f"background:hsla(8,80%,55%,{strength:.2f})"
            mark = "<br>" if token == "\n" else escape(token)
            shown.append(
                f'<mark style="{style};color:inherit;padding:0;border-radius:0" '
                f'title="{bits:.1f} bits">{mark}</mark>'
            )
        return "".join(shown)
