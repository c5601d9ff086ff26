"""What a transcript is written in: characters, words, or pieces of words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from tokenizers import Tokenizer

from recurra.data.vocabulary import END, PAD, START, UNKNOWN, Vocabulary, composed, train_subwords

Kind = Literal["characters", "words", "subwords"]
PIECE = "▁"  # begins each piece that begins a word
Piece = TypeVar("Piece")


@dataclass(frozen=True)
class Units:
    """Transcripts to symbols and back. The number 0 is no symbol: CTC's blank has its place.

    Args:
        kind: what a symbol is; the blank between two words is a character.
        known: the vocabulary of characters or words, or the tokenizer of subwords.
        lowercase: transcripts are taken in lower case.
    """

    kind: Kind
    known: Vocabulary | Tokenizer
    lowercase: bool = False

    @classmethod
    def learn(cls, texts: Iterable[str], kind: Kind, size: int, *, lowercase: bool) -> Units:
        """Return the units of these transcripts, at most `size`."""
        plain = [normal(text, lowercase=lowercase) for text in texts]
        if kind == "subwords":
            return cls(kind, train_subwords(plain, size), lowercase)
        cut = list if kind == "characters" else str.split
        return cls(kind, Vocabulary.build((cut(text) for text in plain), size=size), lowercase)

    @classmethod
    def of(cls, kind: Kind, stored: str, *, lowercase: bool) -> Units:
        """Return the units that `to_json` wrote."""
        read: Callable[[str], Vocabulary | Tokenizer]
        read = Tokenizer.from_str if kind == "subwords" else Vocabulary.from_json
        return cls(kind, read(stored), lowercase)

    def to_json(self) -> str:
        """Return the vocabulary or tokenizer."""
        known = self.known
        return known.to_json() if isinstance(known, Vocabulary) else str(known.to_str())

    def __len__(self) -> int:
        known = self.known
        return len(known) if isinstance(known, Vocabulary) else int(known.get_vocab_size())

    @property
    def names(self) -> list[str]:
        """The symbols as they are written, by their numbers."""
        known = self.known
        if isinstance(known, Vocabulary):
            return list(known.tokens)
        return [known.id_to_token(number) or "" for number in range(len(self))]

    def normal(self, text: str) -> str:
        """Return a transcript as it is learned: composed, words one blank apart, maybe lowered."""
        return normal(text, lowercase=self.lowercase)

    def encode(self, text: str) -> list[int]:
        """Return the symbols of a transcript; what was never learned is `<unk>`."""
        plain = self.normal(text)
        if isinstance(self.known, Vocabulary):
            return self.known.encode(list(plain) if self.kind == "characters" else plain.split())
        numbers: list[int] = self.known.encode(plain).ids
        return numbers

    def unknown(self, text: str) -> list[str]:
        """Return what of a transcript was never learned."""
        plain = self.normal(text)
        if isinstance(self.known, Vocabulary):
            parts = list(plain) if self.kind == "characters" else plain.split()
            return sorted({part for part in parts if self.known.encode([part]) == [UNKNOWN]})
        known = self.known.encode(plain)
        return sorted(
            {plain[a:b] for i, (a, b) in zip(known.ids, known.offsets, strict=True) if i == UNKNOWN}
        )

    def decode(self, symbols: Sequence[int]) -> str:
        """Return the text of symbols; blanks at its ends or doubled are one."""
        return " ".join(text for text, _ in self.words([(one, one) for one in symbols]))

    def words(self, symbols: Iterable[tuple[int, Piece]]) -> list[tuple[str, list[Piece]]]:
        """Return the words, each with what belongs to its symbols.

        Args:
            symbols: each symbol, and anything that belongs to it.
        """
        found: list[tuple[list[int], list[Piece]]] = []
        names, inside = self.names, False
        for number, piece in symbols:
            if number in (PAD, START, END):
                continue
            name = names[number]
            apart = self.kind == "characters" and name.isspace()
            begins = self.kind == "words" or (self.kind == "subwords" and name.startswith(PIECE))
            if apart:
                inside = False
                continue
            if begins or not inside:
                found.append(([], []))
            inside = True
            found[-1][0].append(number)
            found[-1][1].append(piece)
        told = [(self._spelled(numbers, names), pieces) for numbers, pieces in found]
        return [(text, pieces) for text, pieces in told if text]

    def ends(self) -> list[float]:
        """Return 1 for each symbol that adds a word to a text, 0 for the others."""
        if self.kind == "words":
            return [float(number not in (PAD, START, END)) for number in range(len(self))]
        marks = " " if self.kind == "characters" else PIECE
        return [float(name.startswith(marks)) for name in self.names]

    def _spelled(self, numbers: Sequence[int], names: Sequence[str]) -> str:
        if isinstance(self.known, Vocabulary):
            return "".join(names[number] for number in numbers)
        return str(self.known.decode(list(numbers), skip_special_tokens=False)).strip()


def normal(text: str, *, lowercase: bool) -> str:
    """Return a text composed, its words one blank apart, in lower case if asked."""
    plain = " ".join(composed(text).split())
    return composed(plain.lower()) if lowercase else plain
