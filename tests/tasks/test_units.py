"""Transcripts as symbols, and back."""

import pytest

from recurra.codecs.units import Kind, Units

TEXTS = ["one two  three", "two one", "Three, one!", "caf\u00e9 one two"]


def learned(kind: Kind, lowercase: bool = False, size: int = 60) -> Units:
    return Units.learn(TEXTS, kind, size, lowercase=lowercase)


@pytest.mark.parametrize("kind", ["characters", "words", "subwords"])
@pytest.mark.parametrize("lowercase", [True, False])
def test_a_learned_transcript_comes_back(kind: Kind, lowercase: bool) -> None:
    units = learned(kind, lowercase)
    again = Units.of(kind, units.to_json(), lowercase=lowercase)
    for text in TEXTS:
        plain = " ".join(text.lower().split() if lowercase else text.split())
        symbols = units.encode(text)
        assert symbols == again.encode(text)
        assert min(symbols) > 3  # the blank and what stands in no text
        assert max(symbols) < len(units) == len(again)
        assert units.decode(symbols) == again.decode(symbols) == plain
        assert units.unknown(text) == []


def test_letters_typed_in_two_ways_are_one() -> None:
    for kind in ("characters", "words"):
        units = learned(kind)
        assert units.encode("cafe\u0301") == units.encode("caf\u00e9")
        assert units.unknown("cafe\u0301") == []


def test_what_was_never_learned_is_unknown() -> None:
    assert learned("characters").unknown("one zwei") == ["i", "z"]
    assert learned("words").unknown("one zwei") == ["zwei"]
    assert learned("subwords").unknown("one \u4e8c") == ["\u4e8c"]
    for kind in ("characters", "words", "subwords"):
        units = learned(kind)
        assert 1 in units.encode("\u4e8c one")
        assert units.decode(units.encode("one")) == "one"


def test_the_size_bounds_the_symbols() -> None:
    assert len(learned("words", size=6)) == 6
    assert learned("words", size=6).unknown("one three") == ["three"]


def test_words_have_what_belongs_to_their_symbols() -> None:
    for kind in ("characters", "words", "subwords"):
        units = learned(kind)
        symbols = units.encode("two one two")
        found = units.words((one, (i, one)) for i, one in enumerate(symbols))
        assert [text for text, _ in found] == ["two", "one", "two"]
        for text, pieces in found:
            assert units.decode([symbol for _, symbol in pieces]) == text
        places = [i for _, pieces in found for i, _ in pieces]
        assert places == sorted(set(places))


def test_blanks_in_a_row_and_at_the_ends_part_no_empty_words() -> None:
    units = learned("characters")
    one, space = units.encode("one"), units.names.index(" ")
    assert units.decode([space, *one, space, space, *one, space]) == "one one"
    assert units.decode([]) == units.decode([space]) == ""


def test_which_symbols_add_a_word() -> None:
    characters, words = learned("characters"), learned("words")
    assert [n for n, e in zip(characters.names, characters.ends(), strict=True) if e] == [" "]
    assert words.ends() == [0.0, 1.0, 0.0, 0.0] + [1.0] * (len(words) - 4)
    pieces = learned("subwords")
    counted = zip(pieces.names, pieces.ends(), strict=True)
    assert all(bool(end) == name.startswith("\u2581") for name, end in counted)
