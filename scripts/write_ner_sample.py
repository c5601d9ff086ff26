"""Write the named-entity sample under src/recurra/data/samples/ner.

The sentences come from frames (``ner_frames.txt``) whose slots are filled by
word lists and phrase rules (``ner_words.txt``).  Each split has frames of its
own and, beside shared words, names of its own, so that a plain look-up of the
training names does poorly on the test file.  The output depends on nothing but
the two text files and the fixed seed.

    python scripts/write_ner_sample.py [--out FOLDER]
"""

from __future__ import annotations

import argparse
import random
import re
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEFAULT_OUT = HERE.parent / "src" / "recurra" / "data" / "samples" / "ner"

SEED = 20240
SIZES = {"train": 900, "valid": 100, "test": 150}
PLAIN_SHARE = 0.15  # sentences without any entity
OWN_SHARE = {"train": 0.65, "valid": 0.3, "test": 0.3}  # own words rather than shared ones
MIN_TOKENS, MAX_TOKENS = 5, 30
TAGS = ("PER", "LOC", "ORG", "DATE", "MONEY")

Token = tuple[str, str]
Sentence = tuple[Token, ...]

RULE = re.compile(r"(\w+)(?::([A-Z]+))? (all|train|valid|test) = (.+)")
SLOT = re.compile(r"\{([^{}]+)\}")
CHOICE = re.compile(r"\[([^\[\]]*)\]")
NUMBER = re.compile(r"#([.,]?)(\d+)-(\d+)")
PIECE = re.compile(r"<([A-Z]+) ([^<>]+)>|([^\s<>]+)")
VOWEL = re.compile(r"(?!one|once|eu|uni)[aeiou]", re.IGNORECASE)


class Grammar:
    """Phrase rules of one split."""

    def __init__(self, text: str, split: str, rng: random.Random) -> None:
        self.rng = rng
        self.own_share = OWN_SHARE[split]
        self.tags: dict[str, str] = {}
        self.shared: dict[str, list[str]] = {}
        self.own: dict[str, list[str]] = {}
        for line in content_lines(text):
            match = RULE.fullmatch(line)
            if match is None:
                raise ValueError(f"not a rule: {line!r}")
            name, tag, where, body = match.groups()
            if tag:
                self.tags[name] = tag
            if where in ("all", split):
                table = self.shared if where == "all" else self.own
                table[name] = [part.strip() for part in body.split("|")]

    def expand(self, slot: str) -> str:
        """Return words for one slot, with the entity marked as ``<TAG words>``."""
        number = NUMBER.fullmatch(slot)
        if number:
            style, low, high = number.groups()
            value = self.rng.randint(int(low), int(high))
            if style == ".":
                return f"{value}.{self.rng.randint(1, 9)}"
            return f"{value:,}" if style == "," else str(value)
        shared, own = self.shared.get(slot), self.own.get(slot)
        if shared and own:
            options = own if self.rng.random() < self.own_share else shared
        else:
            options = own or shared or []
        if not options:
            raise KeyError(f"no rule for {slot!r}")
        words = SLOT.sub(lambda m: self.expand(m[1]), self.rng.choice(options))
        return f"<{self.tags[slot]} {words}>" if slot in self.tags else words

    def names(self, text: str) -> bool:
        """Whether a frame or phrase can hold an entity."""
        if "<" in text:
            return True
        return any(
            slot in self.tags
            or any(map(self.names, self.shared.get(slot, []) + self.own.get(slot, [])))
            for slot in SLOT.findall(text)
        )

    def sentence(self, frame: str) -> Sentence:
        """Fill a frame and cut it into tagged tokens."""
        text = CHOICE.sub(lambda m: self.rng.choice(m[1].split("|")), frame)
        text = SLOT.sub(lambda m: self.expand(m[1]), text)
        tokens: list[Token] = []
        for tag, words, plain in PIECE.findall(text):
            if plain:
                tokens.append((plain, "O"))
            elif tag not in TAGS:
                raise ValueError(f"unknown type {tag!r} in {frame!r}")
            else:
                for place, word in enumerate(words.split()):
                    tokens.append((word, ("I-" if place else "B-") + tag))
        for place in range(len(tokens) - 1):
            word = tokens[place][0]
            if word in ("a", "A") and VOWEL.match(tokens[place + 1][0]):
                tokens[place] = (word + "n", "O")
        first, tag = tokens[0]
        tokens[0] = (first[0].upper() + first[1:], tag)
        return tuple(tokens)


def content_lines(text: str) -> list[str]:
    """Lines that are neither blank nor comments."""
    return [line for line in text.splitlines() if line.strip() and line[0] != "#"]


def read_frames(text: str) -> dict[str, list[str]]:
    """Frames by split; the same frame may not serve two splits."""
    frames: dict[str, list[str]] = defaultdict(list)
    split = ""
    for line in content_lines(text):
        if line.startswith("== "):
            split = line[3:].strip()
        else:
            frames[split].append(line.strip())
    every = [frame for group in frames.values() for frame in group]
    if len(every) != len(set(every)):
        raise ValueError("a frame occurs twice")
    return frames


def fill(grammar: Grammar, frames: list[str], count: int, seen: set[str]) -> list[Sentence]:
    """Make ``count`` new sentences, going round the frames in shuffled order."""
    made: list[Sentence] = []
    rounds = 0
    while len(made) < count:
        rounds += 1
        if rounds > 50:
            raise ValueError(f"frames give only {len(made)} of {count} sentences")
        order = frames if rounds == 1 else [f for f in frames if SLOT.search(f) or "[" in f]
        for frame in grammar.rng.sample(order, len(order)):
            sentence = grammar.sentence(frame)
            words = [word for word, _ in sentence]
            text = " ".join(words).lower()
            if text in seen or not MIN_TOKENS <= len(words) <= MAX_TOKENS:
                continue
            if SLOT.search(frame) and repeats_a_name(sentence):
                continue
            seen.add(text)
            made.append(sentence)
            if len(made) == count:
                break
    return made


def repeats_a_name(sentence: Sentence) -> bool:
    """Whether chance has put the same entity twice into one sentence."""
    spans: list[str] = []
    for word, tag in sentence:
        if tag.startswith("B-"):
            spans.append(word)
        elif tag.startswith("I-"):
            spans[-1] += " " + word
    return len(spans) != len(set(spans))


def build() -> dict[str, list[Sentence]]:
    """All sentences of the sample, by split."""
    words = (HERE / "ner_words.txt").read_text(encoding="utf-8")
    frames = read_frames((HERE / "ner_frames.txt").read_text(encoding="utf-8"))
    rng = random.Random(SEED)
    seen: set[str] = set()
    sample: dict[str, list[Sentence]] = {}
    for split, size in SIZES.items():
        grammar = Grammar(words, split, rng)
        plain = [f for f in frames[split] if not grammar.names(f)]
        named = [f for f in frames[split] if f not in plain]
        quota = round(size * PLAIN_SHARE)
        sentences = fill(grammar, plain, quota, seen)
        sentences += fill(grammar, named, size - quota, seen)
        rng.shuffle(sentences)
        sample[split] = sentences
    return sample


def main() -> None:
    """Write the three files."""
    parser = argparse.ArgumentParser(description="Write the named-entity sample.")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder to write to")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for split, sentences in build().items():
        blocks = ["".join(f"{word}\t{tag}\n" for word, tag in s) for s in sentences]
        (out / f"{split}.conll").write_text("\n".join(blocks), encoding="utf-8", newline="\n")
        print(f"{split}: {len(sentences)} sentences, {sum(map(len, sentences))} tokens")


if __name__ == "__main__":
    main()
