"""Texts as numbers and back, whole and in pieces."""

import numpy as np
import pytest

from recurra.data.spool import Spool
from recurra.data.units import Bytes, Characters, Subwords, Units, Words, fit, of, pieces
from recurra.errors import BundleError

TEXT = "Zoë saw the cat.\n\n  the cat — ran\tin 𝔘nicode\n" * 9
RAW = np.frombuffer(TEXT.encode(), np.uint8)


def spelled(units: Units, text: str) -> str:
    return b"".join(units.spell(int(i)) for i in units.encode(text.encode())).decode()


def made(name: str, size: int = 400) -> Units:
    return fit(name, pieces(RAW), size)


@pytest.mark.parametrize("name", ["characters", "bytes", "subwords"])
def test_what_was_cut_is_spelled_exactly(name: str):
    units = made(name)
    assert spelled(units, TEXT) == TEXT
    other = "".join(map(chr, range(1, 0x2FF))) + "日本"
    if name != "characters":
        assert spelled(units, other) == other
    assert int(units.encode(TEXT.encode()).max()) < len(units)
    again = of(name, units.stored())
    assert again.encode(TEXT.encode()).tolist() == units.encode(TEXT.encode()).tolist()
    assert len(again) == len(units)


def test_words_and_ends_of_lines():
    units = made("words")
    ids = units.encode(b"the cat\n ran xyz <unk> <end>\n").tolist()
    assert ids[2] == ids[-1] == 2
    assert ids[4:7] == [1, 1, 1]
    assert len(set(ids[:2] + ids[3:4])) == 3
    assert min(ids[:2]) > 2
    assert spelled(units, "the cat\nran\n") == " the cat\n ran\n"
    assert units.shown("the xyz\nran") == ["the", "xyz", "<eos>", "ran"]
    assert (
        of("words", units.stored()).encode(b"ran the").tolist() == units.encode(b"ran the").tolist()
    )


def test_the_most_frequent_are_kept():
    assert Characters.fit([b"aaabbc"], 4).characters == "ab"
    assert Characters.fit([b"aaabbc"], 4).encode(b"cab").tolist() == [1, 2, 3]
    assert Words.fit([b"b b a a c <unk> <unk> <unk>"], 5).words == ("a", "b")
    assert len(Bytes()) == 258
    assert len(Subwords.fit([TEXT.encode()], 280)) == 280


def test_subwords_are_pieces_of_words():
    units = made("subwords")
    shown = units.shown("the cat ran")
    assert "".join(shown) == "the cat ran"
    assert len(shown) < len("the cat ran")


@pytest.mark.parametrize("size", [1, 3, 7, 20, 10_000])
def test_pieces_are_the_whole_and_cut_no_character(size: int):
    if size < 4:
        found = list(pieces(np.frombuffer(b"abc def\nghi", np.uint8), size))
        assert b"".join(found) == b"abc def\nghi"
        return
    found = list(pieces(RAW, size))
    assert b"".join(found).decode() == TEXT
    for piece in found:
        piece.decode()
    assert max(map(len, found)) <= size
    words = made("words")
    if size >= 20:
        together = np.concatenate([words.encode(piece) for piece in found])
        assert together.tolist() == words.encode(TEXT.encode()).tolist()


def test_pieces_end_before_a_space_or_else_anywhere_but_within_a_character():
    def cut(text: str, size: int) -> list[str]:
        raw = np.frombuffer(text.encode(), np.uint8)
        return [piece.decode() for piece in pieces(raw, size)]

    assert cut("abcd efgh ijkl", 6) == ["abcd", " efgh", " ijkl"]
    assert cut("ab\ncd ef", 6) == ["ab\n", "cd ef"]
    assert cut("日本語日", 7) == ["日本", "語日"]


def test_what_a_bundle_cannot_hold_is_refused():
    for name, stored in [
        ("characters", "aa"), ("characters", None), ("words", ["a", "a"]), ("words", [1]),
        ("subwords", {}), ("subwords", {"vocabulary": {"a": 5}, "merges": []}), ("letters", "a"),
    ]:  # fmt: skip  # read as a table
        with pytest.raises(BundleError):
            of(name, stored)


def test_a_spool_holds_what_it_is_given():
    spool = Spool(np.int16)
    for part in ([1, 2], [], [30_000]):
        spool.add(np.array(part))
    assert spool.size == 3
    found = spool.close()
    assert (found.dtype, found.tolist()) == (np.int16, [1, 2, 30_000])
    assert Spool(np.uint8).close().tolist() == []
