"""Write the sentiment sample: train.tsv, valid.tsv and test.tsv.

The sentences come from the frames and word lists of sentiment_grammar.toml and
from the hand-written ones of sentiment_hand_written.tsv, both beside this script.
The seed is fixed, so the same files come out every time, byte for byte:

    python scripts/write_sentiment_sample.py [FOLDER]
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / "src" / "recurra" / "data" / "samples" / "sentiment"
GRAMMAR = HERE / "sentiment_grammar.toml"
HAND_WRITTEN = HERE / "sentiment_hand_written.tsv"
SEED = 1
POLARITIES = ("positive", "negative")
OPPOSITE = {"positive": "negative", "negative": "positive"}
SPLITS = ("train", "valid", "test")
KINDS = ("plain", "negated", "contrast")
PER_LABEL = {  # sentences with one label for each frame, by file and kind of frame
    "train": dict(zip(KINDS, (9, 5, 5), strict=True)),
    "valid": dict(zip(KINDS, (4, 4, 4), strict=True)),
    "test": dict(zip(KINDS, (5, 4, 4), strict=True)),
}
SLOT = re.compile(r"\{(\w+)(?::([PN]))?\}")


@dataclass(frozen=True)
class Row:
    """One labelled sentence and the construction it was made by."""

    text: str
    label: str
    construction: str


@dataclass(frozen=True)
class Part:
    """A part of the thing reviewed, say the soup of a restaurant."""

    name: str
    kind: str
    plural: bool

    @classmethod
    def parse(cls, line: str) -> Part:
        name, kind = line.split(": ")
        return cls(name, kind.removesuffix(" +"), kind.endswith(" +"))


class Deck:
    """Deals the words of a list evenly: each comes once before any comes again."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._piles: dict[tuple[str, ...], list[str]] = {}

    def deal(self, words: list[str], avoid: set[str]) -> str:
        """The next word of ``words`` that is not in ``avoid``."""
        pile = self._piles.setdefault(tuple(words), [])
        fresh = [word for word in pile if word not in avoid]
        if not fresh:
            more = [word for word in words if word not in pile]
            self._rng.shuffle(more)
            pile.extend(more)
            fresh = [word for word in pile if word not in avoid] or list(pile)
        pile.remove(fresh[0])
        return fresh[0]


class Writer:
    """Writes sentences of one label, filling frames with words that fit each other.

    Each writer has a deck of its own, so that words without polarity come about
    as often with one label as with the other.
    """

    def __init__(self, grammar: dict[str, Any], label: str, rng: random.Random) -> None:
        self.grammar = grammar
        self.label = label
        self.rng = rng
        self.deck = Deck(rng)

    def write(self, frame: str, topic_name: str) -> str:
        """One sentence of the frame about the topic."""
        topic = self.grammar["topics"][topic_name]
        first = self.deck.deal(topic["parts"], set())
        second = self.deck.deal(topic["parts"], {first})
        parts = {"a": Part.parse(first), "b": Part.parse(second)}
        thing = self.deck.deal(topic["things"], set())
        used: set[str] = set()

        def fill(slot: re.Match[str]) -> str:
            name, sign = slot.groups()
            polarity = self.label if sign == "P" else OPPOSITE[self.label]
            word = self._word(name, polarity, topic, thing, parts, used)
            used.add(word)
            return word

        return self._tidy(SLOT.sub(fill, frame))

    def _word(
        self,
        name: str,
        polarity: str,
        topic: dict[str, Any],
        thing: str,
        parts: dict[str, Part],
        used: set[str],
    ) -> str:
        if name == "t":
            return thing
        if name in topic:
            return str(topic[name])
        if name in self.grammar["neutral"]:
            return self.deck.deal(self.grammar["neutral"][name], used)
        if name == "end":
            own = self.rng.random() < 0.75
            words = topic[polarity] if own else self.grammar["opinion"]["end"][polarity]
            return self.deck.deal(words, used)
        if name in self.grammar["opinion"]:
            return self.deck.deal(self.grammar["opinion"][name][polarity], used)
        if name == "adj":
            return self._adjective("general", polarity, used)
        if name == "t_adj":
            return self._adjective(topic["class"], polarity, used)
        part = parts[name[0]]
        forms = {
            "": part.name,
            "_was": "were" if part.plural else "was",
            "_wasnt": "weren't" if part.plural else "wasn't",
        }
        if name[1:] in forms:
            return forms[name[1:]]
        if name[1:] == "_adj":
            return self._adjective(part.kind, polarity, used)
        raise ValueError(f"unknown slot: {name}")

    def _adjective(self, kind: str, polarity: str, used: set[str]) -> str:
        own = self.rng.random() < 0.65
        words = self.grammar["adjectives"][kind if own else "general"][polarity]
        return self.deck.deal(words, used)

    def _tidy(self, text: str) -> str:
        if text.startswith(("The ", "We ", "This ")) and self.rng.random() < 0.2:
            opening = self.deck.deal(self.grammar["neutral"]["open"], set())
            text = f"{opening}, {text[0].lower()}{text[1:]}"
        text = re.sub(r"\ba (?=[aeiou])(?!use)", "an ", text)
        return text[0].upper() + text[1:]


def hand_written() -> dict[str, list[Row]]:
    """The hand-written sentences by file, each a construction of its own."""
    rows: dict[str, list[Row]] = {split: [] for split in SPLITS}
    lines = HAND_WRITTEN.read_text(encoding="utf-8").splitlines()[1:]
    for number, line in enumerate(lines, 1):
        split, label, text = line.split("\t")
        rows[split].append(Row(text, label, f"hand-{number:03d}"))
    return rows


def make_rows(grammar: dict[str, Any]) -> dict[str, list[Row]]:
    """All sentences by file, in an order of chance, no sentence twice."""
    rng = random.Random(SEED)
    writers = [Writer(grammar, label, rng) for label in POLARITIES]
    rows = hand_written()
    seen = {row.text for split in SPLITS for row in rows[split]}
    topics = itertools.cycle(grammar["topics"])
    for split in SPLITS:
        frames = [
            (kind, name, frame)
            for kind in KINDS
            for name, frame in grammar["frames"][split][kind].items()
        ]
        for kind, name, frame in frames:
            for _ in range(PER_LABEL[split][kind]):
                topic = next(topics)
                for writer in writers:
                    while (text := writer.write(frame, topic)) in seen:
                        pass
                    seen.add(text)
                    rows[split].append(Row(text, writer.label, f"{kind}-{name}"))
        random.Random(SEED).shuffle(rows[split])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the sentiment sample.")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    rows = make_rows(tomllib.loads(GRAMMAR.read_text(encoding="utf-8")))
    for split in SPLITS:
        lines = ["text\tlabel\tconstruction"]
        lines += [f"{row.text}\t{row.label}\t{row.construction}" for row in rows[split]]
        (folder / f"{split}.tsv").write_bytes(("\n".join(lines) + "\n").encode("utf-8"))


if __name__ == "__main__":
    main()
