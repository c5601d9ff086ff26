"""How a data set cuts text into words: learned from its tokens, so that raw text is cut likewise.

Characters are kept within words (`Jean-Luc`), in front of them (`#tag`) or behind (`5%`); endings
(`do·n't`) and beginnings (`l'·été`) are cut off; other tokens are kept whole by name (`U.S.`,
`AT&T`). What training never saw is cut as `vocabulary.words` does. `evidence.learn` finds a habit.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

from recurra.data.vocabulary import IDEOGRAPH, LETTERS, composed
from recurra.errors import BundleError

LETTER = re.compile(LETTERS)
SUFFIXES = ("'s", "'m", "'d", "'ll", "'re", "'ve", "n't")
MERGED = {"cannot": 3, "gonna": 3, "gotta": 3, "wanna": 3, "gimme": 3, "lemme": 3}
CLOSED = re.compile(r"[\s\"'’”»)\]]*")  # what may follow a text's last word


@dataclass(frozen=True)
class Habit:
    """What a data set does where its tokens meet punctuation; the empty one: `vocabulary.words`.

    Args:
        blanks: only blanks part words.
        inside: characters kept between letters.
        digits: characters kept between digits.
        before: characters kept in front of a word.
        after: characters kept behind a word.
        suffixes: endings that are cut off words, with a straight apostrophe.
        prefixes: beginnings that are cut off words, with a straight apostrophe.
        patterns: which of "initialism", "initial", "ordinal" and "link" are kept whole.
        merged: words that are cut in two though nothing stands between their parts.
        kept: further tokens that are kept whole.
        split_last: those of them that are cut where they end a text: training's never end one,
            and their pieces do (`No. 5`, but `he said No·.`).
    """

    blanks: bool = False
    inside: str = ""
    digits: str = ".,:"
    before: str = ""
    after: str = ""
    suffixes: tuple[str, ...] = SUFFIXES
    prefixes: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    split_last: tuple[str, ...] = ()

    def words(self, text: str) -> list[str]:
        """Return the words of raw text, composed (NFC); nothing is lost but blanks."""
        text = composed(text)
        plain = straight(text)
        found, at = [], 0
        while at < len(text):
            match = self._rules.match(text, at)
            end = max(match.end() if match else at, self._kept_until(plain, at))
            if end > at:
                found.append(text[at:end])
            at = max(end, at + 1)
        return found

    @cached_property
    def _lengths(self) -> dict[str, list[int]]:
        """Lengths of the kept tokens by their first character, the longest first."""
        lengths = defaultdict(set)
        for token in self.kept:
            lengths[token[0]].add(len(token))
        return {first: sorted(some, reverse=True) for first, some in lengths.items()}

    @cached_property
    def _kept(self) -> frozenset[str]:
        return frozenset(self.kept)

    def _kept_until(self, text: str, at: int) -> int:
        """Return where the longest kept token that begins here ends, within no other word."""
        for length in self._lengths.get(text[at], ()):
            end = at + length
            token = text[at:end]
            if token not in self._kept or self._within(text, end):
                continue
            if token in self.split_last and CLOSED.fullmatch(text, end):
                continue
            return end
        return at

    def _within(self, text: str, end: int) -> bool:
        if end >= len(text):
            return False
        if self.blanks:
            return not text[end].isspace()
        return bool(LETTER.match(text[end - 1]) and LETTER.match(text[end]))

    @cached_property
    def _rules(self) -> re.Pattern[str]:
        if self.blanks:
            return re.compile(r"\S+")
        ends = "(?!" + LETTERS + ")"
        cut = [s for s in self.suffixes if s != "n't"]
        bodies = "|".join(re.escape(s[1:]) for s in cut)
        inside = _either(self.inside)
        # Both kinds of joints are followed by a letter; a suffix that is cut off begins no word.
        joint = rf"(?:(?<=\d){_either(self.digits)}(?=\d)|{inside}(?!(?<=\d.)\d)(?={LETTERS}))"
        if cut:
            joint = rf"(?!['’](?i:{bodies}){ends}){joint}"
        core = rf"{_either(self.before)}?{LETTERS}+(?:{joint}{LETTERS}+)*"
        shapes = {
            "link": r"(?i:\w+://|www\.)[^\s<>\"]*[\w/]",
            "initialism": rf"(?:[^\W\d_]\.){{2,}}(?:[^\W\d_]{ends})?",
            "initial": r"[A-ZÀ-ÖØ-ÞΑ-ΩА-Я]\.(?=\s+\S)",
            "ordinal": r"\d+\.(?=\s+\S)",
        }
        rules = [shapes[name] for name in shapes if name in self.patterns]
        rules += [rf"(?i:{re.escape(p[:-1])})['’](?={LETTERS})" for p in self.prefixes]
        rules += [
            rf"(?i:{w[: MERGED[w]]})(?=(?i:{w[MERGED[w] :]}){ends})"
            for w in self.merged
            if w in MERGED
        ]
        if "n't" in self.suffixes:
            rules += [rf"{core}(?=(?i:n['’]t){ends})", rf"(?i:n['’]t){ends}"]
        if cut:
            rules.append(rf"['’](?i:{bodies}){ends}")
        rules += [
            rf"{core}(?:{_either(self.after)}{ends})?",
            rf"[{IDEOGRAPH}]",
            r"\.\.+",
            r"[^\w\s]",
        ]
        return re.compile("|".join(f"(?:{rule})" for rule in rules))

    def to_json(self) -> str:
        """Return the habit as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=0)

    @classmethod
    def from_json(cls, text: str) -> Habit:
        """Return the habit that `to_json` wrote.

        Raises:
            BundleError: the text is no such habit.
        """
        try:
            stored = json.loads(text)
            values: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value
                for name, value in stored.items()
            }
            made = cls(**values)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise BundleError(f"the habit of words cannot be read: {error}") from error
        for field in fields(cls):
            value, kind = getattr(made, field.name), type(field.default)
            several = value if isinstance(value, tuple) else ()
            if type(value) is not kind or not all(isinstance(v, str) and v for v in several):
                raise BundleError(f"the habit of words cannot be read: {field.name} is wrong")
        if any(LETTER.match(c) for c in made.inside + made.digits + made.before + made.after):
            raise BundleError("the habit of words cannot be read: a letter stands for punctuation")
        return made


def straight(text: str) -> str:
    """Return the text with straight apostrophes."""
    return text.replace("’", "'")


def _either(characters: str) -> str:
    """Return a pattern of one of the characters; an apostrophe stands for both kinds."""
    both = characters + "’" * ("'" in characters)
    return f"[{re.escape(both)}]" if both else r"(?!)"
