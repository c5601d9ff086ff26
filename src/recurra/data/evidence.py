"""What the tokens of a data set say about its habit of cutting words: counted in types.

A character that a fifth of the types keep within a word is kept there, and one that most keep in
front of a word or behind it, too. Endings and beginnings that stand alone are cut off. Where
punctuation mostly sticks to the words before it, only blanks part words. Tokens that these rules
would cut are kept whole by name, unless the data has their pieces ten times as often.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from recurra.data.habit import CLOSED, LETTER, MERGED, SUFFIXES, Habit, straight
from recurra.data.vocabulary import composed

KEPT_INSIDE = 0.2  # share of types from which on a character is kept within words
SLIP = 10  # a token whose pieces are this much more frequent is a slip of the data
STOPS = ".,!?;:"
INITIALISM = re.compile(r"(?:[^\W\d_]\.){2,}[^\W\d_]?")
INITIAL = re.compile(r"[^\W\d_]\.")
ORDINAL = re.compile(r"\d+\.")
LINK = re.compile(r"(?:\w+://|www\.)\S+", re.IGNORECASE)
SUFFIX = re.compile(r"'[^\W\d_]{1,3}|n't", re.IGNORECASE)
PREFIX = re.compile(r"[^\W\d_]{1,6}'")


def learn(sentences: Iterable[Sequence[str]]) -> Habit:
    """Return the habit of tokenised sentences. It depends on nothing but them."""
    texts = [[straight(composed(token)) for token in some if token] for some in sentences]
    counts = Counter(token for text in texts for token in text)
    seen = _Seen(counts, texts)
    if seen.sticks():
        return _with_exceptions(Habit(blanks=True), counts, texts)
    rules = Habit(
        inside=seen.inside(),
        digits=seen.between_digits(),
        before=seen.before(),
        after=seen.after(),
        suffixes=seen.suffixes(),
        prefixes=seen.prefixes(),
        patterns=seen.patterns(),
        merged=seen.merged(),
    )
    return _with_exceptions(rules, counts, texts)


def _with_exceptions(rules: Habit, counts: Counter[str], texts: list[list[str]]) -> Habit:
    """Return the habit with the tokens that the rules would cut and the data keeps."""
    # Plain words are most of a data set, and no rule but `merged` touches them.
    uneasy = [t for t in counts if not _plain(t) or t.lower() in rules.merged]
    cut = {token: tuple(rules.words(token)) for token in uneasy}
    pieces = {token: parts for token, parts in cut.items() if parts != (token,)}
    starts: dict[str, list[str]] = defaultdict(list)
    for token, parts in pieces.items():
        if parts:
            starts[parts[0]].append(token)
    apart: Counter[str] = Counter()
    last: set[str] = set()
    last_apart: set[str] = set()
    for text in texts:
        end = len(text)
        while end > 1 and CLOSED.fullmatch(text[end - 1]):
            end -= 1
        last.update(text[end - 1 : end])
        for i, first in enumerate(text):
            for token in starts.get(first, ()):
                behind = i + len(pieces[token])
                if tuple(text[i:behind]) == pieces[token]:
                    apart[token] += 1
                    if behind == end:
                        last_apart.add(token)
    kept = {token for token in pieces if apart[token] < SLIP * counts[token]}
    split_last = (kept & last_apart) - last
    return replace(rules, kept=tuple(sorted(kept)), split_last=tuple(sorted(split_last)))


class _Seen:
    """What the tokens of a data set say about characters that are neither letters nor blanks."""

    def __init__(self, counts: Counter[str], texts: list[list[str]]) -> None:
        self.counts = counts
        self.within: dict[tuple[str, bool], set[str]] = defaultdict(set)
        self.parted: dict[tuple[str, bool], set[tuple[str, str]]] = defaultdict(set)
        self.first: dict[str, set[str]] = defaultdict(set)
        self.last: dict[str, set[str]] = defaultdict(set)
        self.follows: dict[str, set[str]] = defaultdict(set)  # token → words before it
        self.leads: dict[str, set[str]] = defaultdict(set)  # token → words behind it
        self.finals = {text[-1] for text in texts if text}
        self.pairs = Counter(pair for text in texts for pair in pairwise(text))
        for token in counts:
            if not _plain(token):
                self._look_into(token)
        self.begins = {token for token in counts if LETTER.match(token)}
        self.ends = {token for token in counts if LETTER.match(token[-1])}
        for text in texts:
            self._look_between(text)

    def _look_into(self, token: str) -> None:
        if INITIALISM.fullmatch(token):
            return  # a shape of its own
        for i, c in enumerate(token):
            if LETTER.match(c) or c == " " or len(token) == 1:
                continue
            before, behind = token[i - 1 : i], token[i + 1 : i + 2]
            if i == 0 and LETTER.match(behind):
                self.first[c].add(token)
            elif not behind and LETTER.match(before):
                self.last[c].add(token)
            elif i and LETTER.match(before) and LETTER.match(behind):
                self.within[c, _digits(before, behind)].add(token)

    def _look_between(self, text: list[str]) -> None:
        for before, behind in pairwise(text):
            if before in self.ends and not _plain(behind):
                self.follows[behind].add(before)
            if behind in self.begins and not _plain(before):
                self.leads[before].add(behind)
        for before, c, behind in zip(text, text[1:], text[2:], strict=False):
            if len(c) != 1 or before not in self.ends or behind not in self.begins:
                continue
            if LETTER.match(c) or not _number(before, c, behind):
                continue
            if c == "'" and before[-1] in "sSxzXZ":
                continue  # "the workers ' party": a plural's ending
            self.parted[c, _digits(before[-1], behind[0])].add((before, behind))

    def sticks(self) -> bool:
        """Return whether punctuation sticks to words in most types: then only blanks part them."""
        sticking = {
            token
            for c in STOPS
            for token in self.last[c]
            if not _shortened(token) and (token[:-1] in self.counts or token in self.finals)
        }
        return len(sticking) > sum(len(self.follows[c]) for c in STOPS)

    def inside(self) -> str:
        """Return the characters that are kept between letters."""
        return "".join(
            sorted(c for c, digits in self.within if not digits and self._kept(c, digits))
        )

    def between_digits(self) -> str:
        """Return the characters that are kept between digits: of the unseen, the usual ones."""
        inside = self.inside()
        every = {c for c, _ in [*self.within, *self.parted]} | set(".,:")
        kept = {
            c
            for c in every
            if (
                self._kept(c, True)
                if self.within[c, True] or self.parted[c, True]
                else c in ".,:" or c in inside
            )
        }
        return "".join(sorted(kept))

    def _kept(self, c: str, digits: bool) -> bool:
        kept, parted = len(self.within[c, digits]), len(self.parted[c, digits])
        return kept > 0 and kept >= KEPT_INSIDE * (kept + parted)

    def before(self) -> str:
        """Return the characters that mostly stick to the word behind them."""
        return "".join(
            sorted(
                c
                for c, tokens in self.first.items()
                if c != "'" and len(tokens) >= len(self.leads[c])
            )
        )

    def after(self) -> str:
        """Return the characters that mostly stick to the word before them."""
        return "".join(
            sorted(
                c
                for c, tokens in self.last.items()
                if c not in ".'" and len(tokens) > len(self.follows[c])
            )
        )

    def suffixes(self) -> tuple[str, ...]:
        """Return the endings that are cut off; English ones that were never seen go with these."""
        alone = {t.lower() for t in self.counts if SUFFIX.fullmatch(t)} | set(SUFFIXES)
        apart: Counter[str] = Counter()
        whole: Counter[str] = Counter()
        for token in self.counts:
            lower = token.lower()
            if lower in alone:
                apart[lower] += len(self.follows[token])
            elif match := re.fullmatch(r".*\w(?<!n)('\w{1,3})|.*\w(n't)", lower):
                whole[match[1] or match[2]] += 1
        # "don ' t": three words
        for _, behind in self.parted["'", False]:
            whole["n't" if behind.lower() == "t" else "'" + behind.lower()] += 1
        usual = sum(apart[s] for s in SUFFIXES) >= sum(whole[s] for s in SUFFIXES)
        return tuple(
            sorted(
                suffix
                for suffix in alone
                if (apart[suffix] or (usual and suffix in SUFFIXES))
                and apart[suffix] >= whole[suffix]
            )
        )

    def prefixes(self) -> tuple[str, ...]:
        """Return the beginnings that are cut off: what is no word without its apostrophe."""
        found: dict[str, set[str]] = defaultdict(set)
        for token in self.counts:
            if PREFIX.fullmatch(token) and self.counts[token] > self.counts[token[:-1]]:
                found[token.lower()] |= self.leads[token]
        whole = Counter(
            token.lower().partition("'")[0] + "'"
            for token in self.counts
            if re.match(r"[^\W\d_]{1,6}'\w", token)
        )
        return tuple(sorted(p for p, behind in found.items() if len(behind) > whole[p]))

    def patterns(self) -> tuple[str, ...]:
        """Return the shapes of tokens that are kept whole."""
        found = []
        if any(INITIALISM.fullmatch(token) for token in self.counts):
            found.append("initialism")
        for name, shape in (("initial", INITIAL), ("ordinal", ORDINAL)):
            whole = {t for t in self.counts if shape.fullmatch(t) and t[:-1] == t[:-1].upper()}
            apart = {t for t in self.follows["."] if shape.fullmatch(t + ".")}
            if whole and len(whole) >= len(apart):
                found.append(name)
        if any(LINK.fullmatch(token) for token in self.counts):
            found.append("link")
        return tuple(found)

    def merged(self) -> tuple[str, ...]:
        """Return the merged words whose parts were seen side by side, and they never whole."""
        parts = {word: (word[:cut], word[cut:]) for word, cut in MERGED.items()}
        return tuple(w for w, pair in parts.items() if self.pairs[pair] > self.counts[w])


def _plain(token: str) -> bool:
    return token.isascii() and token.isalnum()


def _digits(before: str, behind: str) -> bool:
    return before.isdecimal() and behind.isdecimal()


def _number(before: str, c: str, behind: str) -> bool:
    """Return whether two words might be one with `c` between: of digits, not any two are."""
    if not _digits(before[-1], behind[0]):
        return True
    return len(behind) == {",": 3, ":": 2}.get(c, len(behind))


def _shortened(token: str) -> bool:
    return bool(INITIAL.fullmatch(token) or ORDINAL.fullmatch(token) or INITIALISM.fullmatch(token))
