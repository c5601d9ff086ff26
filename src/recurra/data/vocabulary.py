"""Tokens and their numbers: words, and subwords learned from text."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from recurra.errors import BundleError

SPECIALS = ("<pad>", "<unk>", "<s>", "</s>")
PAD, UNKNOWN, START, END = range(4)

# Marks belong to the word that they stand in (Devanagari vowels, combining accents).
MARKS = "".join(
    f"{run[0]}-{run[-1]}"  # ranges: a class of 2,000 single characters is slow to compile
    for is_mark, (*run,) in groupby(
        map(chr, range(0x300, 0xFE30)), lambda c: unicodedata.category(c)[0] == "M"
    )
    if is_mark
)
IDEOGRAPH = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
LETTERS = rf"(?:(?![{IDEOGRAPH}])[\w{MARKS}])"
WORD = re.compile(
    rf"""{LETTERS}+(?=n['’]t\b)        # do·n't
    | n['’]t\b
    | ['’](?:s|m|d|ll|re|ve)\b         # it·'s
    | \d+(?:[.,:]\d+)+                 # 1,000.5 and 12:30
    | {LETTERS}+
    | [{IDEOGRAPH}]                    # written without spaces
    | \.\.+ | [^\w\s]
    """,
    re.VERBOSE | re.IGNORECASE,
)
BYTES_FROM = 1000  # smaller vocabularies are not filled up with 256 bytes


def composed(text: str) -> str:
    """Return the text in NFC: a letter and its accent are one character, however it was typed."""
    return unicodedata.normalize("NFC", text)


def words(text: str, *, lower: bool = True) -> list[str]:
    """Return the words of raw text: punctuation and English contractions stand alone."""
    text = composed(text)
    return WORD.findall(text.lower() if lower else text)


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by number; the first four are `<pad>`, `<unk>`, `<s>` and `</s>`.

    Args:
        tokens: all of them, the specials first.

    Raises:
        ValueError: the specials are not first, or a token occurs twice.
    """

    tokens: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.tokens[: len(SPECIALS)] != SPECIALS:
            raise ValueError(f"a vocabulary begins with {', '.join(SPECIALS)}")
        if len(self._numbers) < len(self.tokens):
            double = Counter(self.tokens).most_common(1)[0][0]
            raise ValueError(f"token {double!r} occurs twice")

    @classmethod
    def build(cls, texts: Iterable[Sequence[str]], *, size: int, least: int = 1) -> Vocabulary:
        """Return the most frequent tokens of `texts`; equally frequent ones in their own order.

        Args:
            texts: tokenised texts.
            size: most entries, the specials among them.
            least: how often a token must occur.
        """
        counts = Counter(token for text in texts for token in text)
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        kept = [token for token, count in ranked if count >= least and token not in SPECIALS]
        return cls((*SPECIALS, *kept[: max(0, size - len(SPECIALS))]))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {token: number for number, token in enumerate(self.tokens)}

    @cached_property
    def _words(self) -> dict[str, int]:
        """Return the numbers of what a text may say: of all tokens but the specials."""
        return dict(zip(self.tokens[len(SPECIALS) :], range(len(SPECIALS), len(self)), strict=True))

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self._numbers

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """Return the number of each token, `<unk>`'s where it is not known or is a special's name.

        A text that spells a special token cannot end a sentence by it.
        """
        number = self._words.get
        return [number(token, UNKNOWN) for token in tokens]

    def decode(self, numbers: Iterable[int]) -> list[str]:
        """Return the tokens, without padding, start and end."""
        return [self.tokens[number] for number in numbers if number not in (PAD, START, END)]

    def to_json(self) -> str:
        """Return the tokens as JSON text, one a line."""
        return json.dumps(self.tokens, ensure_ascii=False, indent=0)

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        """Return the vocabulary that `to_json` wrote.

        Raises:
            BundleError: the text is no such vocabulary.
        """
        try:
            tokens = json.loads(text)
            return cls(tuple(token + "" for token in tokens))  # refuses what is no text
        except (ValueError, TypeError, RecursionError) as error:
            raise BundleError(f"the vocabulary cannot be read: {error}") from error


def train_subwords(texts: Iterable[str], size: int) -> Tokenizer:
    """Return a byte-pair encoding learned from `texts`, of at most `size` entries.

    Digits and punctuation stand alone, so that numbers are read digit by digit. From 1,000 entries
    on, characters that were never seen are written as bytes; below that they are `<unk>`. Numbers
    0–3 are `<pad>`, `<unk>`, `<s>` and `</s>`, which no text can spell.

    Sennrich, Haddow and Birch 2016, https://aclanthology.org/P16-1162, algorithm 1.
    """
    size_of_bytes = 256 if size >= BYTES_FROM else 0
    trained = _tokenizer(models.BPE(unk_token=SPECIALS[UNKNOWN]))
    trainer = trainers.BpeTrainer(
        vocab_size=size - size_of_bytes,
        special_tokens=list(SPECIALS),
        limit_alphabet=max(1, (size - size_of_bytes) // 2),
        show_progress=False,
    )
    trained.train_from_iterator(texts, trainer)
    learned = json.loads(trained.to_str())["model"]
    vocabulary = learned["vocab"]
    for byte in range(size_of_bytes):
        vocabulary.setdefault(f"<0x{byte:02X}>", len(vocabulary))
    # Built anew: as added tokens, the specials would be found in users' texts.
    merges = [tuple(pair) for pair in learned["merges"]]
    unknown = SPECIALS[UNKNOWN]
    return _tokenizer(
        models.BPE(vocabulary, merges, unk_token=unknown, byte_fallback=size_of_bytes > 0)
    )


def _tokenizer(model: models.BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.Punctuation(),
        ]
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.Metaspace(), decoders.ByteFallback(), decoders.Fuse()]
    )
    return tokenizer
